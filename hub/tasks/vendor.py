"""Tasks on a vendor's platform: started once, looked at until they end."""
from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from hub import connections
from hub.core import Hub
from hub.database import now, storable
from hub.models import Connection, Package, Process, Robot, Task, TaskEvent
from hub.tasks import lifecycle, recordings
from hub.tasks.lifecycle import Claim
from plugins import codes
from plugins.errors import HubError, NotFound, Unreachable, VendorTimeout

log = structlog.get_logger(__name__)

WATCHED_AT_ONCE = 500
FIND_PATIENCE = timedelta(minutes=10)
UNCERTAIN = "厂商平台未确认启动结果，任务可能已经启动，请在厂商平台核对"


def start_task(hub: Hub, task_id: int) -> None:
    """Start a task on its platform. It is sent at most once: after an answer that never came it is looked for, not sent again."""
    lease = hub.settings.vendor_timeout * 2 + 15
    claim = lifecycle.claim(hub, task_id, state=lifecycle.DISPATCHING, lease=lease)
    if claim is None:
        log.info("nothing to start", task_id=task_id)
        return
    with structlog.contextvars.bound_contextvars(trace_id=claim.task.trace_id, task_id=task_id):
        try:
            told = {**_start_params(hub, claim.task, claim.process, claim.package), "key": claim.run_key}
            answer = _ask(hub, claim, "task_create", told)
            reference = str(answer["taskIds"][0])
        except (KeyError, IndexError):
            log.warning("platform gave no task id", connection=claim.connection.name)
            find_task(hub, task_id)
            return
        except HubError as error:
            if error.maybe_done:
                find_task(hub, task_id)
                return
            reason, code = error.message, error.code
            lifecycle.give_up(hub, task_id, (lifecycle.DISPATCHING,), "failed", reason=reason, code=code, run_key=claim.run_key)
            return
        _taken(hub, claim.task, claim.run_key, reference)


def find_task(hub: Hub, task_id: int) -> None:
    """Clear up a start whose answer was lost: ask the platform by the start key, where it can tell; else the task has failed, uncertainly.

    A platform that cannot be reached at the moment is asked again by the sweep, for some minutes.
    """
    with hub.db.read() as session:
        task = session.get(Task, task_id)
        if task is None or task.state != lifecycle.DISPATCHING or task.run_key is None:
            return
        connection = session.get_one(Connection, task.connection_id)
        process = session.get_one(Process, task.process_id)
        package = session.get(Package, task.package_id) if task.package_id else None
        since = session.scalar(
            select(func.max(TaskEvent.happened_at)).where(TaskEvent.task_id == task_id, TaskEvent.state == lifecycle.DISPATCHING)
        )
    if since is None or connection.updated_at > since:  # Asked elsewhere, or as somebody else, the key is a new one.
        _give_up_start(hub, task, f"{UNCERTAIN}（连接已修改）")
        return
    try:
        if not connections.adapter_of(hub, connection).implements("task_find"):
            _give_up_start(hub, task, UNCERTAIN)
            return
        asked = {"key": task.run_key, "saidTime": since, "start": _start_params(hub, task, process, package)}
        found = connections.ask(hub, connection, "task_find", asked, trace_id=task.trace_id or "")
    except (Unreachable, VendorTimeout) as error:
        if since is None or now() - since > FIND_PATIENCE:
            _give_up_start(hub, task, f"{UNCERTAIN}（{error.message}）")
        return
    except HubError as error:
        _give_up_start(hub, task, f"{UNCERTAIN}（{error.message}）")
        return
    if found.get("taskId"):
        _taken(hub, task, task.run_key, str(found["taskId"]))
        return
    with hub.db.write() as session:
        lifecycle.requeue_undispatched(session, task_id, task.run_key)


def _taken(hub: Hub, task: Task, run_key: str, reference: str) -> None:
    """Note the platform's id of a started task. One that is another task's already, as after a reinstallation there, cannot be watched."""
    try:
        lifecycle.dispatched(hub, task.id, run_key, reference)
    except IntegrityError:
        why = f"任务已在厂商平台启动，但平台给出的任务 ID {reference[:64]} 已属于另一个任务，请在厂商平台核对"
        lifecycle.give_up(hub, task.id, (lifecycle.DISPATCHING,), "failed", reason=why, code=codes.VENDOR_ERROR, run_key=run_key)


def _give_up_start(hub: Hub, task: Task, reason: str) -> None:
    lifecycle.give_up(hub, task.id, (lifecycle.DISPATCHING,), "failed", reason=reason, code=codes.VENDOR_TIMEOUT, run_key=task.run_key)


def watch_connection(hub: Hub, connection_id: int) -> None:
    """Look at all running tasks of a platform, in as few calls as its adapter can, and take over what has changed."""
    last: int | None = 0
    while last is not None:
        last = _watch_after(hub, connection_id, last)


def _watch_after(hub: Hub, connection_id: int, last: int) -> int | None:
    """Look at some tasks with higher ids; gives the last one's id, None where there may be no more."""
    with hub.db.read() as session:
        connection = session.get(Connection, connection_id)
        tasks = list(
            session.scalars(
                select(Task)
                .where(lifecycle.IS_ACTIVE, Task.state.in_(("running", "pausing", "paused")))
                .where(Task.connection_id == connection_id, Task.reference.is_not(None), Task.id > last)
                .order_by(Task.id)
                .limit(WATCHED_AT_ONCE)
            )
        )
    if connection is None or not tasks:
        return None
    try:
        seen = look(hub, connection, tasks)
    except HubError as error:
        log.warning("platform cannot be watched", connection=connection.name, reason=error.message)
        return None
    for task in tasks:
        try:
            take_over(hub, connection, task, seen.get(task.reference or ""))
        except Exception:  # What a platform says of one task must not hold up the others.
            log.exception("task not taken over", task_id=task.id)
    return tasks[-1].id if len(tasks) == WATCHED_AT_ONCE else None


def watch_task(hub: Hub, connection: Connection, task: Task) -> None:
    """Look at one task now, as after a cancellation. Raises HubError."""
    take_over(hub, connection, task, look(hub, connection, [task]).get(task.reference or ""))


def look(hub: Hub, connection: Connection, tasks: list[Task]) -> dict[str, dict[str, Any]]:
    """The present state of tasks on their platform, by reference; those that it no longer knows are missing. Raises HubError."""
    references = [task.reference for task in tasks]
    adapter = connections.adapter_of(hub, connection)
    trace_id = tasks[0].trace_id or ""
    if adapter.implements("task_watch"):
        answer = connections.ask(hub, connection, "task_watch", {"taskIds": references}, trace_id=trace_id)
        return {str(each["taskId"]): each for each in answer.get("tasks", [])}
    seen = {}
    for reference in references:
        try:
            seen[str(reference)] = connections.ask(hub, connection, "task_query", {"taskId": reference}, trace_id=trace_id)
        except NotFound:
            log.info("platform does not know the task", connection=connection.name, reference=reference)
    return seen


def take_over(hub: Hub, connection: Connection, task: Task, seen: dict[str, Any] | None) -> None:
    """Bring a task's row to what its platform says of it."""
    run_key = task.run_key or ""
    if seen is None:
        lifecycle.give_up(hub, task.id, lifecycle.STARTED, "failed", reason="厂商平台上已不存在该任务", code=codes.VENDOR_ERROR, run_key=run_key)
        return
    state = seen.get("taskState")
    if state in lifecycle.ENDED:
        times: dict[str, Any] = {}
        if seen.get("startTime"):
            times["started_at"] = seen["startTime"]
        if seen.get("stopTime"):
            times["stopped_at"] = seen["stopTime"]
        lines = log_lines(hub, connection, task)
        reason = storable(str(seen.get("reason") or "")) or None
        if task.is_record and recordings.can_be_had(hub, connection):
            times["recordings_due"] = now()
        lifecycle.finish(hub, task.id, run_key, state, reason=reason, outputs=seen.get("outParameters") or [], lines=lines, **times)
    elif state in ("running", "pausing", "paused"):
        progress, step = seen.get("progress"), storable(str(seen.get("step") or ""))[:255] or None
        if (state, progress or task.progress, step or task.step) != (task.state, task.progress, task.step):
            with hub.db.write() as session:
                lifecycle.confirm(session, task.id, run_key, None, state=state, progress=progress, step=step)


def log_lines(hub: Hub, connection: Connection, task: Task) -> list[tuple[datetime, str, str]]:
    """The task's log as its platform keeps it; where it cannot be had, one line that says why."""
    try:
        answer = connections.ask(hub, connection, "task_log_query", {"taskId": task.reference}, trace_id=task.trace_id or "")
    except HubError as error:
        return [(now(), "warn", f"未能取得厂商平台的任务日志：{error.message}")]
    return [(each.get("logTime") or now(), each.get("logLevel") or "info", storable(str(each.get("message") or ""))) for each in answer.get("logs", [])]


def _start_params(hub: Hub, task: Task, process: Process, package: Package | None) -> dict[str, Any]:
    return {
        "processId": process.reference,
        "packageId": package.reference if package else None,
        "robotIds": _robots_there(hub, task),
        "inParameters": task.in_parameters,
        "priority": task.priority,
        "isRecord": task.is_record,
        "totalCount": 1,
        "maxRunTime": task.max_run_time or 0,
        "maxWaitingTime": task.max_waiting_time or 0,
    }


def _robots_there(hub: Hub, task: Task) -> list[str]:
    """The platform's own names of the robots that a task is for; none where any of the platform's may take it."""
    if not task.robots:
        return []
    with hub.db.read() as session:
        return [each for each in session.scalars(select(Robot.reference).where(Robot.id.in_(task.robots)).order_by(Robot.id)) if each]


def _ask(hub: Hub, claim: Claim, operation: str, params: dict[str, Any]) -> dict[str, Any]:
    return connections.ask(hub, claim.connection, operation, params, trace_id=claim.task.trace_id or "", actor=claim.task.actor or "")
