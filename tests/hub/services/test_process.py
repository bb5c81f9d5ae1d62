"""Processes: changed, moved, deleted with what they would start (errata E53, E63, E77)."""
from __future__ import annotations

import pytest

from hub import rights
from hub.core import Hub
from hub.models import Package, Process, Robot
from plugins import hookimpl
from plugins.errors import Unreachable
from tests.hub.conftest import Api
from tests.hub.services import making
from tests.hub.services.making import department, process

OWNERS = {"businessOwner": "业务", "devOwner": "开发", "opsOwner": "运维"}


def shown(api: Api, process_id: int, **params: object) -> dict[str, object]:
    return next(row for row in api("process_list", **params)["processes"] if row["processId"] == process_id)


def test_an_update_changes_what_was_sent_and_nothing_else(api: Api) -> None:
    process_id = process(api, remark="旧", **OWNERS)
    before = shown(api, process_id)
    assert {name: before[name] for name in OWNERS} == OWNERS
    assert before["adapter"] == "native"
    group_id = making.group(api)
    api("process_update", processId=process_id, robotGroupId=group_id, opsOwner="新")
    after = shown(api, process_id)
    assert after == {**before, "robotGroupId": group_id, "opsOwner": "新", "updateTime": after["updateTime"]}
    api("process_update", processId=process_id, remark="", isRecord=True, processName="改名")
    after = shown(api, process_id)
    assert (after["remark"], after["isRecord"], after["processName"]) == ("", True, "改名")
    assert api.code("process_update", processId=process_id, processName=" ") == "10005"


def test_names_are_unique_in_a_department_also_after_a_move(api: Api) -> None:
    one = department(api)
    first, second = process(api, processName="清算"), process(api, one, processName="清算")
    assert api.code("process_update", processId=second, depId=1) == "10502"
    api("process_update", processId=second, depId=1, processName="清算二")
    assert api.code("process_update", processId=second, processName="清算") == "10502"
    api("process_delete", processId=first)
    api("process_update", processId=second, processName="清算")


def test_a_move_stays_in_the_scope_and_takes_the_permission(api: Api) -> None:
    one = department(api)
    below = department(api, one)
    process_id = process(api, one)
    assert api.within(one).code("process_update", processId=process_id, depId=1) == "10501"
    assert api.within(one, "process:update").code("process_update", processId=process_id, depId=below) == "30001"
    assert api.within(one, "process:update").code("process_update", processId=process_id, depId=one) == "00000"
    operator = rights.builtin_roles(api.dispatcher.catalogue)[rights.OPERATOR]
    api.within(one, *operator)("process_update", processId=process_id, depId=below)
    assert shown(api, process_id)["depId"] == below


def test_deletion_switches_triggers_off_and_cancels_what_waits(api: Api, hub: Hub) -> None:
    process_id, other = process(api), process(api)
    active, off = making.trigger(api, process_id), making.trigger(api, process_id, isActivated=False)
    unrelated = making.trigger(api, other)
    running, queued, held, ended = making.tasks(api, process_id, 4)
    elsewhere = making.tasks(api, other)[0]
    making.change_task(hub, running, state="running", run_key="k")
    making.change_task(hub, ended, state="succeeded")
    api("task_pause", taskId=held)
    foretold = api("process_delete", processId=process_id, dryRun=True)
    assert foretold == {"affectedTriggerIds": [active, off], "cancelledTaskIds": [queued, held]}
    assert making.is_active(hub, active) and making.task_of(hub, queued).state == "queued"
    assert shown(api, process_id)["isDeleted"] is False
    assert api("process_delete", processId=process_id) == foretold
    states = [making.task_of(hub, each).state for each in (running, queued, held, ended, elsewhere)]
    assert states == ["running", "cancelled", "cancelled", "succeeded", "queued"]
    assert [making.is_active(hub, each) for each in (active, off, unrelated)] == [False, False, True]
    assert api("task_query", taskId=queued)["taskStatus"] == "3"
    assert "已删除" in making.log_of(hub, queued)[0] and "已删除" in api("task_query", taskId=held)["reason"]


def test_a_deleted_process_starts_nothing_and_is_remembered(api: Api) -> None:
    process_id = process(api)
    trigger_id = making.trigger(api, process_id)
    task_id = making.tasks(api, process_id)[0]
    api("process_delete", processId=process_id)
    for operation, params in (
        ("process_delete", {"processId": process_id}),
        ("process_update", {"processId": process_id, "remark": "x"}),
        ("task_create", {"processId": process_id, "priority": 1, "isRecord": False}),
    ):
        assert api.code(operation, **params) == "10501", operation
    assert api.code("trigger_update", triggerId=trigger_id, isActivated=True) == "10504"
    assert shown(api, process_id, includeDeleted=True)["isDeleted"] is True
    assert api("task_query", taskId=task_id)["processId"] == process_id
    assert [row["taskId"] for row in api("task_list", processId=process_id)["tasks"]] == [task_id]


def test_what_lies_outside_the_scope_is_switched_off_too_but_not_told(api: Api, hub: Hub) -> None:
    one = department(api)
    process_id = process(api, one)
    own, foreign = making.trigger(api, process_id, one), making.trigger(api, process_id)
    answer = api.within(one)("process_delete", processId=process_id)
    assert answer["affectedTriggerIds"] == [own]
    assert not making.is_active(hub, foreign)


@pytest.mark.parametrize("sort", ["processName", "-processName"])
def test_processes_are_sorted_as_asked(api: Api, sort: str) -> None:
    for name in ("b", "a", "c"):
        process(api, processName=name)
    names = [row["processName"] for row in api("process_list", sort=sort)["processes"]]
    assert names == sorted("abc", reverse=sort.startswith("-"))


class Vendor:
    """A platform that is told of changes."""

    def __init__(self) -> None:
        self.told: list[dict[str, object]] = []
        self.is_away = False

    @hookimpl
    def process_update(self, ctx, params):
        return self.note(params)

    @hookimpl
    def process_delete(self, ctx, params):
        return self.note(params)

    @hookimpl
    def package_delete(self, ctx, params):
        return self.note(params)

    @hookimpl
    def robot_update(self, ctx, params):
        return self.note(params)

    @hookimpl
    def robot_delete(self, ctx, params):
        return self.note(params)

    def note(self, params):
        if self.is_away:
            raise Unreachable("没有应答")
        self.told.append(params)
        return {}


def test_a_platform_is_told_of_the_changes_of_its_own_things_first(api: Api, hub: Hub) -> None:
    vendor = Vendor()
    connection_id = making.platform(hub, vendor)
    process_id = making.imported(hub, Process, connection_id, name="p", reference="p-1")
    package_id = making.imported(hub, Package, connection_id, name="k", version="1", reference="k-1")
    robot_id = making.imported(hub, Robot, connection_id, name="r", reference="r-1")
    calls = (
        ("process_update", {"processId": process_id, "processName": "q", "opsOwner": "运维"}, {"processId": "p-1", "processName": "q"}),
        ("robot_update", {"robotId": robot_id, "robotName": "s"}, {"robotId": "r-1", "robotName": "s"}),
        ("process_delete", {"processId": process_id}, {"processId": "p-1"}),
        ("package_delete", {"packageId": package_id}, {"packageId": "k-1"}),
        ("robot_delete", {"robotId": robot_id}, {"robotId": "r-1"}),
    )
    vendor.is_away = True
    assert {api.code(operation, **params) for operation, params, _ in calls} == {"20101"}
    assert shown(api, process_id)["processName"] == "p" and shown(api, process_id)["opsOwner"] == ""
    vendor.is_away = False
    api("process_delete", processId=process_id, dryRun=True)
    api("process_update", processId=process_id, remark="旧", robotGroupId=1)
    vendor.told.clear()
    for operation, params, _ in calls:
        api(operation, **params)
    assert vendor.told == [told for _, _, told in calls]
    assert shown(api, process_id, includeDeleted=True)["processName"] == "q"


def test_what_a_platform_cannot_be_told_changes_in_the_hub_alone(api: Api, hub: Hub) -> None:
    connection_id = making.platform(hub, object())
    process_id = making.imported(hub, Process, connection_id, name="p", reference="p-1")
    api("process_update", processId=process_id, processName="q")
    assert shown(api, process_id)["processName"] == "q"
    api("process_delete", processId=process_id)
    assert shown(api, process_id, includeDeleted=True)["isDeleted"] is True
