"""The same standard calls on a platform that is not ours: a real action server, connected, imported, driven and watched."""
from __future__ import annotations

import time

import pytest

from adapters.sema4.tests.real_server import ActionServer
from tests.end_to_end.client import Client, until
from tests.end_to_end.hub_process import HubProcess


@pytest.fixture(scope="module")
def processes(admin: Client, sema4_server: ActionServer) -> dict[str, int]:
    """The server's actions as processes of the hub, by name."""
    found = admin.call(
        "/api/ext/connection/create",
        {"connectionName": "动作服务器", "adapter": "sema4", "address": sema4_server.address, "credentials": {"api_key": sema4_server.api_key}},
    )
    assert found["productVersion"]
    taken = admin.call("/api/ext/connection/import", {"connectionId": found["connectionId"]})
    assert taken["processes"] >= 4
    again = admin.call("/api/ext/connection/import", {"connectionId": found["connectionId"]})
    assert (again["processes"], again["packages"], again["removed"]) == (0, 0, 0)
    rows = [row for row in admin.call("process/list", {"pageSize": 1000})["processes"] if row["adapter"] == "动作服务器"]
    return {row["processName"].rsplit("/", 1)[-1]: row["processId"] for row in rows}


def parameters(**values: object) -> list[dict[str, str]]:
    return [{"name": name, "value": str(value)} for name, value in values.items()]


def test_a_task_runs_there_and_its_result_and_log_come_back(admin: Client, processes: dict[str, int]) -> None:
    task = admin.run(processes["greet"], inParameters=parameters(name="总部", times=2))
    assert task["taskStatus"] == "0"
    assert {"name": "result", "value": "Hello 总部 Hello 总部"} in task["outParameters"]
    assert task["vendorId"] and task["adapter"] == "动作服务器"
    assert task["startTime"] and task["stopTime"]
    assert any("你好 总部" in line for line in admin.log(task["taskId"]))


def test_a_failure_there_is_a_failure_here_with_its_reason(admin: Client, processes: dict[str, int]) -> None:
    task = admin.run(processes["fail"], inParameters=parameters(text="余额不符"))
    assert task["taskStatus"] == "1"
    assert "余额不符" in task["reason"]


def test_wrong_parameters_fail_the_task_and_say_why(admin: Client, processes: dict[str, int]) -> None:
    task = admin.run(processes["add"], inParameters=parameters(first="no number", second=2))
    assert task["taskStatus"] == "1"
    assert task["reason"]


def test_a_running_task_is_seen_there_and_cancelled_there(admin: Client, processes: dict[str, int]) -> None:
    task_id = admin.start(processes["wait"], inParameters=parameters(seconds=60))[0]
    until(lambda: admin.task(task_id)["taskState"] == "running" or None, 30, "the task to run")
    until(lambda: admin.log(task_id) or None, 30, "lines of the running task")
    admin.call("task/cancel", {"taskId": task_id})
    assert admin.ended([task_id])[0]["taskStatus"] == "3"
    admin.call("task/cancel", {"taskId": task_id}, code="10101")


def test_pausing_is_refused_with_the_reason(admin: Client, processes: dict[str, int]) -> None:
    task_id = admin.start(processes["wait"], inParameters=parameters(seconds=30))[0]
    until(lambda: admin.task(task_id)["taskState"] == "running" or None, 30, "the task to run")
    admin.call("task/pause", {"taskId": task_id}, code="20102", status=400)
    admin.call("task/cancel", {"taskId": task_id})


def test_no_answer_of_the_hub_shows_the_credentials(admin: Client, processes: dict[str, int], sema4_server: ActionServer, hub: HubProcess) -> None:
    listed = admin.post("/api/ext/connection/list", {})
    assert sema4_server.api_key not in listed.body.decode()
    for path in hub.data.rglob("*"):
        if path.is_file() and not path.is_socket():
            assert sema4_server.api_key.encode() not in path.read_bytes(), path


def test_a_connection_with_a_wrong_key_is_not_stored(admin: Client, sema4_server: ActionServer) -> None:
    body = {"connectionName": "错误密钥", "adapter": "sema4", "address": sema4_server.address, "credentials": {"api_key": "wrong"}}
    admin.call("/api/ext/connection/create", body, code="20104", status=500)
    assert "错误密钥" not in [row["connectionName"] for row in admin.call("/api/ext/connection/list")["connections"]]


def test_a_server_that_is_not_there_answers_with_the_vendor_code_in_bounded_time(admin: Client) -> None:
    began = time.monotonic()
    body = {"connectionName": "不存在", "adapter": "sema4", "address": "http://127.0.0.1:9", "credentials": {"api_key": "k"}}
    admin.call("/api/ext/connection/create", body, code="20101", status=500)
    assert time.monotonic() - began < 20


def test_tasks_of_a_server_that_dies_end_as_what_they_became(
    admin: Client, sema4_python: ActionServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    server = ActionServer(sema4_python, tmp_path_factory.mktemp("dying"))  # type: ignore[arg-type]
    server.start()
    try:
        found = admin.call(
            "/api/ext/connection/create",
            {"connectionName": "将停机", "adapter": "sema4", "address": server.address, "credentials": {"api_key": server.api_key}},
        )
        admin.call("/api/ext/connection/import", {"connectionId": found["connectionId"]})
        rows = [row for row in admin.call("process/list", {"pageSize": 1000})["processes"] if row["adapter"] == "将停机"]
        greet = next(row["processId"] for row in rows if row["processName"].endswith("greet"))
        server.stop()
        task = admin.run(greet, inParameters=parameters(name="x"))
        assert task["taskStatus"] == "1"
        assert "无法连接厂商平台" in task["reason"]
        admin.call("/api/ext/connection/check", {"connectionId": found["connectionId"]}, code="20101", status=500)
    finally:
        server.stop()
