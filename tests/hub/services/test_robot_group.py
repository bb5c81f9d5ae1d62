"""Robot groups: changed, and deleted with what ran on them (erratum E63)."""
from __future__ import annotations

from hub.core import Hub
from tests.hub.conftest import Api
from tests.hub.services import making
from tests.hub.services.making import department, group, process, robot


def test_an_update_changes_what_was_sent(api: Api) -> None:
    one, two = group(api), group(api)
    api("robot_group_update", robotGroupId=one, robotGroupName="甲", remark="备注")
    api("robot_group_update", robotGroupId=one, remark="")
    row = next(each for each in api("robot_group_list")["robotGroups"] if each["robotGroupId"] == one)
    assert (row["robotGroupName"], row["remark"]) == ("甲", "")
    assert api.code("robot_group_update", robotGroupId=two, robotGroupName="甲") == "10502"
    assert api.code("robot_group_update", robotGroupId=two, robotGroupName="") == "10005"
    api("robot_group_delete", robotGroupId=one)
    api("robot_group_update", robotGroupId=two, robotGroupName="甲")


def test_deletion_takes_the_group_from_processes_and_stops_what_ran_on_it(api: Api, hub: Hub) -> None:
    a, b = robot(api), robot(api)
    one, two = group(api, robots=(a, b)), group(api, robots=(a,))
    inside, outside = process(api, group_id=one), process(api, group_id=two)
    own = making.trigger(api, outside, robotGroupId=one)
    by_process = making.trigger(api, inside)
    naming = making.trigger(api, inside, assignType=2, robotIds=[a])
    other = making.trigger(api, inside, robotGroupId=two)
    waiting, running = making.tasks(api, inside, 2)
    named = making.tasks(api, inside, robotIds=[a])[0]
    making.change_task(hub, running, state="running", run_key="k")
    foretold = api("robot_group_delete", robotGroupId=one, dryRun=True)
    assert foretold == {"affectedProcessIds": [inside], "affectedTriggerIds": [own, by_process], "cancelledTaskIds": [waiting]}
    assert api("robot_group_delete", robotGroupId=one) == foretold
    assert [making.is_active(hub, each) for each in (own, by_process, naming, other)] == [False, False, True, True]
    assert [making.task_of(hub, each).state for each in (waiting, running, named)] == ["cancelled", "running", "queued"]
    groups = {row["processId"]: row["robotGroupId"] for row in api("process_list")["processes"]}
    assert groups == {inside: None, outside: two}
    assert api.code("task_create", processId=inside, priority=1, isRecord=False) == "11001"


def test_a_deleted_group_is_remembered_and_cannot_be_used(api: Api) -> None:
    one = group(api, robots=(1,))
    process_id = process(api)
    api("robot_group_delete", robotGroupId=one)
    row = next(each for each in api("robot_group_list", includeDeleted=True)["robotGroups"] if each["robotGroupId"] == one)
    assert (row["isDeleted"], row["robotIds"]) == (True, [])
    for operation, params in (
        ("robot_group_delete", {}),
        ("robot_group_update", {"remark": "x"}),
        ("robot_group_append", {"robotIds": [1]}),
        ("robot_group_remove", {"robotIds": [1]}),
        ("process_update", {"processId": process_id}),
        ("task_create", {"processId": process_id, "priority": 1, "isRecord": False}),
    ):
        assert api.code(operation, robotGroupId=one, **params) == "10501", operation


def test_processes_of_others_lose_the_group_too_but_are_not_told(api: Api) -> None:
    one = department(api)
    group_id = group(api, one)
    own, foreign = process(api, one, group_id), process(api, 1, group_id)
    answer = api.within(one)("robot_group_delete", robotGroupId=group_id)
    assert answer["affectedProcessIds"] == [own]
    assert {row["processId"]: row["robotGroupId"] for row in api("process_list")["processes"]} == {own: None, foreign: None}


def test_robots_come_and_go(api: Api) -> None:
    group_id, robot_id = group(api), robot(api)
    api("robot_group_append", robotGroupId=group_id, robotIds=[robot_id, 1, 1])
    api("robot_group_append", robotGroupId=group_id, robotIds=[1])
    api("robot_group_remove", robotGroupId=group_id, robotIds=[2, robot_id])
    row = next(each for each in api("robot_group_list")["robotGroups"] if each["robotGroupId"] == group_id)
    assert row["robotIds"] == [1]
    assert api.code("robot_group_remove", robotGroupId=group_id, robotIds=[99]) == "10501"
