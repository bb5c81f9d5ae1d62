"""Each operation against the real action server."""
from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from adapters.sema4 import ADAPTER
from adapters.sema4.tests.real_server import ActionServer
from plugins import Conflict, Context, InvalidInput, NotFound, Unreachable, VendorError
from plugins.http import HttpClient
from plugins.manager import LoadedAdapter
from plugins.testing import context_for

ENDED = ("succeeded", "failed", "cancelled")

Call = Callable[..., dict[str, Any]]


def context(server: ActionServer, key: str | None = None) -> Context:
    return context_for(ADAPTER, server.address, credentials={"api_key": server.api_key if key is None else key})


@pytest.fixture
def call(sema4_server: ActionServer) -> Call:
    loaded, ctx = LoadedAdapter(ADAPTER), context(sema4_server)
    return lambda name, **params: loaded.call(name, ctx, params)


def start(call: Call, action: str, key: str = "", **values: str) -> str:
    parameters = [{"name": name, "value": value} for name, value in values.items()]
    answer = call("task_create", processId=f"things/{action}", packageId="things", inParameters=parameters, key=key or str(uuid4()))
    (reference,) = answer["taskIds"]
    return str(reference)


def until(call: Call, reference: str, *states: str) -> dict[str, Any]:
    """The task, once it is in one of the states."""
    deadline = time.monotonic() + 30
    while True:
        task = call("task_query", taskId=reference)
        if task["taskState"] in states:
            return task
        assert time.monotonic() < deadline, f"the task is still {task['taskState']}"
        time.sleep(0.1)


def named(parameters: list[dict[str, str]]) -> dict[str, str]:
    return {each["name"]: each["value"] for each in parameters}


def test_check_names_product_and_version(call: Call) -> None:
    answer = call("connection_check")
    assert answer["product"] == "Sema4.ai Action Server"
    assert int(answer["version"].split(".")[0]) >= 2


@pytest.mark.parametrize("key", ["wrong-key", ""])
def test_check_finds_a_wrong_key_without_running_anything(sema4_server: ActionServer, call: Call, key: str) -> None:
    before = call("task_list")["tasks"]
    with pytest.raises(VendorError) as caught:
        LoadedAdapter(ADAPTER).call("connection_check", context(sema4_server, key), {})
    assert "凭据" in caught.value.reason or "API Key" in caught.value.reason
    assert [each["taskId"] for each in call("task_list")["tasks"]] == [each["taskId"] for each in before]


def test_a_wrong_key_starts_nothing_and_is_not_repeated_in_the_error(sema4_server: ActionServer) -> None:
    params = {"processId": "things/greet", "inParameters": [{"name": "name", "value": "Li"}], "key": str(uuid4())}
    with pytest.raises(VendorError) as caught:
        LoadedAdapter(ADAPTER).call("task_create", context(sema4_server, "not-the-key-77"), params)
    assert "not-the-key-77" not in f"{caught.value!r} {caught.value.raw}"
    assert not caught.value.maybe_done


def test_import_gives_each_action_as_a_process_with_its_inputs(call: Call) -> None:
    answer = call("connection_import")
    assert {"packageId": "things", "packageName": "things", "packageVersion": ""} in answer["packages"]
    processes = {each["processId"]: each for each in answer["processes"]}
    assert {f"things/{name}" for name in ("greet", "add", "fail", "complain", "wait")} <= processes.keys()
    greet = processes["things/greet"]
    assert greet["packageId"] == "things"
    assert greet["processName"] == "greet"
    assert greet["remark"] == "Greets somebody."
    assert named(greet["inParameters"]) == {"name": "", "times": "1", "factor": "1.5", "loud": "false"}


def test_texts_reach_the_action_as_the_types_it_declares(call: Call) -> None:
    reference = start(call, "greet", name="李 雷", times="2", factor="0.5", loud="true")
    task = until(call, reference, *ENDED)
    assert task["taskState"] == "succeeded"
    assert task["taskStatus"] == 0
    assert task["processId"] == "things/greet"
    assert named(task["outParameters"]) == {"result": "HELLO 李 雷 HELLO 李 雷"}
    assert named(task["inParameters"]) == {"name": "李 雷", "times": "2", "factor": "0.5", "loud": "true"}
    assert task["startTime"].tzinfo is not None
    assert task["startTime"] <= task["stopTime"] <= datetime.now(UTC) + timedelta(seconds=1)


def test_an_object_becomes_one_out_parameter_for_each_key(call: Call) -> None:
    task = until(call, start(call, "add", first="2", second="40"), *ENDED)
    assert named(task["outParameters"]) == {"sum": "42", "parts": "[2, 40]", "note": "十", "nothing": ""}


def test_a_failing_action_is_failed_with_its_reason(call: Call) -> None:
    task = until(call, start(call, "fail", text="today"), *ENDED)
    assert task["taskState"] == "failed"
    assert task["taskStatus"] == 1
    assert "no luck: today" in task["reason"]


def test_an_answer_with_an_error_is_a_failure_with_that_reason(call: Call) -> None:
    task = until(call, start(call, "complain", text="x"), *ENDED)
    assert task["taskState"] == "failed"
    assert task["reason"] == "complaint: x"


def test_a_running_task_is_cancelled_once(call: Call) -> None:
    reference = start(call, "wait", seconds="60")
    running = until(call, reference, "running")
    assert running["taskStatus"] == 2
    assert running["stopTime"] is None
    assert call("task_cancel", taskId=reference) == {}
    assert until(call, reference, *ENDED)["taskState"] == "cancelled"
    with pytest.raises(Conflict) as caught:
        call("task_cancel", taskId=reference)
    assert caught.value.code.value == "10101"


def test_an_ended_task_cannot_be_cancelled(call: Call) -> None:
    reference = start(call, "greet", name="Li")
    until(call, reference, "succeeded")
    with pytest.raises(Conflict) as caught:
        call("task_cancel", taskId=reference)
    assert caught.value.code.value == "10102"


def test_an_unknown_task_is_not_found(call: Call) -> None:
    for name in ("task_cancel", "task_query", "task_log_query"):
        with pytest.raises(NotFound):
            call(name, taskId="run-000-that-never-was")


def test_an_unknown_action_is_not_found(call: Call) -> None:
    with pytest.raises(NotFound):
        start(call, "dance")


@pytest.mark.parametrize(("values", "code"), [
    ({}, "10006"), ({"name": "Li", "times": "many"}, "10007"), ({"name": "Li", "times": "1.5"}, "10007"),
])
def test_wrong_inputs_are_refused_before_anything_runs(call: Call, values: dict[str, str], code: str) -> None:
    key = str(uuid4())
    with pytest.raises(InvalidInput) as caught:
        start(call, "greet", key=key, **values)
    assert caught.value.code.value == code


def test_a_task_is_found_by_the_key_it_was_started_with(call: Call) -> None:
    key = str(uuid4())
    assert call("task_find", key=key) == {"taskId": None}
    reference = start(call, "greet", key=key, name="Li")
    assert call("task_find", key=key) == {"taskId": reference}


def test_watch_gives_all_known_tasks_and_leaves_out_the_others(call: Call) -> None:
    references = [start(call, "greet", name=f"n{number}") for number in range(4)]
    for reference in references:
        until(call, reference, "succeeded")
    answer = call("task_watch", taskIds=[*references, "run-000-that-never-was"])
    assert [each["taskId"] for each in answer["tasks"]] == references
    assert {each["taskState"] for each in answer["tasks"]} == {"succeeded"}
    assert [named(each["outParameters"])["result"] for each in answer["tasks"]] == [f"Hello n{number}" for number in range(4)]
    assert call("task_watch", taskIds=[references[2]])["tasks"] == [answer["tasks"][2]]


def test_list_shows_tasks_newest_first_and_by_process(call: Call) -> None:
    first = start(call, "greet", name="a")
    second = start(call, "add", first="1", second="1")
    listed = [each["taskId"] for each in call("task_list")["tasks"]]
    assert listed.index(second) < listed.index(first)
    only = call("task_list", processId="things/add")["tasks"]
    assert second in [each["taskId"] for each in only]
    assert {each["processId"] for each in only} == {"things/add"}
    assert call("task_list", runningStartTimeRange_startTime=datetime.now(UTC) + timedelta(hours=1))["tasks"] == []


def test_log_has_lines_with_time_and_level(call: Call) -> None:
    began = datetime.now(UTC)
    reference = start(call, "greet", name="Li")
    until(call, reference, "succeeded")
    lines = call("task_log_query", taskId=reference)["logs"]
    (hello,) = [line for line in lines if line["message"] == "你好 Li"]
    assert hello["logLevel"] == "info"
    assert began - timedelta(seconds=1) <= hello["logTime"] <= datetime.now(UTC)
    assert [line["logLevel"] for line in lines if line["message"] == "careful"] == ["warn"]
    assert [line["logTime"] for line in lines] == sorted(line["logTime"] for line in lines)
    assert {line["logLevel"] for line in call("task_log_query", taskId=reference, logLevel="warn")["logs"]} == {"warn"}


def test_log_of_a_failure_has_its_traceback_as_error(call: Call) -> None:
    reference = start(call, "fail", text="today")
    until(call, reference, "failed")
    errors = [line["message"] for line in call("task_log_query", taskId=reference)["logs"] if line["logLevel"] == "error"]
    assert any("ActionError: no luck: today" in message for message in errors)


def test_log_can_be_read_while_the_task_runs(call: Call) -> None:
    reference = start(call, "wait", seconds="60")
    deadline = time.monotonic() + 20
    while "tick 2" not in [line["message"] for line in call("task_log_query", taskId=reference)["logs"]]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    call("task_cancel", taskId=reference)


def test_the_api_key_that_the_server_keeps_in_its_log_is_not_passed_on(sema4_server: ActionServer, call: Call) -> None:
    reference = start(call, "greet", name="Li")
    until(call, reference, "succeeded")
    kept = HttpClient(sema4_server.address).get(
        "/api/runs/{}/artifacts/text-content", reference, params={"artifact_names": "output.robolog"}, shape=dict
    )
    assert sema4_server.api_key in kept["output.robolog"], "the server has stopped doing so: the care taken in task_log may go"
    assert sema4_server.api_key not in str(call("task_log_query", taskId=reference))


def test_a_run_that_a_restart_cut_off_has_failed_and_was_not_cancelled(sema4_python: Path, tmp_path: Path) -> None:
    server = ActionServer(sema4_python, tmp_path)
    server.start()
    try:
        loaded, ctx = LoadedAdapter(ADAPTER), context(server)
        reference = start(lambda name, **params: loaded.call(name, ctx, params), "wait", seconds="60")
        server.restart()
        ctx = replace(ctx, connection=replace(ctx.connection, address=server.address))
        task = loaded.call("task_query", ctx, {"taskId": reference})
        assert task["taskState"] == "failed"
        assert "重启" in task["reason"]
        server.stop()
        with pytest.raises(Unreachable):
            loaded.call("task_query", ctx, {"taskId": reference})
    finally:
        server.stop()


def test_a_run_that_ends_within_the_patience_is_started_all_the_same(sema4_python: Path, tmp_path: Path) -> None:
    server = ActionServer(sema4_python, tmp_path, options=("--reuse-processes", "--min-processes", "1"))
    server.start()
    try:
        loaded, ctx = LoadedAdapter(ADAPTER), context(server)

        def call(name: str, **params: Any) -> dict[str, Any]:
            return loaded.call(name, ctx, params)

        until(call, start(call, "greet", name="warm"), "succeeded")
        assert until(call, start(call, "greet", name="fast"), *ENDED)["taskState"] == "succeeded"
        assert until(call, start(call, "fail", text="fast"), *ENDED)["taskState"] == "failed"
    finally:
        server.stop()
