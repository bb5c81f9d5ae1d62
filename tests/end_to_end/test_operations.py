"""The complete operations, called as a client does that has read the standard and nothing else."""
from __future__ import annotations

import base64
import hashlib
import re
import time
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.end_to_end.client import Client, assert_envelope, package
from tests.end_to_end.hub_process import PASSWORD, HubProcess

Named = Callable[[str], str]
TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


def test_the_first_start_makes_what_a_process_needs_to_run(admin: Client) -> None:
    (root,) = [each for each in admin.call("department/list")["departments"] if each["parentId"] == 0]
    assert root["depName"] == "总部"
    assert admin.call("employee/list", {"keyword": "admin"})["users"][0]["username"] == "admin"
    assert len(admin.call("machine/list")["machines"]) >= 1
    (group,) = [each for each in admin.call("robot-group/list")["robotGroups"] if each["robotGroupName"] == "默认机器人组"]
    assert group["robotIds"] == [1, 2]


def test_authenticate_gives_a_token_that_opens_the_other_operations(anybody: Client) -> None:
    data = anybody.call("account/authenticate", {"username": "admin", "password": PASSWORD})
    assert len(data["token"]) >= 32 and TIME.fullmatch(data["expirationTime"])
    Client(anybody.url, data["token"]).call("department/list")


def test_a_department_is_created_below_another_and_listed_with_it(admin: Client, named: Named) -> None:
    parent = admin.call("department/create", {"depName": named("部门"), "parentId": 1})["depId"]
    child = admin.call("department/create", {"depName": "下级部门", "parentId": parent})["depId"]
    found = admin.call("department/list", {"depId": parent})["departments"]
    assert [(each["depId"], each["parentId"], each["isDeleted"]) for each in found] == [(parent, 1, False), (child, parent, False)]
    admin.call("department/create", {"depName": "下级部门", "parentId": parent}, "10502", 409)


def test_an_employee_is_created_shown_listed_and_can_log_in(admin: Client, anybody: Client, named: Named) -> None:
    given = {"employeeName": "张三", "username": "zhang san", "password": "secret-of-zhang", "depId": 1, "email": "z@example.com", "mobile": "13800000000"}
    employee_id = admin.call("employee/create", given)["employeeId"]
    shown = admin.call("employee/query", {"employeeId": employee_id})
    assert shown | {"employeeName": "张三", "username": "zhang san", "depId": 1, "email": "z@example.com", "mobile": "13800000000"} == shown
    assert (shown["password"], shown["userStatus"], shown["isDeleted"]) == ("", 0, False)
    assert employee_id in {each["employeeId"] for each in admin.call("employee/list", {"depId": 1})["users"]}
    assert anybody.log_in("zhang san", "secret-of-zhang").call("employee/query", {"employeeId": employee_id})["username"] == "zhang san"
    admin.call("employee/create", given, "10502", 409)


def test_a_machine_is_created_shown_and_listed(admin: Client, named: Named) -> None:
    machine_id = admin.call("machine/create", {"machineName": named("机器"), "remark": "机房 2"})["machineId"]
    assert admin.call("machine/query", {"machineId": machine_id})["isDeleted"] is False
    assert {"machineId": machine_id, "machineName": named("机器"), "remark": "机房 2", "isDeleted": False}.items() <= next(
        each for each in admin.call("machine/list")["machines"] if each["machineId"] == machine_id
    ).items()
    admin.call("machine/create", {"machineName": named("机器")}, "10502", 409)


def test_a_machine_query_shows_the_figures_of_this_machine(admin: Client) -> None:
    info = admin.call("machine/query", {"machineId": 1, "resourceTypes": ["cpu", "memory", "machineName"]})["resourceInfo"]
    assert re.fullmatch(r"\d+(\.\d+)?%", info["cpu"]) and re.fullmatch(r"[\d.]+GB/[\d.]+%", info["memory"])
    assert info["machineName"] == admin.call("machine/list")["machines"][0]["machineName"]


def test_a_robot_is_created_shown_and_listed_without_its_secret(admin: Client, named: Named) -> None:
    elsewhere = admin.call("machine/create", {"machineName": named("远程机器")})["machineId"]
    given = {
        "depId": 1, "robotName": named("机器人"), "robotType": 1, "machineId": elsewhere, "machineName": named("远程机器"),
        "machineUsername": "rpa", "machinePassword": "machine-secret", "resolutionWidth": 1920, "logLevel": "debug",
    }
    robot_id = admin.call("robot/create", given)["robotId"]
    reply = admin.post("robot/query", {"robotId": robot_id})
    shown = assert_envelope(reply, "00000", 200)
    assert {"robotName": named("机器人"), "robotType": 1, "machineUsername": "rpa", "resolutionWidth": 1920, "logLevel": "debug"}.items() <= shown.items()
    assert (shown["machinePassword"], shown["robotStatus"], shown["machineId"]) == ("", 2, elsewhere)
    assert b"machine-secret" not in reply.body
    (row,) = [each for each in admin.robots() if each["robotId"] == robot_id]
    assert row["machineId"] == str(elsewhere)


def test_robots_are_put_into_a_group_and_taken_out(admin: Client, named: Named) -> None:
    group_id = admin.call("robot-group/create", {"depId": 1, "robotGroupName": named("组"), "remark": "夜间"})["robotGroupId"]
    admin.call("robot-group/append", {"robotGroupId": group_id, "robotIds": [1, 2]})
    admin.call("robot-group/append", {"robotGroupId": group_id, "robotIds": [2]})
    members = lambda: next(  # noqa: E731
        each["robotIds"] for each in admin.call("robot-group/list", {"depId": 1})["robotGroups"] if each["robotGroupId"] == group_id
    )
    assert members() == [1, 2]
    admin.call("robot-group/remove", {"robotGroupId": group_id, "robotIds": [1]})
    assert members() == [2]


@pytest.mark.parametrize("way", ["multipart", "base64", "base64 with a name"])
def test_a_package_comes_as_a_form_or_as_base64_and_goes_out_unchanged(admin: Client, anybody: Client, named: Named, way: str) -> None:
    content = package("print('你好')", **{"数据/说明.txt": way})
    given = {"packageName": named("包"), "packageVersion": "1.0.0", "depId": 1}
    if way == "multipart":
        reply = admin.upload("package/create", given, {"package": ("对账 流程.zip", content)})
    else:
        text = base64.b64encode(content).decode()
        reply = admin.post("package/create", {**given, "package": text if way == "base64" else {"name": "对账.zip", "content": text}})
    package_id = assert_envelope(reply, "00000", 201)["packageId"]
    rows = admin.call("package/query", {"depId": 1, "pageSize": 1000})
    assert rows["packageList"] == rows["packages"]
    (row,) = [each for each in rows["packageList"] if each["packageId"] == package_id]
    assert (row["packageName"], row["packageVersion"], row["depId"], row["isDeleted"]) == (named("包"), "1.0.0", 1, False)
    answer = anybody.send("GET", path_of(row["packageUrl"]))
    assert (answer.status, answer.body) == (200, content)
    assert row["digest"] == hashlib.sha256(content).hexdigest()


def path_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def test_a_package_version_is_taken_once(admin: Client, named: Named) -> None:
    given = {"packageName": named("包"), "packageVersion": "1", "depId": 1, "package": base64.b64encode(package("")).decode()}
    admin.call("package/create", given)
    admin.call("package/create", given, "10502", 409)
    admin.call("package/create", {**given, "packageVersion": "2"})


def test_a_download_address_that_was_changed_or_has_expired_opens_nothing(admin: Client, anybody: Client, hello: int) -> None:
    row = admin.call("package/query")["packageList"][0]
    address = urlsplit(row["packageUrl"])
    expires, _, mac = parse_qs(address.query)["sign"][0].partition(".")
    assert int(expires) > time.time()
    later = str(int(expires) + 3600)
    forged = (f"{later}.{mac}", f"{expires}.{mac[:-2]}", f"{expires}.", f".{mac}", f"{int(time.time()) - 1}.{mac}", "", "x", f"-{expires}.{mac}", f"{expires}.密")
    for sign in forged:
        reply = anybody.send("GET", f"{address.path}?sign={sign.encode('utf-8').hex() if not sign.isascii() else sign}")
        assert_envelope(reply, "30001", 403)
    elsewhere = re.sub(r"\d+$", "999", address.path)
    assert_envelope(anybody.send("GET", f"{elsewhere}?{address.query}"), "30001", 403)
    assert anybody.send("GET", path_of(row["packageUrl"])).status == 200


def test_a_process_is_created_activated_and_listed(admin: Client, group_id: int, named: Named) -> None:
    given = {"processName": named("流程"), "remark": "每日对账", "depId": 1, "robotGroupId": group_id, "isRecord": False}
    process_id = admin.call("process/create", given)["processId"]
    (row,) = [each for each in admin.call("process/list", {"depId": 1, "pageSize": 1000})["processes"] if each["processId"] == process_id]
    assert {**given, "isDeleted": False}.items() <= row.items()
    admin.call("task/create", {"processId": process_id, "priority": 1, "isRecord": False}, "10504", 409)
    content = base64.b64encode(package("")).decode()
    package_id = admin.call("package/create", {"packageName": named("包"), "packageVersion": "1", "depId": 1, "package": content})["packageId"]
    assert admin.call("process/activate-package-version", {"processId": process_id, "packageId": package_id}) == {}
    assert admin.run(process_id)["taskStatus"] == "0"


def test_a_task_runs_and_shows_its_result_and_its_log(admin: Client, hello: int) -> None:
    shown = admin.run(hello, inParameters=[{"name": "日期", "value": "2026-01-05"}])
    assert (shown["taskStatus"], shown["processId"], shown["createModeType"], shown["depId"]) == ("0", hello, 2, 1)
    assert shown["robotId"] in (1, 2)
    assert shown["inParameters"] == [{"name": "日期", "value": "2026-01-05"}]
    assert shown["outParameters"] == [{"name": "日期", "value": "2026-01-05"}, {"name": "taskId", "value": str(shown["taskId"])}]
    assert TIME.fullmatch(shown["startTime"]) and TIME.fullmatch(shown["stopTime"])
    assert "你好，世界" in admin.log(shown["taskId"])
    (row,) = [each for each in admin.call("task/list", {"processId": hello, "pageSize": 1000})["tasks"] if each["taskId"] == shown["taskId"]]
    assert (row["taskStatus"], row["startTime"], row["endTime"]) == (0, shown["startTime"], shown["stopTime"])


def test_tasks_are_found_by_the_time_of_their_start(admin: Client, hello: int) -> None:
    shown = admin.run(hello)
    found = lambda start, end: shown["taskId"] in {  # noqa: E731
        each["taskId"]
        for each in admin.call(
            "task/list", {"runningStartTimeRange_startTime": start, "runningStartTimeRange_endTime": end, "processId": hello, "pageSize": 1000}
        )["tasks"]
    }
    assert found(shown["startTime"], shown["startTime"])
    assert not found("2001-01-01 00:00:00", "2001-12-31 23:59:59")


def test_the_log_has_levels_and_a_level_is_read_exactly(admin: Client, group_id: int) -> None:
    process_id = admin.make_process("import sys\nprint('to stdout')\nprint('to stderr', file=sys.stderr)\nsys.exit(3)", group_id=group_id)
    shown = admin.run(process_id)
    assert (shown["taskStatus"], shown["taskState"]) == ("1", "failed") and "3" in shown["reason"]
    lines = admin.call("task-log/query", {"taskId": shown["taskId"]})["logs"]
    levels = {line["message"]: line["logLevel"] for line in lines}
    assert levels["to stdout"] == "info" and levels["to stderr"] != "info"
    only = admin.call("task-log/query", {"taskId": shown["taskId"], "logLevel": "INFO"})["logs"]
    assert only == [line for line in lines if line["logLevel"] == "info"] and only != lines


def test_pages_are_cut_and_counted(admin: Client, hello: int) -> None:
    task_ids = admin.start(hello, totalCount=3)
    admin.ended(task_ids)
    pages = [admin.call("task/list", {"processId": hello, "pageNum": number, "pageSize": 2}) for number in (1, 2, 3)]
    ids = [each["taskId"] for each in admin.call("task/list", {"processId": hello, "pageSize": 1000})["tasks"]]
    assert [each["taskId"] for page in pages for each in page["tasks"]] == ids[:6]
    assert ids == sorted(ids) and {page["total"] for page in pages} == {len(ids)}
    assert admin.call("task/list", {"pageNum": 10**6})["tasks"] == []
    assert admin.call("task/list", {"pageSize": 10**6})["pageSize"] == 1000


def test_the_hub_says_that_it_lives_and_can_serve(hub: HubProcess, anybody: Client) -> None:
    for kind in ("live", "ready"):
        assert assert_envelope(anybody.send("GET", f"/api/ext/health/{kind}"), "00000", 200)["status"] == kind
