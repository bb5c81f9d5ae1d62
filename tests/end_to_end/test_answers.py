"""What the hub answers to requests that are wrong: the printed code, the status of erratum E09, and always the one envelope."""
from __future__ import annotations

import base64
import io
import json
import zipfile
from typing import Any

import pytest

from tests.end_to_end.client import Client, assert_envelope, full, package
from tests.end_to_end.hub_process import PASSWORD

JSON = "application/json;charset=utf-8"


@pytest.mark.parametrize("token", ["", "x", "0" * 43, "x" * 513, "令牌".encode().decode("latin-1"), "' OR 1=1 --"])
def test_a_wrong_token_is_10001(anybody: Client, token: str) -> None:
    reply = anybody.send("POST", full("task/list"), b"{}", {"content-type": JSON, "version": "1.0.0", "token": token})
    assert_envelope(reply, "10001", 401)


def test_a_missing_token_is_10001_whatever_the_body_holds(anybody: Client) -> None:
    for body in (b"", b"{", b"[]", b'{"taskId": "x"}'):
        assert_envelope(anybody.send("POST", full("task/query"), body, {"content-type": JSON, "version": "1.0.0"}), "10001", 401)


def test_authenticate_needs_no_token_and_ignores_one(anybody: Client) -> None:
    Client(anybody.url, "not a token").call("account/authenticate", {"username": "admin", "password": PASSWORD})


def test_an_unknown_user_is_10003_and_a_wrong_password_10004(anybody: Client) -> None:
    anybody.call("account/authenticate", {"username": "nobody", "password": PASSWORD}, "10003", 401)
    anybody.call("account/authenticate", {"username": "admin", "password": PASSWORD + " "}, "10004", 401)


@pytest.mark.parametrize(
    ("version", "code"),
    [("1.0.0", "00000"), ("1.7.12", "00000"), ("1.2", "00000"), ("1", "00000"), (None, "00000"), (" 1.0.0 ", "00000")]
    + [(each, "10002") for each in ("2.0.0", "0.9.0", "11.0.0", "abc", "1.0.0.0", "1.x", "v1.0.0", "1..0", "-1.0", "9" * 400)],
)
def test_versions_1_x_are_served_and_others_are_10002(admin: Client, version: str | None, code: str) -> None:
    headers = {name: value for name, value in admin.headers().items() if name != "version"}
    reply = admin.send("POST", full("department/list"), b"{}", headers if version is None else {**headers, "version": version})
    assert_envelope(reply, code, 200 if code == "00000" else 400)
    assert reply.headers["version"] == "1.0.0"


BODIES: list[tuple[bytes, str]] = [
    (b"{", "10007"), (b"[]", "10007"), (b'"taskId"', "10007"), (b"1", "10007"), (b'{"taskId": NaN}', "10007"), (b"\xff\xfe{}", "10007"),
    ('{"taskId": "任务"}'.encode("gbk"), "10007"), (b"[" * 100_000, "10007"), (b'{"taskId":1}{"taskId":2}', "10007"), (b"taskId=1", "10007"),
    (b"", "10006"), (b"   ", "10006"), (b"{}", "10006"), (b"null", "10006"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "code"), BODIES, ids=[repr(body[:20]) for body, _ in BODIES])
def test_a_junk_body_is_10007_and_an_empty_one_lacks_its_parameters(admin: Client, body: bytes, code: str) -> None:
    assert_envelope(admin.send("POST", full("task/query"), body, admin.headers()), code, 400)


@pytest.mark.parametrize(
    ("content_type", "code"),
    [(each, "00000") for each in (JSON, "application/json", 'APPLICATION/JSON; Charset="UTF-8"', "application/json; charset=utf8", None)]
    + [(each, "10007") for each in ("text/plain", "application/xml", "application/x-www-form-urlencoded", "application/json; charset=gbk", "text/json;charset=utf-16")],
)
def test_the_content_type_is_json_in_utf_8(admin: Client, content_type: str | None, code: str) -> None:
    headers = {name: value for name, value in admin.headers().items() if name != "content-type"}
    reply = admin.send("POST", full("department/list"), b'{"depId": 1}', headers if content_type is None else {**headers, "content-type": content_type})
    assert_envelope(reply, code, 200 if code == "00000" else 400)


@pytest.mark.parametrize("body", [b"", b"{}", b"null"])
def test_an_operation_without_mandatory_parameters_takes_an_empty_body(admin: Client, body: bytes) -> None:
    assert_envelope(admin.send("POST", full("machine/list"), body, admin.headers()), "00000", 200)


PARAMETERS: list[tuple[str, Any, str, int]] = [
    ("account/authenticate", {"username": "admin"}, "10006", 400),
    ("account/authenticate", {"username": "admin", "password": ""}, "10005", 400),
    ("account/authenticate", {"username": None, "password": "x"}, "10005", 400),
    ("account/authenticate", {"username": {"$gt": ""}, "password": "x"}, "10007", 400),
    ("account/authenticate", {"username": "x" * 5000, "password": "x"}, "10007", 400),
    ("department/create", {"depName": "x"}, "10006", 400),
    ("department/create", {"depName": "   ", "parentId": 1}, "10005", 400),
    ("department/create", {"depName": "x" * 129, "parentId": 1}, "10007", 400),
    ("department/create", {"depName": "a\x00b", "parentId": 1}, "10007", 400),
    ("department/create", {"depName": "x", "parentId": 999999}, "10501", 404),
    ("employee/create", {"employeeName": "x", "username": "x", "password": "short", "depId": 1}, "10007", 400),
    ("employee/query", {"employeeId": 999999}, "10501", 404),
    ("task/query", {"taskId": "abc"}, "10007", 400),
    ("task/query", {"taskId": ""}, "10005", 400),
    ("task/query", {"taskId": None}, "10005", 400),
    ("task/query", {"taskId": 1.5}, "10007", 400),
    ("task/query", {"taskId": -1}, "10007", 400),
    ("task/query", {"taskId": True}, "10007", 400),
    ("task/query", {"taskId": 2**53}, "10007", 400),
    ("task/query", {"taskId": 10**30}, "10007", 400),
    ("task/query", {"taskId": [1]}, "10007", 400),
    ("task/query", {"taskId": {"id": 1}}, "10007", 400),
    ("task/query", {"taskId": 999999}, "10501", 404),
    ("task/query", {"taskId": " 999999 "}, "10501", 404),
    ("task/cancel", {"taskId": 999999}, "10501", 404),
    ("task/list", {"pageNum": 0}, "10007", 400),
    ("task/list", {"pageSize": -1}, "10007", 400),
    ("task/list", {"pageSize": "many"}, "10007", 400),
    ("task/list", {"pageNum": "1", "pageSize": "2"}, "00000", 200),
    ("task/list", {"depId": 999999}, "10501", 404),
    ("task/list", {"runningStartTimeRange_startTime": "2026-02-30 00:00:00"}, "10301", 400),
    ("task/list", {"runningStartTimeRange_endTime": "yesterday"}, "10301", 400),
    ("task/list", {"runningStartTimeRange_startTime": 1767225600}, "10301", 400),
    ("task-log/query", {"taskId": 1, "logLevel": "fatal"}, "10401", 400),
    ("task-log/query", {"taskId": 999999}, "10501", 404),
    ("task/create", {"priority": 1, "isRecord": False}, "10006", 400),
    ("task/create", {"processId": 999999, "priority": 1, "isRecord": False}, "10501", 404),
    ("task/create", {"processId": 1, "priority": 3, "isRecord": False}, "10007", 400),
    ("task/create", {"processId": 1, "priority": "high", "isRecord": False}, "10007", 400),
    ("task/create", {"processId": 1, "priority": 1, "isRecord": "perhaps"}, "10007", 400),
    ("task/create", {"processId": 1, "priority": 1, "isRecord": False, "inParameters": {"name": "a"}}, "10007", 400),
    ("task/create", {"processId": 1, "priority": 1, "isRecord": False, "inParameters": [{"value": "a"}]}, "10006", 400),
    ("task/create", {"processId": 1, "priority": 1, "isRecord": False, "inParameters": ["a"]}, "10007", 400),
    ("process/create", {"processName": "x", "depId": 1, "isRecord": False}, "10006", 400),
    ("process/create", {"processName": "x", "depId": 1, "robotGroupId": 999999, "isRecord": False}, "10501", 404),
    ("process/activate-package-version", {"processId": 999999, "packageId": 1}, "10501", 404),
    ("package/create", {"packageName": "x", "packageVersion": "1", "depId": 1}, "10006", 400),
    ("package/create", {"packageName": "x", "packageVersion": "1", "depId": 1, "package": ""}, "10005", 400),
    ("package/create", {"packageName": "x", "packageVersion": "1", "depId": 1, "package": "no base64!"}, "10007", 400),
    ("package/create", {"packageName": "x", "packageVersion": "1", "depId": 1, "package": 1}, "10007", 400),
    ("robot/query", {"robotId": 999999}, "10501", 404),
    ("robot/create", {"depId": 1, "robotName": "x", "robotType": 7, "machineId": 1, "machineName": "x", "machineUsername": "x"}, "10007", 400),
    ("robot/create", {"depId": 1, "robotName": "x", "robotType": 0, "machineId": 999999, "machineName": "x", "machineUsername": "x"}, "10501", 404),
    ("robot/list", {"robotStatus": 9}, "10007", 400),
    ("robot-group/append", {"robotGroupId": 1, "robotIds": []}, "10005", 400),
    ("robot-group/append", {"robotGroupId": 1, "robotIds": "1,2"}, "10007", 400),
    ("robot-group/append", {"robotGroupId": 1, "robotIds": [999999]}, "10501", 404),
    ("robot-group/append", {"robotGroupId": 999999, "robotIds": [1]}, "10501", 404),
    ("machine/query", {"machineId": 1, "resourceTypes": ["gpu"]}, "10007", 400),
]  # fmt: skip


@pytest.mark.parametrize(("path", "params", "code", "status"), PARAMETERS, ids=[f"{path} {json.dumps(params)[:60]}" for path, params, *_ in PARAMETERS])
def test_wrong_parameters_get_the_printed_codes(admin: Client, path: str, params: Any, code: str, status: int) -> None:
    admin.call(path, params, code, status)


@pytest.mark.parametrize(
    ("extra", "code", "status"),
    [
        ({"totalCount": 0}, "10007", 400),
        ({"totalCount": 61}, "10007", 400),
        ({"inParameters": [{"name": "a", "value": "1"}, {"name": "a", "value": "2"}]}, "10007", 400),
        ({"robotIds": [999999]}, "10501", 404),
        ({"robotGroupId": 999999}, "10501", 404),
        ({"maxRunTime": -1}, "10007", 400),
        ({"warnType": 9}, "10007", 400),
    ],
)
def test_a_task_that_cannot_be_is_refused_before_it_is_written(admin: Client, hello: int, extra: dict[str, Any], code: str, status: int) -> None:
    before = admin.call("task/list", {"processId": hello})["total"]
    admin.call("task/create", {"processId": hello, "priority": 1, "isRecord": False, **extra}, code, status)
    assert admin.call("task/list", {"processId": hello})["total"] == before


def zipped(*names: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, "")
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"not a zip", "10007"),
        (zipped("readme.txt"), "10007"),
        (zipped("main.py", "../outside.py"), "10007"),
        (zipped("main.py", "/etc/outside.py"), "10007"),
        (package("", **{"large.bin": "x" * (3 << 20)}), "10505"),
    ],
    ids=["no zip", "no entry", "path outside", "absolute path", "too large"],
)
def test_a_bad_package_is_refused_at_its_upload(admin: Client, content: bytes, code: str) -> None:
    given = {"packageName": "bad", "packageVersion": "1", "depId": 1}
    if len(content) < 2 << 20:
        admin.call("package/create", {**given, "package": base64.b64encode(content).decode()}, code, 400)
    assert_envelope(admin.upload("package/create", given, {"package": ("bad.zip", content)}), code, 400)
    assert "bad" not in {each["packageName"] for each in admin.call("package/query", {"keyword": "bad"})["packageList"]}


def test_a_request_that_is_too_large_is_10505(admin: Client) -> None:
    assert_envelope(admin.send("POST", full("department/list"), b'{"x": "' + b"x" * (5 << 20) + b'"}', admin.headers()), "10505", 400)
    given = {"packageName": "large", "packageVersion": "1", "depId": 1}
    assert_envelope(admin.upload("package/create", given, {"package": ("large.zip", b"x" * (9 << 20))}), "10505", 400)


def test_a_refusal_reaches_a_client_that_is_still_sending(anybody: Client) -> None:
    large = b"x" * (7 << 20)
    given = {"packageName": "large", "packageVersion": "1", "depId": 1}
    assert_envelope(anybody.upload("package/create", given, {"package": ("large.zip", large)}), "10001", 401)
    assert_envelope(anybody.send("POST", "/nowhere", large), "10501", 404)


@pytest.mark.parametrize("path", ["/api/platform/nothing", "/api/platform", "/", "/api/platform/task/query/x", "/api/%00", "/api/platform/../../etc/passwd"])
def test_an_unknown_address_is_404_in_the_envelope(admin: Client, path: str) -> None:
    for method in ("GET", "POST"):
        assert_envelope(admin.send(method, path, b"{}" if method == "POST" else None, admin.headers()), "10501", 404)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_another_method_is_405_in_the_envelope(admin: Client, method: str) -> None:
    reply = admin.send(method, full("task/query"), None, admin.headers())
    assert_envelope(reply, "10007", 405)
    assert "POST" in reply.headers["allow"]


def test_head_answers_as_get_without_a_body_and_options_names_the_methods(anybody: Client) -> None:
    live = anybody.send("HEAD", "/api/ext/health/live")
    assert (live.status, live.body) == (200, b"")
    refused = anybody.send("HEAD", full("task/query"))
    assert (refused.status, refused.body) == (405, b"")
    options = anybody.send("OPTIONS", full("task/query"))
    assert options.status in (200, 204) and "POST" in options.headers["allow"]


def test_unknown_parameters_are_ignored_and_named_in_a_header(admin: Client) -> None:
    reply = admin.post("department/list", {"depId": 1, "colour": "red"})
    assert_envelope(reply, "00000", 200)
    assert "colour" in reply.headers["warnings"]


def test_every_answer_has_a_trace_id_and_keeps_the_callers(admin: Client) -> None:
    assert len(admin.post("department/list").headers["x-trace-id"]) >= 16
    mine = "0123456789abcdef0123456789abcdef"
    for path, headers in ((full("department/list"), admin.headers()), ("/nowhere", {})):
        reply = admin.send("POST", path, b"{}", {**headers, "x-trace-id": mine})
        assert reply.headers["x-trace-id"] == mine and reply.json["traceId"] == mine
    evil = admin.send("POST", full("department/list"), b"{}", {**admin.headers(), "x-trace-id": "<script>alert(1)</script>"})
    assert "script" not in evil.headers["x-trace-id"]
