"""The state changes of a task, each a compare-and-set on its row.

queued -> running (a robot of ours) | dispatching -> running (a vendor's platform) -> succeeded, failed, cancelled, timed_out.
A running one may be pausing and paused in between; a queued one may be held: paused, without a run (erratum E39).
"""
from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, and_, bindparam, func, insert, literal, or_, select, text, update
from sqlalchemy.orm import Session

from hub.core import Hub
from hub.database import now
from hub.models import Connection, Package, Process, Robot, Task, TaskEvent, TaskLog
from hub.models.task import ACTIVE as INDEXED
from hub.robots.states import MAY_WORK
from plugins.codes import Code

QUEUED = "queued"
DISPATCHING = "dispatching"
PAUSING, PAUSED = "pausing", "paused"
STARTED = ("dispatching", "running", "pausing", "paused")
ACTIVE = (QUEUED, *STARTED)
ENDED = ("succeeded", "failed", "cancelled", "timed_out", "missed")
BATCH = 500
LONGEST_DETAIL = 1024

# SQLite uses the index of the active tasks only where a query repeats the index's own condition, word for word.
IS_ACTIVE = text(f"task.{INDEXED}")


# Takes its row from the task, so that it can be rehearsed without one.
_EVENTS = TaskEvent.metadata.tables[TaskEvent.__tablename__]
_NOTE = insert(_EVENTS).from_select(
    ["task_id", "happened_at", "state", "detail"],
    select(
        Task.id,
        bindparam("moment", type_=_EVENTS.c.happened_at.type),
        bindparam("event", type_=_EVENTS.c.state.type),
        bindparam("detail", type_=_EVENTS.c.detail.type),
    ).where(Task.id == bindparam("task_id")),
)


@dataclass(frozen=True)
class Claim:
    """A started task, as its one executor holds it. ``run_key`` is the right to change it."""

    run_key: str
    task: Task
    process: Process
    package: Package | None
    connection: Connection
    robot: Robot | None = None


def claim(hub: Hub, task_id: int, *, state: str, lease: float, robot_id: int | None = None) -> Claim | None:
    """Start a task: at most one caller ever gets a claim. None when there is nothing to start (any more), or the robot is busy."""
    moment = now()
    with hub.db.write() as session:
        task = session.get(Task, task_id)
        if task is None or task.state != QUEUED:
            return None
        if waited_too_long(task, moment):
            _end(session, task_id, (QUEUED,), "timed_out", reason="等待时间超过 maxWaitingTime")
            return None
        if robot_id is not None and not _take_robot(session, robot_id, task_id):
            return None
        run_key = str(uuid.uuid4())
        started_at = moment if state == "running" else None
        lease_until = moment + timedelta(seconds=lease)
        on = {} if robot_id is None else {"robot_id": robot_id}  # a vendor's task keeps the robot that it was made for
        if not _start(session, task_id, state=state, run_key=run_key, started_at=started_at, lease_until=lease_until, **on):
            session.rollback()
            return None
        note(session, task_id, state)
        process = session.get_one(Process, task.process_id)
        package = session.get(Package, task.package_id) if task.package_id else None
        connection = session.get_one(Connection, task.connection_id)
        robot = session.get(Robot, robot_id) if robot_id else None
        return Claim(run_key, task, process, package, connection, robot)


def _take_robot(session: Session, robot_id: int, task_id: int) -> bool:
    statement = update(Robot).where(Robot.id == robot_id, Robot.task_id.is_(None), MAY_WORK).values(task_id=task_id)
    return _changed(session.execute(statement))


def _start(session: Session, task_id: int, **values: Any) -> bool:
    return _changed(session.execute(update(Task).where(Task.id == task_id, Task.state == QUEUED).values(values)))


def rehearse(hub: Hub) -> None:
    """Run the statements of a task's life for no task at all.

    A process that forks for each run has them compiled from then on; a run that had to do it anew would begin some thirty milliseconds later.
    """
    moment = now()
    with hub.db.write() as session:
        for model in (Task, Process, Package, Connection, Robot):
            session.get(model, 0)
        _take_robot(session, 0, 0)
        _start(session, 0, state=QUEUED, run_key="", robot_id=0, started_at=moment, lease_until=moment)
        note(session, 0, QUEUED)
        confirm(session, 0, "", 0.0)
        _end(session, 0, STARTED, QUEUED, run_key="", reason=None, out_parameters=[])


def note(session: Session, task_id: int, event: str, detail: str | None = None) -> None:
    """Note a change of a task in its timeline."""
    given = {"task_id": task_id, "moment": now(), "event": event, "detail": detail and detail[:LONGEST_DETAIL]}
    session.execute(_NOTE, given)


def waited_too_long(task: Task, moment: datetime) -> bool:
    """Whether a queued task has waited longer than its maxWaitingTime (seconds, 0 or absent = none; erratum E47).

    The time for which it was held does not count.
    """
    return bool(task.max_waiting_time) and moment - (task.waits_from or task.created_at) > timedelta(seconds=task.max_waiting_time or 0)


def is_held(task: Task) -> bool:
    """Whether a task was paused before it began."""
    return task.state == PAUSED and task.run_key is None


def is_waiting() -> ColumnElement[bool]:
    """The tasks of which no run exists: queued or held."""
    return or_(Task.state == QUEUED, and_(Task.state == PAUSED, Task.run_key.is_(None)))


def hold(session: Session, task_id: int, reason: str) -> bool:
    """Keep a queued task from starting until it is released."""
    values = {"state": PAUSED, "reason": reason, "queued_at": now()}
    if not _changed(session.execute(update(Task).where(Task.id == task_id, Task.state == QUEUED).values(values))):
        return False
    note(session, task_id, PAUSED, reason)
    return True


def release(session: Session, task: Task) -> bool:
    """Queue a held task again; its job has to be queued again too."""
    moment = now()
    waits_from = (task.waits_from or task.created_at) + (moment - task.queued_at)
    held = and_(Task.id == task.id, Task.state == PAUSED, Task.run_key.is_(None))
    values = {"state": QUEUED, "reason": None, "queued_at": moment, "waits_from": waits_from}
    if not _changed(session.execute(update(Task).where(held).values(values))):
        return False
    note(session, task.id, QUEUED)
    return True


def change_run(session: Session, task_id: int, run_key: str, state: str, to: str) -> bool:
    """Note what a run has been told to become, as long as it is in ``state``."""
    statement = update(Task).where(Task.id == task_id, Task.run_key == run_key, Task.state == state)
    if not _changed(session.execute(statement.values(state=to))):
        return False
    note(session, task_id, to)
    return True


def confirm(
    session: Session,
    task_id: int,
    run_key: str,
    lease: float | None,
    *,
    progress: float | None = None,
    step: str | None = None,
    state: str | None = None,
) -> bool:
    """Renew the lease of a run (seconds; None for a vendor's, which has none) and note how far it is.

    False when the run was given up and must end.
    """
    values: dict[str, Any] = {"lease_until": None if lease is None else now() + timedelta(seconds=lease)}
    values |= {key: value for key, value in (("progress", progress), ("step", step), ("state", state)) if value is not None}
    ours = and_(Task.id == task_id, Task.run_key == run_key, Task.state.in_(STARTED))
    if state is not None and _changed(session.execute(update(Task).where(ours, Task.state != state).values(values))):
        note(session, task_id, state)
        return True
    return _changed(session.execute(update(Task).where(ours).values(values)))


def dispatched(hub: Hub, task_id: int, run_key: str, reference: str) -> bool:
    """Note that the vendor's platform has taken the task, under its reference."""
    with hub.db.write() as session:
        taken = {"state": "running", "reference": reference, "started_at": now(), "lease_until": None}
        return _leave_dispatching(session, task_id, run_key, taken)


def requeue_undispatched(session: Session, task_id: int, run_key: str) -> bool:
    """Queue a task again of which it is certain that the vendor never got it."""
    return _leave_dispatching(session, task_id, run_key, {"state": QUEUED, "run_key": None, "lease_until": None, "queued_at": now()})


def _leave_dispatching(session: Session, task_id: int, run_key: str, values: dict[str, Any]) -> bool:
    statement = update(Task).where(Task.id == task_id, Task.run_key == run_key, Task.state == DISPATCHING)
    if not _changed(session.execute(statement.values(values))):
        return False
    note(session, task_id, values["state"])
    return True


def finish(
    hub: Hub,
    task_id: int,
    run_key: str,
    state: str,
    *,
    reason: str | None = None,
    code: Code | None = None,
    outputs: list[dict[str, Any]] | None = None,
    lines: Iterable[tuple[datetime, str, str]] = (),
    **times: datetime,
) -> bool:
    """End a run, by the holder of its key, with the last log lines (time, level, message). False when it was ended by others before."""
    with hub.db.write() as session:
        return _end(
            session, task_id, STARTED, state, run_key=run_key, reason=reason, code=code, out_parameters=outputs or [], lines=lines, **times
        )


def give_up(
    hub: Hub, task_id: int, states: tuple[str, ...], state: str, *, reason: str, code: Code | None = None, run_key: str | None = None
) -> bool:
    """End a task that its executor can no longer end, or that was never started; the reason also goes to its log."""
    level = "warn" if state == "cancelled" else "error"
    with hub.db.write() as session:
        return _end(session, task_id, states, state, run_key=run_key, reason=reason, code=code, lines=[(now(), level, reason)])


def end_by_force(session: Session, task_id: int, run_key: str, reason: str) -> bool:
    """Fail a started task whatever its executor does. For a session that goes on, unlike give_up."""
    return _end(session, task_id, STARTED, "failed", run_key=run_key, reason=reason, lines=[(now(), "error", reason)])


def cancel_waiting(session: Session, condition: ColumnElement[bool], reason: str) -> list[int]:
    """Cancel the tasks that meet a condition and that nothing has started yet, queued or held; gives their ids in ascending order.

    Their jobs find nothing to start. For a session that goes on, unlike give_up.
    """
    moment = now()
    values = {"state": "cancelled", "reason": reason, "stopped_at": moment, "lease_until": None}
    statement = update(Task).where(IS_ACTIVE, is_waiting(), condition).values(values).returning(Task.id)
    cancelled = sorted(session.scalars(statement.execution_options(synchronize_session=False)))
    last = select(func.coalesce(func.max(TaskLog.seq), 0)).where(TaskLog.task_id == Task.id).scalar_subquery()
    line = select(Task.id, last + 1, literal(moment, TaskLog.logged_at.type), literal("warn"), literal(reason))
    for start in range(0, len(cancelled), BATCH):
        lines = line.where(Task.id.in_(cancelled[start : start + BATCH]))
        session.execute(insert(TaskLog).from_select(["task_id", "seq", "logged_at", "level", "message"], lines))
    event = {"happened_at": moment, "state": "cancelled", "detail": reason[:LONGEST_DETAIL]}
    if cancelled:
        session.execute(insert(TaskEvent), [{"task_id": each, **event} for each in cancelled])
    return cancelled


def append_log(session: Session, task_id: int, lines: Iterable[tuple[datetime, str, str]]) -> None:
    """Add lines after the last one. Only for the holder of the task's row lock."""
    lines = list(lines)
    if lines:
        last = session.scalar(select(func.max(TaskLog.seq)).where(TaskLog.task_id == task_id)) or 0
        session.add_all(
            TaskLog(task_id=task_id, seq=last + index, logged_at=at, level=level, message=message)
            for index, (at, level, message) in enumerate(lines, 1)
        )


def _end(
    session: Session,
    task_id: int,
    states: tuple[str, ...],
    state: str,
    *,
    run_key: str | None = None,
    code: Code | None = None,
    lines: Iterable[tuple[datetime, str, str]] = (),
    **values: Any,
) -> bool:
    statement = update(Task).where(Task.id == task_id, Task.state.in_(states))
    if run_key is not None:
        statement = statement.where(Task.run_key == run_key)
    values = {"stopped_at": now(), "lease_until": None, **values}
    if state == "succeeded":
        values["progress"] = 100.0
    if not _changed(session.execute(statement.values(state=state, result_code=code.value if code else None, **values))):
        return False
    note(session, task_id, state, values.get("reason"))
    session.execute(update(Robot).where(Robot.task_id == task_id).values(task_id=None))
    append_log(session, task_id, lines)
    return True


def _changed(result: Any) -> bool:
    assert isinstance(result, CursorResult)
    return result.rowcount == 1
