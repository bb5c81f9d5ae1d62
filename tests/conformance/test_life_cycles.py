"""The life of a thing of each kind, through all operations of clause 6.2, as whoever has nothing but the printed tables would lead it."""
from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.conformance.conftest import Door
from tests.conformance.things import PACKAGE, creators, made, path_of
from tests.end_to_end.client import until
from tests.printed import Page, for_every_operation, needs_text, platform_pages

pytestmark = needs_text

# Tasks are neither updated nor deleted; their life has a test of its own.
KINDS = {page.resource: key for key, page in creators() if page.resource != "task"}
# Secrets are never shown: their keys stay, empty (erratum E16).
SECRETS = ("password", "credentialPassword", "machinePassword")
# What is deleted along with the link to it is named (erratum E63).
NAMED_BY_TRIGGERS = {"process": "processId", "robot": "robotId", "robot-group": "robotGroupId"}


def page(resource: str, *verbs: str) -> Page | None:
    """The first of these operations that the resource has."""
    found = {each.verb: each for each in platform_pages() if each.resource == resource}
    return next((found[verb] for verb in verbs if verb in found), None)


def row_of(door: Door, resource: str, key: str, thing_id: int) -> dict[str, Any] | None:
    """The thing's row in the list of its kind, which is called query where there is no single query."""
    lister = page(resource, "list", "query")
    assert lister is not None
    params = {"pageSize": 1000, **({"depId": 1} if "depId" in {row.name for row in lister.request} else {})}
    rows = next(value for name, value in door.checker.call(path_of(lister), params).items() if name == lister.response[0].name)
    return next((row for row in rows if row[key] == thing_id), None)


def shown(door: Door, resource: str, key: str, thing_id: int) -> list[Mapping[str, Any]]:
    """All that the hub says of a thing: its row, and its query where there is one."""
    row = row_of(door, resource, key, thing_id)
    assert row is not None, f"{key} {thing_id} is not in the list"
    query = page(resource, "query")
    if query is None or key not in {each.name for each in query.request}:
        return [row]
    return [row, door.checker.call(path_of(query), {key: thing_id})]


def assert_shown(door: Door, resource: str, key: str, thing_id: int, sent: Mapping[str, Any]) -> None:
    """Every parameter that was sent is shown again under its name, and the thing is not deleted."""
    for said in shown(door, resource, key, thing_id):
        assert said["isDeleted"] is False
        for name, value in sent.items():
            if name in said and name != "parentId":
                expected = "" if name in SECRETS else str(value) if isinstance(said[name], str) else value
                assert said[name] == expected, f"{resource}: {name}"


@pytest.mark.parametrize("resource", KINDS)
def test_what_is_created_is_shown_changed_and_deleted(door: Door, resource: str) -> None:
    key, create, update, delete = KINDS[resource], page(resource, "create"), page(resource, "update"), page(resource, "delete")
    assert create is not None and delete is not None
    sent = door.things.request(create)
    thing_id = made(door.checker.call(path_of(create), sent))
    sent[key] = thing_id
    assert_shown(door, resource, key, thing_id, sent)
    if update is not None:
        changed = door.things.request(update, 1, **{key: thing_id})
        door.checker.call(path_of(update), changed)
        assert_shown(door, resource, key, thing_id, {**sent, **changed})
    door.checker.call(path_of(delete), {key: thing_id})
    assert row_of(door, resource, key, thing_id) is None
    query = page(resource, "query")
    if query is not None and key in {each.name for each in query.request}:
        assert door.checker.call(path_of(query), {key: thing_id})["isDeleted"] is True
    door.checker.call(path_of(delete), {key: thing_id}, "10501")
    if update is not None:
        door.checker.call(path_of(update), {key: thing_id}, "10501")


@pytest.mark.parametrize("resource", [each for each in KINDS if page(each, "update")])
def test_an_update_changes_only_what_was_sent(door: Door, resource: str) -> None:
    key, create, update = KINDS[resource], page(resource, "create"), page(resource, "update")
    assert create is not None and update is not None
    sent = {name: value for name, value in door.things.request(create).items() if name != "filePassword"}
    thing_id = made(door.checker.call(path_of(create), sent))
    before = shown(door, resource, key, thing_id)
    door.checker.call(path_of(update), {key: thing_id})
    assert without_times(shown(door, resource, key, thing_id)) == without_times(before)
    name = next(row.name for row in update.request if row.name.endswith("Name") and row.name in sent)
    new = sent[name] if (resource, name) == ("robot", "machineName") else door.things.new_name("新名")
    door.checker.call(path_of(update), {key: thing_id, name: new})
    after = without_times(shown(door, resource, key, thing_id))
    assert after == [{**said, **({name: new} if name in said else {})} for said in without_times(before)]


def without_times(said: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Without what passes by itself: when it was changed, when it fires next, an address that expires, live figures."""
    passing = {"updateTime", "nextFireTimes", "url", "packageUrl", "resourceInfo"}
    return [{name: value for name, value in each.items() if name not in passing} for each in said]


@pytest.mark.parametrize("resource", NAMED_BY_TRIGGERS)
def test_a_deletion_names_the_triggers_that_it_switches_off(door: Door, resource: str) -> None:
    key, things, call = NAMED_BY_TRIGGERS[resource], door.things, door.checker.call
    create, group, process, trigger = page(resource, "create"), page("robot-group", "create"), page("process", "create"), page("trigger", "create")
    assert create is not None and group is not None and process is not None and trigger is not None
    thing_id = made(call(path_of(create), things.request(create)))
    used = {"robotGroupId": things.one("robotGroupId"), "robotIds": [things.one("robotId")], "processId": things.one("processId"), "assignType": 1}
    if resource == "robot":
        used["robotGroupId"] = made(call(path_of(group), things.request(group)))
        used |= {"robotIds": [thing_id], "assignType": 2}
        call("robot-group/append", {key: value for key, value in used.items() if key.startswith("robot")})
    elif resource == "robot-group":
        used |= {"robotGroupId": thing_id, "robotIds": [], "processId": made(call("process/create", things.request(process, robotGroupId=thing_id)))}
    else:
        used[key] = thing_id
    trigger_id = made(call("trigger/create", things.request(trigger, **used)))
    data = call(f"{resource}/delete", {key: thing_id})
    assert data["affectedTriggerIds"] == [trigger_id]
    assert data.get("affectedProcessIds", [used["processId"]]) == [used["processId"]]
    assert call("trigger/query", {"triggerId": trigger_id})["isActivated"] is False


def test_the_remark_of_an_asset_may_be_the_int_that_is_printed(door: Door) -> None:
    create = page("asset", "create")
    assert create is not None
    asset_id = made(door.checker.call("asset/create", door.things.request(create, remark=12)))
    assert door.checker.call("asset/query", {"assetId": asset_id})["remark"] == "12"
    door.checker.call("asset/update", {"assetId": asset_id, "remark": 13})
    assert door.checker.call("asset/query", {"assetId": asset_id})["remark"] == "13"


def test_robots_enter_a_group_and_leave_it(door: Door) -> None:
    things, call = door.things, door.checker.call
    create = page("robot-group", "create")
    assert create is not None
    group_id, robot_id = made(call("robot-group/create", things.request(create))), things.one("robotId")
    for verb, members in (("append", [robot_id]), ("remove", [])):
        call(f"robot-group/{verb}", {"robotGroupId": group_id, "robotIds": [robot_id]})
        row = row_of(door, "robot-group", "robotGroupId", group_id)
        assert row is not None and row["robotIds"] == members


def test_a_task_waits_is_paused_goes_on_and_is_cancelled(door: Door) -> None:
    things, call = door.things, door.checker.call
    create = page("task", "create")
    assert create is not None
    sent = things.request(create)
    (task_id,) = call("task/create", sent)["taskIds"]
    queued = call("task/query", {"taskId": task_id})
    assert {name: queued[name] for name in sent if name in queued} == {name: value for name, value in sent.items() if name in queued}
    assert (queued["taskStatus"], queued["startTime"], queued["stopTime"], queued["robotId"]) == ("2", "", "", None)
    row = row_of(door, "task", "taskId", task_id)
    assert row is not None and (row["taskStatus"], row["processId"]) == (2, sent["processId"])
    call("task/resume", {"taskId": task_id}, "10504")
    for verb, status in (("pause", "4"), ("resume", "2"), ("pause", "4"), ("cancel", "3")):
        call(f"task/{verb}", {"taskId": task_id})
        assert call("task/query", {"taskId": task_id})["taskStatus"] == status
    for verb in ("cancel", "pause", "resume"):
        call(f"task/{verb}", {"taskId": task_id}, "10101")
    assert call("task-log/query", {"taskId": task_id}) and call("video/query", {"taskId": task_id})["recordFileInfos"] == []


def test_a_task_runs_to_its_end_and_has_a_log(running: Door) -> None:
    things, call = running.things, running.checker.call
    process, group = page("process", "create"), next(each for each in call("robot-group/list")["robotGroups"] if len(each["robotIds"]) == 2)
    assert process is not None
    process_id = made(call("process/create", things.request(process, robotGroupId=group["robotGroupId"])))
    call("process/activate-package-version", {"processId": process_id, "packageId": things.one("packageId")})
    (task_id,) = call("task/create", {"processId": process_id, "priority": 0, "isRecord": False})["taskIds"]
    ended = until(lambda: found if (found := call("task/query", {"taskId": task_id}))["stopTime"] else None, 60, "the task to end")
    assert ended["taskStatus"] == "0" and ended["robotId"] in group["robotIds"] and ended["startTime"] <= ended["stopTime"]
    assert "你好" in [line["message"] for line in call("task-log/query", {"taskId": task_id, "logLevel": "info"})["logs"]]
    row = row_of(running, "task", "taskId", task_id)
    assert row is not None and (row["taskStatus"], row["endTime"]) == (0, ended["stopTime"])
    call("task/cancel", {"taskId": task_id}, "10102")


@pytest.mark.parametrize(("resource", "file", "lists"), [("package", "package", "packageUrl"), ("file", "file", "url")])
def test_a_file_in_a_form_is_as_good_as_one_in_json(door: Door, resource: str, file: str, lists: str) -> None:
    create = page(resource, "create")
    assert create is not None
    key, content = KINDS[resource], base64.b64decode(PACKAGE)
    for way in ("form", "json"):
        sent = {name: value for name, value in door.things.request(create).items() if name not in (file, "filePassword")}
        if way == "form":
            thing_id = made(door.checker.checked(create, door.admin.upload(f"{resource}/create", sent, {file: ("文件.zip", content)})))
        else:
            thing_id = made(door.checker.call(f"{resource}/create", {**sent, file: PACKAGE}))
        assert_shown(door, resource, key, thing_id, sent)
        (url,) = (said[lists] for said in shown(door, resource, key, thing_id) if lists in said)
        parts = urlsplit(url)
        answer = door.anybody.send("GET", f"{parts.path}?{parts.query}")
        assert (answer.status, answer.body) == (200, content)


def test_authenticate_gives_a_token_that_opens_the_other_operations(door: Door) -> None:
    create = page("employee", "create")
    assert create is not None
    user = door.things.request(create)
    door.checker.call("employee/create", user)
    data = door.checker.call("account/authenticate", {"username": user["username"], "password": user["password"]})
    assert data["token"] and data["expirationTime"]
    door.checker.call("account/authenticate", {"username": user["username"], "password": "wrong-Passw0rd"}, "10004")
    door.checker.call("account/authenticate", {"username": "nobody", "password": "wrong-Passw0rd"}, "10003")


def test_the_licences_are_told(door: Door) -> None:
    assert door.checker.call("license/info")["licenses"], "the hub's own robots are licensed"


@for_every_operation(lambda page: page.verb in ("list", "query", "info"))
def test_every_printed_filter_of_a_list_is_taken(door: Door, page: Page) -> None:
    full = door.things.request(page)
    for params in ({name: value for name, value in full.items() if name in {row.name for row in page.request if row.required}}, full):
        door.checker.call(path_of(page), params)


def test_all_72_operations_have_answered_well(door: Door, request: pytest.FixtureRequest) -> None:
    whole = {name for name in globals() if name.startswith("test_")}
    if not whole <= {getattr(item, "originalname", "") for item in request.session.items}:
        pytest.skip("only some tests of this file run")
    assert len(platform_pages()) == 72
    assert {page.path for page in platform_pages()} - door.checker.succeeded == set()
