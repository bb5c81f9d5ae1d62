"""Tasks (clauses 6.2.7 and 6.3.5)."""
from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from adapters.standard.client import ask, ask_all, info
from adapters.standard.codes import state_of
from adapters.standard.declared import declared
from adapters.standard.form import is_robot
from adapters.standard.forwarding import forwarded
from plugins import Context, NotFound, VendorError, hookimpl
from plugins.normalise import task_status
from plugins.operation import Operation
from plugins.operations import robot_api_task as robot
from plugins.operations import task as platform

task_cancel = forwarded(platform.task_cancel, robot.robot_api_task_cancel)
task_pause = forwarded(platform.task_pause, robot.robot_api_task_pause)
task_resume = forwarded(platform.task_resume, robot.robot_api_task_resume)

PRIORITY = 1


@hookimpl
def task_create(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    """Start tasks. The hub's key goes along, so that a peer that honours it starts them once, however often it is told."""
    given = {key: value for key, value in params.items() if value not in (None, [])}
    # Printed as mandatory at a platform, respectively at both (erratum E41).
    return ask(ctx, _at(ctx, "create"), {"priority": PRIORITY, "isRecord": False, **given}, key=str(params.get("key") or ""))


@hookimpl
def task_find(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    """Say the start again with its key: a peer that honours the key gives the first answer, or starts the task now, for the first time.

    Only the peer's own word that it honours keys is good enough.
    """
    lifetime = info(ctx).get("idempotencyLifetime")
    if not lifetime:
        raise VendorError("对方未声明支持 Idempotency-Key，无法核对启动结果")
    if (datetime.now(UTC) - params["saidTime"]).total_seconds() > int(lifetime) / 2:
        raise VendorError("启动请求的 Idempotency-Key 在对方可能已失效，无法核对启动结果")
    answer = task_create(ctx, {**params["start"], "key": params["key"]})
    return {"taskId": next(iter(answer.get("taskIds") or []), None)}


@hookimpl
def task_query(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    """One task, with its detailed state."""
    found = ask(ctx, _at(ctx, "query"), params, shown=declared(platform.task_query).response)
    return {**_stated(found), "taskId": params["taskId"]}


@hookimpl
def task_list(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    """Tasks, with their detailed states."""
    found = ask_all(ctx, _at(ctx, "list"), params, shown=declared(platform.task_list).response)
    return {**found, "tasks": [_stated(each) for each in found.get("tasks", [])]}


@hookimpl
def task_watch(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    """The states of several tasks. Lists do not tell what a task has put out, so that each is asked for."""
    tasks = []
    for reference in dict.fromkeys(params["taskIds"]):
        try:
            found = task_query(ctx, {"taskId": reference})
        except NotFound:
            continue
        tasks.append({name: found[name] for name in WATCHED if name in found})
    return {"tasks": tasks}


WATCHED = ("taskId", "taskState", "taskStatus", "outParameters", "reason", "progress", "step", "startTime", "stopTime")


def _at(ctx: Context, verb: str) -> Operation:
    module, prefix = (robot, "robot_api_task_") if is_robot(ctx.connection) else (platform, "task_")
    return declared(getattr(module, f"{prefix}{verb}"))


def _stated(task: dict[str, Any]) -> dict[str, Any]:
    state = state_of(task)
    return {**task, "taskState": state, "taskStatus": task_status(state)}
