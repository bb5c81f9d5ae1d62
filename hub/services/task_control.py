"""Cancelling, pausing and resuming tasks (clauses 6.2.7.2 to 6.2.7.4).

A task that has not begun is changed in its row. One that runs is told: by its run's commands where a robot of ours executes it, by its
platform otherwise. Whether that has taken effect is waited for a few seconds; what takes longer is seen in the task's state later.
"""
from __future__ import annotations

import time
from typing import Any

import structlog
from sqlalchemy import update

from hub import connections
from hub.call import Call
from hub.database import now
from hub.models import Connection, Task
from hub.scope import find
from hub.serving import serves
from hub.tasks import lifecycle, queues, vendor
from hub.tasks.running import send_command
from plugins import codes
from plugins.context import Command
from plugins.errors import Conflict, HubError
from plugins.operations import robot_api_task, task

EFFECT_WAIT = 5.0
LOOK_INTERVAL = 0.05
UNDER_WAY = "任务正在提交到厂商平台，请稍后重试"

log = structlog.get_logger(__name__)


@serves(task.task_cancel, robot_api_task.robot_api_task_cancel)
def task_cancel(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """A task that waits is cancelled at once; a running one when all its processes have ended.

    A task that has ended already is answered with 10101 (cancelled) or 10102 (erratum E39).
    """
    row = _unfinished(call, params["taskId"])
    if lifecycle.cancel_waiting(call.session, Task.id == row.id, f"由 {call.caller.name} 取消"):
        return {}
    connection = call.session.get_one(Connection, row.connection_id)
    call.session.execute(update(Task).where(Task.id == row.id, Task.state.in_(lifecycle.ACTIVE)).values(cancel_requested_at=now()))
    call.finish()
    row = _fresh(call, row)
    if connections.runs_here(call.hub, connection):
        send_command(call.hub, row.run_key or "", "cancel")
        state = _wait_for(call, row, lifecycle.ENDED)
        if state in lifecycle.ENDED and state != "cancelled":
            raise _ended(state)
    else:
        _cancel_at_vendor(call, connection, row)
    return {}


def _cancel_at_vendor(call: Call, connection: Connection, row: Task) -> None:
    if row.reference is None:
        raise Conflict(UNDER_WAY)
    try:
        call.ask(connection, "task_cancel", {"taskId": row.reference})
    except Conflict:
        vendor.watch_task(call.hub, connection, row)
        raise
    vendor.watch_task(call.hub, connection, row)


@serves(task.task_pause, robot_api_task.robot_api_task_pause)
def task_pause(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """A queued task is held until it is resumed; a running one comes to a halt (erratum E39). Where a platform cannot pause: 20102."""
    row = _unfinished(call, params["taskId"])
    if lifecycle.hold(call.session, row.id, f"由 {call.caller.name} 暂停"):
        return {}
    call.session.refresh(row)
    if row.state == lifecycle.PAUSED:
        raise Conflict("任务已暂停")
    if row.state == lifecycle.DISPATCHING:
        raise Conflict(UNDER_WAY)
    connection = call.session.get_one(Connection, row.connection_id)
    if not connections.runs_here(call.hub, connection):
        _tell_platform(call, connection, row, "task_pause")
        return {}
    lifecycle.change_run(call.session, row.id, row.run_key or "", "running", lifecycle.PAUSING)
    call.finish()
    _tell_run(call, row, "pause")
    state = _wait_for(call, row, (lifecycle.PAUSED, "running", *lifecycle.ENDED))
    if state in lifecycle.ENDED:
        raise _ended(state)
    if state == "running":  # Back to running: the run could not be halted, and said so.
        raise Conflict("任务未能暂停，仍在运行")
    return {}


@serves(task.task_resume, robot_api_task.robot_api_task_resume)
def task_resume(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """A paused task goes on, one that was held is queued again. Any other is refused with 10504 (erratum E39)."""
    row = _unfinished(call, params["taskId"])
    if row.state != lifecycle.PAUSED:
        raise Conflict("任务未暂停")
    connection = call.session.get_one(Connection, row.connection_id)
    runs_here = connections.runs_here(call.hub, connection)
    if lifecycle.is_held(row):
        if not lifecycle.release(call.session, row):
            raise Conflict("任务未暂停")
        call.enqueue("run_task" if runs_here else "start_task", row.id, queues.queues_of(row, runs_here))
    elif runs_here:
        call.finish()
        _tell_run(call, row, "resume")
        _wait_for(call, row, ("running", *lifecycle.ENDED))
    else:
        _tell_platform(call, connection, row, "task_resume")
    return {}


def _unfinished(call: Call, task_id: int) -> Task:
    """The task. Raises HubError for one that has ended."""
    row = find(call, Task, task_id)
    if row.state in lifecycle.ENDED:
        raise _ended(row.state)
    return row


def _tell_run(call: Call, row: Task, command: Command) -> None:
    """Hand a run a command. Raises HubError where that is not possible now; nothing has changed then."""
    if not send_command(call.hub, row.run_key or "", command):
        if command == "pause":
            with call.hub.db.write() as session:
                lifecycle.change_run(session, row.id, row.run_key or "", lifecycle.PAUSING, "running")
        raise HubError("暂时无法向机器人发送指令，请稍后重试", retry_after=EFFECT_WAIT)


def _tell_platform(call: Call, connection: Connection, row: Task, operation: str) -> None:
    if row.reference is None:
        raise Conflict(UNDER_WAY)
    call.ask(connection, operation, {"taskId": row.reference})
    try:
        vendor.watch_task(call.hub, connection, row)
    except HubError as error:
        # The platform has taken the command; what became of it is seen at the next of the regular looks.
        log.warning("task not looked at after a command", task_id=row.id, reason=error.message)


def _wait_for(call: Call, row: Task, states: tuple[str, ...]) -> str:
    """The task's state once it is one of these, or after a few seconds whatever it is."""
    deadline = time.monotonic() + EFFECT_WAIT
    while True:
        state = _fresh(call, row).state
        if state in states or time.monotonic() > deadline:
            return state
        time.sleep(LOOK_INTERVAL)


def _fresh(call: Call, row: Task) -> Task:
    with call.hub.db.read() as session:
        return session.get_one(Task, row.id)


def _ended(state: str) -> HubError:
    return Conflict(code=codes.TASK_CANCELLED if state == "cancelled" else codes.TASK_STOPPED)
