"""What the scheduler looks after, round by round. Any number of schedulers may sweep at once: each step is a compare-and-set."""
from __future__ import annotations

from datetime import timedelta

import redis
import structlog
from sqlalchemy import or_, select, update

from hub import connections
from hub.core import Hub
from hub.database import now
from hub.models import Connection, Outbox, Robot, Task
from hub.tasks import lifecycle, queues, recordings, relay

log = structlog.get_logger(__name__)

OUTBOX_AGE = timedelta(seconds=2)
BATCH = 1000


def sweep(hub: Hub) -> None:
    """One round."""
    relay.send_left_over(hub, OUTBOX_AGE)
    fail_lost_runs(hub)
    end_waiting_too_long(hub)
    free_robots(hub)
    watch_platforms(hub)
    recordings.queue_due(hub)


def job_of(hub: Hub, session_connections: dict[int, Connection], task: Task) -> tuple[str, int, list[str]]:
    """The job that starts a task: its name, its subject, and its queues."""
    runs_here = connections.runs_here(hub, session_connections[task.connection_id])
    return ("run_task" if runs_here else "start_task", task.id, queues.queues_of(task, runs_here))


def requeue_lost(hub: Hub) -> int:
    """Queue again the waiting tasks whose job is gone (a Redis that lost its last second, a worker that died with the job in hand)."""
    before = now() - timedelta(seconds=hub.settings.requeue_after)
    waits = (lifecycle.IS_ACTIVE, Task.state == lifecycle.QUEUED, Task.queued_at < before, Task.id.not_in(select(Outbox.subject_id)))
    count, last = 0, 0
    known: dict[str, set[str]] = {}  # What waits on each queue: read once, however many pages of tasks there are.
    while True:
        with hub.db.read() as session:
            tasks = list(session.scalars(select(Task).where(*waits, Task.id > last).order_by(Task.id).limit(BATCH)))
            rows = {row.id: row for row in session.scalars(select(Connection)) if row.adapter in hub.adapters}
        if not tasks:
            return count
        last = tasks[-1].id
        count += _requeue(hub, rows, tasks, known)


def _requeue(hub: Hub, rows: dict[int, Connection], tasks: list[Task], known: dict[str, set[str]]) -> int:
    jobs = [job_of(hub, rows, task) for task in tasks if task.connection_id in rows]  # None while a platform's adapter is not installed.
    for name in {name for _, _, names in jobs for name in names} - known.keys():
        known[name] = queues.waiting_jobs(hub.redis, [name])
    lost = [job for job in jobs if not any(queues.job_ids(*job) & known[name] for name in job[2])]
    if lost:
        queues.put(hub.redis, lost)
        log.warning("queued tasks had lost their job", count=len(lost), task_ids=[subject for _, subject, _ in lost[:20]])
    return len(lost)


def fail_lost_runs(hub: Hub) -> None:
    """End the runs whose lease ran out: their robot is gone. A start that was on its way to a vendor is looked for instead."""
    with hub.db.read() as session:
        lost = list(
            session.scalars(
                select(Task)
                .where(lifecycle.IS_ACTIVE, Task.state.in_(lifecycle.STARTED), Task.lease_until < now())
                .order_by(Task.id)
                .limit(BATCH)
            )
        )
    for task in lost:
        if task.state == lifecycle.DISPATCHING:
            queues.put(hub.redis, [("find_task", task.id, [queues.connection_queue(task.connection_id, task.priority)])])
            _extend(hub, task)
        elif lifecycle.give_up(hub, task.id, lifecycle.STARTED, "failed", reason="机器人失去联系，任务中断", run_key=task.run_key):
            log.warning("run lost its robot", task_id=task.id, robot_id=task.robot_id)


def _extend(hub: Hub, task: Task) -> None:
    with hub.db.write() as session:
        lifecycle.confirm(session, task.id, task.run_key or "", hub.settings.vendor_timeout * 2 + 15)


def end_waiting_too_long(hub: Hub) -> None:
    """End the queued tasks that have waited longer than they may."""
    with hub.db.read() as session:
        limited = select(Task).where(lifecycle.IS_ACTIVE, Task.state == lifecycle.QUEUED, Task.max_waiting_time > 0)
        waiting = list(session.scalars(limited.limit(BATCH)))
    for task in waiting:
        if lifecycle.waited_too_long(task, now()):
            lifecycle.give_up(hub, task.id, (lifecycle.QUEUED,), "timed_out", reason="等待时间超过 maxWaitingTime")


def free_robots(hub: Hub) -> None:
    """Free the robots that are held by a task which is not running."""
    with hub.db.read() as session:
        held = list(
            session.execute(
                select(Robot.id, Robot.task_id)
                .outerjoin(Task, Task.id == Robot.task_id)
                .where(Robot.task_id.is_not(None), or_(Task.id.is_(None), Task.state.not_in(lifecycle.STARTED)))
            )
        )
    for robot_id, task_id in held:
        with hub.db.write() as session:
            session.execute(update(Robot).where(Robot.id == robot_id, Robot.task_id == task_id).values(task_id=None))


def watch_platforms(hub: Hub) -> None:
    """Have a worker look at each platform that runs tasks of ours, one look at a time, with a pause between two."""
    with hub.db.read() as session:
        busy = list(
            session.scalars(
                select(Task.connection_id)
                .where(lifecycle.IS_ACTIVE, Task.state.in_(("running", "pausing", "paused")))
                .where(Task.lease_until.is_(None), Task.reference.is_not(None))
                .distinct()
            )
        )
    pause = int(hub.settings.vendor_poll_interval * 1000)
    for connection_id in busy:
        name = queues.watch_queue(connection_id)
        try:
            due = hub.redis.set(f"rpahub:watched:{connection_id}", "1", nx=True, px=pause)
            if due and not queues.waiting_jobs(hub.redis, [name]):
                queues.put(hub.redis, [("watch_connection", connection_id, [name])])
        except redis.RedisError as error:
            log.warning("platform not watched", connection_id=connection_id, error=str(error))
