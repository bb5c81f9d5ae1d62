"""Robots: changed, moved, deleted without losing a task; and which robots may run what (errata E63, E76)."""
from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from hub.core import Hub
from hub.database import now
from hub.models import Robot, RobotGroupMember
from hub.tasks import lifecycle
from tests.hub.conftest import Api
from tests.hub.services import making
from tests.hub.services.making import department, process, robot


def write(hub: Hub, robot_id: int, **values: Any) -> None:
    with hub.db.write() as session:
        session.execute(update(Robot).where(Robot.id == robot_id).values(**values))


def listed(api: Api, **params: object) -> list[int]:
    return [row["robotId"] for row in api("robot_list", **params)["robots"]]


def test_an_update_changes_what_was_sent_and_nothing_else(api: Api) -> None:
    robot_id = robot(api, remark="旧", labels=["夜间", "清算"], logLevel="debug", resolutionWidth=1920)
    before = api("robot_query", robotId=robot_id)
    assert before["labels"] == ["夜间", "清算"]
    api("robot_update", robotId=robot_id, remark="新")
    after = api("robot_query", robotId=robot_id)
    assert after == {**before, "remark": "新", "updateTime": after["updateTime"]}
    api("robot_update", robotId=robot_id, labels=[], robotName="甲", robotType=1, logLevel="WARN")
    after = api("robot_query", robotId=robot_id)
    assert (after["labels"], after["robotName"], after["robotType"], after["logLevel"]) == ([], "甲", 1, "warn")
    assert api.code("robot_update", robotId=robot_id, robotName="") == "10005"


def test_the_password_is_kept_sealed_and_taken_away_by_an_empty_one(api: Api, hub: Hub) -> None:
    def sealed() -> str | None:
        with hub.db.read() as session:
            return session.get_one(Robot, robot_id).sealed_machine_password

    robot_id = robot(api, machinePassword="Secret-of-1")
    first = sealed()
    api("robot_update", robotId=robot_id, remark="x")
    assert sealed() == first
    api("robot_update", robotId=robot_id, machinePassword="Secret-of-2")
    second = sealed() or ""
    assert hub.vault.open(second, "machine password") == "Secret-of-2" and "Secret" not in second
    assert api("robot_query", robotId=robot_id)["machinePassword"] == ""
    api("robot_update", robotId=robot_id, machinePassword="")
    assert sealed() is None


def test_a_robot_goes_to_the_machine_that_is_named(api: Api, hub: Hub) -> None:
    one, two = (api("machine_create", machineName=name)["machineId"] for name in ("m1", "m2"))
    robot_id = robot(api)
    api("robot_update", robotId=robot_id, machineName="m1")
    assert api("robot_query", robotId=robot_id)["machineId"] == one
    api("robot_update", robotId=robot_id, machineId=two, machineName="m1")
    assert api("robot_query", robotId=robot_id)["machineName"] == "m2"
    assert api.code("robot_update", robotId=robot_id, machineName="m3") == "10501"
    assert api.code("robot_update", robotId=robot_id, machineId=99) == "10501"
    write(hub, robot_id, task_id=7)
    assert api.code("robot_update", robotId=robot_id, machineId=one) == "11001"
    api("robot_update", robotId=robot_id, machineId=two, remark="同一台")


def test_names_are_unique_in_a_department(api: Api) -> None:
    first, second = robot(api, robotName="甲"), robot(api, robotName="乙")
    assert api.code("robot_update", robotId=second, robotName="甲") == "10502"
    api("robot_delete", robotId=first)
    api("robot_update", robotId=second, robotName="甲")


def test_deletion_switches_off_the_triggers_that_name_the_robot(api: Api, hub: Hub) -> None:
    robot_id, group_id = robot(api), making.group(api)
    api("robot_group_append", robotGroupId=group_id, robotIds=[robot_id, 1])
    process_id = process(api, group_id=group_id)
    naming = making.trigger(api, process_id, assignType=2, robotIds=[1, robot_id])
    by_group = making.trigger(api, process_id)
    foretold = api("robot_delete", robotId=robot_id, dryRun=True)
    assert foretold == {"affectedTriggerIds": [naming], "cancelledTaskIds": []}
    assert making.is_active(hub, naming) and robot_id in listed(api)
    assert api("robot_delete", robotId=robot_id) == foretold
    assert [making.is_active(hub, each) for each in (naming, by_group)] == [False, True]
    with hub.db.read() as session:
        assert list(session.scalars(select(RobotGroupMember.robot_id).where(RobotGroupMember.robot_group_id == group_id))) == [1]
    assert api("robot_group_list", sort="-id")["robotGroups"][0]["robotIds"] == [1]


def test_what_waited_for_the_robot_alone_is_cancelled(api: Api, hub: Hub) -> None:
    one, two = robot(api), robot(api)
    process_id = process(api)
    alone = making.tasks(api, process_id, robotIds=[one])[0]
    both = making.tasks(api, process_id, robotIds=[one, two])[0]
    anybody = making.tasks(api, process_id)[0]
    assert api("robot_delete", robotId=one)["cancelledTaskIds"] == [alone]
    assert [making.task_of(hub, each).state for each in (alone, both, anybody)] == ["cancelled", "queued", "queued"]
    assert api("robot_delete", robotId=two)["cancelledTaskIds"] == [both]


def test_a_robot_that_runs_a_task_is_not_deleted_and_a_deleted_one_runs_none(api: Api, hub: Hub) -> None:
    first, second = making.tasks(api, process(api), 2)
    assert lifecycle.claim(hub, first, state="running", lease=60, robot_id=1) is not None
    assert api.code("robot_delete", robotId=1) == "11001"
    assert api.code("robot_delete", robotId=1, dryRun=True) == "11001"
    api("robot_delete", robotId=2)
    assert lifecycle.claim(hub, second, state="running", lease=60, robot_id=2) is None
    assert making.task_of(hub, second).state == "queued"


def test_a_deleted_robot_is_remembered_and_cannot_be_changed(api: Api) -> None:
    api("robot_delete", robotId=2)
    assert api("robot_query", robotId=2)["isDeleted"] is True
    assert (listed(api), listed(api, includeDeleted=True)) == ([1], [1, 2])
    for operation, params in (
        ("robot_delete", {"robotId": 2}),
        ("robot_update", {"robotId": 2, "remark": "x"}),
        ("robot_group_append", {"robotGroupId": 1, "robotIds": [2]}),
    ):
        assert api.code(operation, **params) == "10501", operation


def test_robots_are_found_by_what_they_may_run(api: Api) -> None:
    a, b, c = robot(api), robot(api), robot(api)
    group_id, other = making.group(api, robots=(a, b)), making.group(api, robots=(c,))
    process_id = process(api, group_id=group_id)
    assert listed(api, processId=process_id) == listed(api, robotGroupId=group_id) == [a, b]
    assert listed(api, triggerId=making.trigger(api, process_id)) == [a, b]
    assert listed(api, triggerId=making.trigger(api, process_id, robotGroupId=other)) == [c]
    assert listed(api, triggerId=making.trigger(api, process_id, assignType=2, robotIds=[b, c])) == [b, c]
    assert listed(api, triggerId=making.trigger(api, process_id), robotGroupId=other) == []


def test_robots_are_found_by_machine_and_state(api: Api, hub: Hub) -> None:
    elsewhere = robot(api, machineId=api("machine_create", machineName="m1")["machineId"])
    assert listed(api, machineId=1) == [1, 2]
    write(hub, 1, seen_at=now())
    write(hub, 2, seen_at=now(), task_id=7)
    assert [listed(api, robotStatus=status) for status in (0, 1, 2)] == [[1], [2], [elsewhere]]
    assert [listed(api, robotState=state) for state in ("idle", "running", "offline", "disabled")] == [[1], [2], [elsewhere], []]


@pytest.mark.parametrize("name", ["processId", "triggerId", "robotGroupId", "machineId"])
def test_a_filter_by_a_thing_that_is_not_there_finds_nothing(api: Api, name: str) -> None:
    assert api.code("robot_list", **{name: 99}) == "10501"


def test_robots_are_sorted_as_asked(api: Api) -> None:
    names = [row["robotName"] for row in api("robot_list", sort="-robotName")["robots"]]
    assert names == ["机器人2", "机器人1"]
    one = department(api)
    robot(api, one, robotName="甲")
    assert [row["depId"] for row in api("robot_list", sort="-depId")["robots"]] == [one, 1, 1]
