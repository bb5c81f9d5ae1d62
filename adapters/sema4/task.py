"""Tasks: runs of actions."""
from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import uuid4

from adapters.sema4.client import action, actions, client, run_path
from adapters.sema4.codes import CUT_OFF, STATES, TIME
from adapters.sema4.values import as_text, inputs, outputs
from plugins import Conflict, Context, HubError, NotFound, VendorError, codes, hookimpl
from plugins.normalise import TaskState, has_ended, read, task_status

# Seconds in which the server may still refuse the inputs before it answers. With 0 it answers first and then leaves a run whose inputs
# are wrong in NOT_RUN for ever.
PATIENCE = "0.4"
RUN_ID = "X-Action-Server-Run-Id"
SINGLY = 3


@hookimpl
def task_create(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    """Start a run and do not wait for its end. The hub's key goes along as the server's request id."""
    each = action(ctx, params["processId"])
    key = params.get("key") or uuid4().hex
    try:
        answer = client(ctx).send(
            "POST",
            run_path(each),
            json=inputs(each, params.get("inParameters") or []),
            headers={"x-actions-async-timeout": PATIENCE, "x-actions-request-id": key},
        )
    except VendorError as error:
        # A run that fails within the patience is answered with its failure, without its id.
        reference = _started(ctx, key) if _failed_at_once(error) else None
        if reference is None:
            raise
        return {"taskIds": [reference]}
    reference = answer.headers.get(RUN_ID)
    if not reference:
        failure = VendorError("服务器未返回运行标识")
        failure.maybe_done = True
        raise failure
    return {"taskIds": [reference]}


def _failed_at_once(error: HubError) -> bool:
    return isinstance(error.raw, dict) and error.raw.get("status") == 500


@hookimpl
def task_find(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    """Find a run by the key that was sent as its request id. That there is none is certain by the server's own words only (``ERRORS``)."""
    return {"taskId": _started(ctx, params["key"])}


def _started(ctx: Context, key: str) -> str | None:
    try:
        answer = client(ctx).get("/api/runs/run-id-from-request-id/{}", key, shape=dict)
    except NotFound:
        return None
    return read(answer, "run_id", str)


@hookimpl
def task_cancel(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    """Cancel a run that waits or runs. The server ends its process at once."""
    answer = client(ctx).post("/api/runs/{}/cancel", params["taskId"], shape=str)
    if answer == "cancelled":
        return {}
    if answer != "not-running":
        raise VendorError("应答结构不符：取消的结果未知")
    state = _task(_run(ctx, params["taskId"]))["taskState"]
    if not has_ended(state):
        raise Conflict("服务器上该运行已不在执行，服务器重启后会将其结束")
    raise Conflict(code=codes.TASK_CANCELLED if state == TaskState.CANCELLED else codes.TASK_STOPPED)


@hookimpl
def task_query(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    """The present state of a run, with its inputs and outputs."""
    run = _run(ctx, params["taskId"])
    references = {each.id: each.reference for each in actions(ctx)}
    return {
        **_task(run),
        "processId": references.get(read(run, "action_id", str)),
        "inParameters": _given(read(run, "inputs", str, "")),
    }


@hookimpl
def task_list(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    """The newest runs (the server gives 200 and has no paging), newest first, whoever started them."""
    references = {each.id: each.reference for each in actions(ctx)}
    tasks = []
    for run in _runs(ctx):
        seen = _task(run)
        task = {name: seen[name] for name in ("taskId", "taskState", "taskStatus", "reason", "startTime")}
        task |= {"processId": references.get(read(run, "action_id", str)), "endTime": seen["stopTime"]}
        if _wanted(task, params):
            tasks.append(task)
    return {"tasks": tasks}


@hookimpl
def task_watch(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    """The states of several runs: one call for all that are among the newest, one more for each that is older."""
    wanted = dict.fromkeys(params["taskIds"])
    if len(wanted) > SINGLY:
        wanted |= {run["id"]: run for run in _runs(ctx) if run["id"] in wanted}
    return {"tasks": [_task(run) for run in _known(ctx, wanted)]}


def _known(ctx: Context, runs: dict[str, Any]) -> Iterable[dict[str, Any]]:
    for reference, run in runs.items():
        try:
            yield run or _run(ctx, reference)
        except NotFound:
            continue


def _runs(ctx: Context) -> list[dict[str, Any]]:
    return [run for run in client(ctx).get("/api/runs", shape=list) if read(run, "id", str)]


def _run(ctx: Context, reference: str) -> dict[str, Any]:
    run: dict[str, Any] = client(ctx).get("/api/runs/{}", reference, shape=dict)
    return run


def _task(run: dict[str, Any]) -> dict[str, Any]:
    """A run in the standard's words.

    The server notes when a run was made and how long it took without waiting, not when it began or ended: a run that waited for a free
    process seems to begin and end earlier by that time.
    """
    state = STATES(read(run, "status", int))
    message, result = read(run, "error_message", str, ""), read(run, "result", str, "")
    made, took = TIME(read(run, "start_time", str, "")), read(run, "run_time", (int, float), None)
    if message.startswith(CUT_OFF):
        state = TaskState.FAILED
        message = f"服务器重启时该运行尚未结束（{message}）"
    return {
        "taskId": read(run, "id", str),
        "taskState": state,
        "taskStatus": task_status(state),
        "outParameters": outputs(result),
        "reason": message or (_refusal(result) if state == TaskState.FAILED else ""),
        "startTime": made if state != TaskState.QUEUED else None,
        "stopTime": made + timedelta(seconds=took) if has_ended(state) and made and took is not None else None,
    }


def _refusal(result: str) -> str:
    """The reason of an action that failed by answering ``Response(error=…)``."""
    return next((each["value"] for each in outputs(result) if each["name"] == "error"), "")


def _given(text: str) -> list[dict[str, str]]:
    try:
        values = json.loads(text)
    except ValueError:
        return []
    return [{"name": name, "value": as_text(value)} for name, value in values.items()] if isinstance(values, dict) else []


def _wanted(task: dict[str, Any], params: dict[str, Any]) -> bool:
    process, began = params.get("processId"), task["startTime"]
    after, before = params.get("runningStartTimeRange_startTime"), params.get("runningStartTimeRange_endTime")
    return (
        (not process or task["processId"] == process)
        and (not after or (began is not None and began >= after))
        and (not before or (began is not None and began <= before))
    )
