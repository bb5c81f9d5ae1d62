"""The life of a task against a real database and a real Redis: started at most once, never lost, never hanging."""
from __future__ import annotations

import base64
import io
import threading
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from rq.registry import StartedJobRegistry
from sqlalchemy import func, select, update

from config.settings import Settings
from hub.bootstrap import initialise
from hub.call import SYSTEM
from hub.core import Hub
from hub.database import now
from hub.dispatch import Dispatcher
from hub.models import Outbox, Robot, Task, TaskLog
from hub.redis_server import RedisServer
from hub.tasks import lifecycle, queues, relay, sweep
from hub.tasks.jobs import run_task
from hub.worker import HubWorker

CONTENDERS = 8


def package() -> str:
    """A process package in base64."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("main.py", "print('hello')")
    return base64.b64encode(content.getvalue()).decode()


def start_tasks(hub: Hub, **params: Any) -> list[int]:
    """Queued tasks of a new process, started as the API does it."""
    dispatcher = Dispatcher(hub)

    def call(operation: str, **given: Any) -> dict[str, Any]:
        answer = dispatcher.call(dispatcher.catalogue[operation], given, caller=SYSTEM)
        assert answer.code.value == "00000", answer.message
        return answer.data

    package_id = call("package_create", packageName="p", packageVersion="1", depId=1, package=package())["packageId"]
    process_id = call("process_create", processName="p", depId=1, robotGroupId=1, isRecord=False)["processId"]
    call("process_activate_package_version", processId=process_id, packageId=package_id)
    return list(call("task_create", processId=process_id, priority=1, isRecord=False, **params)["taskIds"])


def claim(hub: Hub, task_id: int, robot_id: int | None = 1, lease: float = 60) -> lifecycle.Claim | None:
    """Start a task as a robot."""
    return lifecycle.claim(hub, task_id, state="running", lease=lease, robot_id=robot_id)


def task_of(hub: Hub, task_id: int) -> Task:
    """The task's row."""
    with hub.db.read() as session:
        return session.get_one(Task, task_id)


def held_by(hub: Hub, robot_id: int) -> int | None:
    """The task that a robot is busy with."""
    with hub.db.read() as session:
        return session.get_one(Robot, robot_id).task_id


def log_of(hub: Hub, task_id: int) -> list[str]:
    """The messages of a task's log."""
    with hub.db.read() as session:
        return list(session.scalars(select(TaskLog.message).where(TaskLog.task_id == task_id).order_by(TaskLog.seq)))


def outbox(hub: Hub) -> int:
    """How many jobs wait to leave."""
    with hub.db.read() as session:
        return session.scalar(select(func.count()).select_from(Outbox)) or 0


def waiting(hub: Hub) -> list[str]:
    """The jobs on the queue of the robot group that the first start made."""
    return list(queues.queue(hub.redis, queues.group_queue(1, 1)).job_ids)


@pytest.fixture
def open_hub() -> Iterator[Callable[[Settings], Hub]]:
    """Opens hubs that are closed when the test is over."""
    hubs: list[Hub] = []

    def make(settings: Settings) -> Hub:
        hubs.append(Hub(settings))
        return hubs[-1]

    yield make
    for each in hubs:
        each.calls.close()
        each.db.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def any_settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings of a hub after its first start, on either database."""
    if request.param == "sqlite":
        found: Settings = request.getfixturevalue("settings")
        return found
    address = request.getfixturevalue("new_postgresql")()
    made = Settings(data=tmp_path / "data", database_url=address, admin_password="Admin-of-tests-1", robots=2)
    initialise(made)
    return made


@pytest.mark.parametrize("robots", [[1], [1, 2], [None]], ids=["one robot", "two robots", "no robot"])
def test_of_many_that_claim_a_task_at_once_exactly_one_gets_it(
    any_settings: Settings, open_hub: Callable[[Settings], Hub], robots: list[int | None]
) -> None:
    hub = open_hub(any_settings)
    (task_id,) = start_tasks(hub)
    hubs = [open_hub(any_settings) for _ in range(CONTENDERS)]
    line_up = threading.Barrier(CONTENDERS)

    def contend(number: int) -> lifecycle.Claim | None:
        line_up.wait(30)
        return claim(hubs[number], task_id, robots[number % len(robots)])

    with ThreadPoolExecutor(CONTENDERS) as pool:
        claims = [found for found in pool.map(contend, range(CONTENDERS)) if found]
    assert len(claims) == 1
    row = task_of(hub, task_id)
    assert (row.state, row.run_key) == ("running", claims[0].run_key)
    busy = [robot_id for robot_id in (1, 2) if held_by(hub, robot_id) is not None]
    assert busy == [row.robot_id] if row.robot_id else busy == []


def test_a_busy_robot_gets_no_second_task_and_the_task_stays_queued(hub: Hub) -> None:
    first, second = start_tasks(hub, totalCount=2)
    assert claim(hub, first) is not None
    assert claim(hub, second) is None
    assert (task_of(hub, second).state, held_by(hub, 1)) == ("queued", first)
    assert claim(hub, second, 2) is not None


def test_a_run_whose_lease_ran_out_fails_with_a_reason_and_frees_its_robot(hub: Hub) -> None:
    lost, alive = start_tasks(hub, totalCount=2)
    assert claim(hub, lost, 1, lease=-1) and claim(hub, alive, 2, lease=60)
    sweep.fail_lost_runs(hub)
    row = task_of(hub, lost)
    assert row.state == "failed" and row.reason and row.stopped_at is not None
    assert log_of(hub, lost) == [row.reason]
    assert (held_by(hub, 1), held_by(hub, 2)) == (None, alive)
    assert task_of(hub, alive).state == "running"


def test_a_renewed_lease_keeps_a_run_alive(hub: Hub) -> None:
    (task_id,) = start_tasks(hub)
    run = claim(hub, task_id, lease=-1)
    assert run is not None
    with hub.db.write() as session:
        assert lifecycle.confirm(session, task_id, run.run_key, 60, progress=40, step="读取")
    sweep.fail_lost_runs(hub)
    row = task_of(hub, task_id)
    assert (row.state, row.progress, row.step) == ("running", 40, "读取")


def test_a_run_that_was_given_up_can_change_nothing_any_more(hub: Hub) -> None:
    (task_id,) = start_tasks(hub)
    run = claim(hub, task_id, lease=-1)
    assert run is not None
    sweep.fail_lost_runs(hub)
    reason = task_of(hub, task_id).reason
    assert not lifecycle.finish(hub, task_id, run.run_key, "succeeded", outputs=[{"name": "a", "value": "1"}], lines=[(now(), "info", "late")])
    with hub.db.write() as session:
        assert not lifecycle.confirm(session, task_id, run.run_key, 60)
    row = task_of(hub, task_id)
    assert (row.state, row.reason, row.out_parameters) == ("failed", reason, [])
    assert "late" not in log_of(hub, task_id)


def test_only_the_holder_of_the_key_ends_a_run(hub: Hub) -> None:
    (task_id,) = start_tasks(hub)
    run = claim(hub, task_id)
    assert run is not None
    assert not lifecycle.finish(hub, task_id, "another key", "succeeded")
    assert task_of(hub, task_id).state == "running"
    assert lifecycle.finish(hub, task_id, run.run_key, "succeeded", outputs=[{"name": "a", "value": "1"}])
    row = task_of(hub, task_id)
    assert (row.state, row.out_parameters, row.progress, held_by(hub, 1)) == ("succeeded", [{"name": "a", "value": "1"}], 100, None)


def test_a_second_job_for_a_task_that_has_ended_does_nothing(hub: Hub) -> None:
    (task_id,) = start_tasks(hub)
    run = claim(hub, task_id)
    assert run is not None and lifecycle.finish(hub, task_id, run.run_key, "succeeded")
    before = task_of(hub, task_id).stopped_at
    run_task(hub, task_id, robot_id=1)
    row = task_of(hub, task_id)
    assert (row.state, row.run_key, row.stopped_at) == ("succeeded", run.run_key, before)


def test_jobs_wait_in_the_outbox_while_redis_is_away(hub: Hub, settings: Settings) -> None:
    task_ids = start_tasks(hub, totalCount=3)
    assert outbox(hub) == 3
    assert relay.send_left_over(hub, timedelta(0)) == 3 and outbox(hub) == 3
    with RedisServer(settings):
        assert relay.send_left_over(hub, timedelta(0)) == 3
        assert outbox(hub) == 0
        assert waiting(hub) == [f"run_task-{each}-{queues.group_queue(1, 1)}" for each in task_ids]


def test_jobs_leave_with_the_commit_while_redis_is_there(hub: Hub, redis_server: RedisServer) -> None:
    task_ids = start_tasks(hub, totalCount=2)
    assert outbox(hub) == 0
    assert len(waiting(hub)) == len(task_ids)


def test_a_refused_call_leaves_no_task_and_no_job(hub: Hub, redis_server: RedisServer) -> None:
    with pytest.raises(AssertionError, match="totalCount"):
        start_tasks(hub, totalCount=10**6)
    with hub.db.read() as session:
        assert session.scalar(select(func.count()).select_from(Task)) == 0
    assert (outbox(hub), waiting(hub)) == (0, [])


def test_the_sweep_queues_again_what_redis_has_lost_and_nothing_else(
    redis_server: RedisServer, new_settings: Callable[..., Settings], open_hub: Callable[[Settings], Hub]
) -> None:
    hub = open_hub(new_settings(requeue_after=0.001))
    kept, lost, running = start_tasks(hub, totalCount=3)
    assert claim(hub, running) is not None
    with hub.db.write() as session:
        session.execute(update(Task).values(queued_at=now() - timedelta(seconds=10)))
    queue = queues.queue(hub.redis, queues.group_queue(1, 1))
    jobs = {task_id: f"run_task-{task_id}-{queue.name}" for task_id in (kept, lost, running)}
    for task_id in (lost, running):
        hub.redis.delete(f"rq:job:{jobs[task_id]}")
        hub.redis.lrem(queue.key, 0, jobs[task_id])
    assert sweep.requeue_lost(hub) == 1
    assert queue.job_ids == [jobs[kept], jobs[lost]]
    assert sweep.requeue_lost(hub) == 0
    hub.redis.flushall()
    assert sweep.requeue_lost(hub) == 2


@pytest.mark.parametrize(("heard_of", "again"), [(2, 0), (3600, 1)], ids=["of a living worker", "of a dead worker"])
def test_a_job_that_a_worker_took_but_did_not_start_is_queued_again_once_the_worker_is_dead(
    redis_server: RedisServer, new_settings: Callable[..., Settings], open_hub: Callable[[Settings], Hub], heard_of: float, again: int
) -> None:
    hub = open_hub(new_settings(requeue_after=0.001))
    (task_id,) = start_tasks(hub)
    queue = queues.queue(hub.redis, queues.group_queue(1, 1))
    hub_worker = HubWorker(hub, "test", listen=lambda: [queue.name], alive=lambda: None)
    job, _ = hub_worker.dequeue_job_and_maintain_ttl(None)  # type: ignore[misc]
    hub_worker.prepare_execution(job)
    assert queue.job_ids == []
    key = StartedJobRegistry(queue=queue).key
    (entry, until), = hub.redis.zrange(key, 0, -1, withscores=True)  # type: ignore[misc]
    hub.redis.zadd(key, {entry: until - heard_of})
    assert sweep.requeue_lost(hub) == again
    assert len(queue.job_ids) == again
    assert claim(hub, task_id) is not None


def test_a_task_that_waits_too_long_ends_without_a_start(hub: Hub) -> None:
    late, patient = start_tasks(hub, totalCount=2, maxWaitingTime=60)
    with hub.db.write() as session:
        past = now() - timedelta(seconds=61)
        session.execute(update(Task).where(Task.id == late).values(created_at=past, queued_at=past))
    sweep.end_waiting_too_long(hub)
    assert [task_of(hub, each).state for each in (late, patient)] == ["timed_out", "queued"]
    assert task_of(hub, late).reason and task_of(hub, late).started_at is None
    assert claim(hub, late) is None


def test_a_robot_that_is_held_by_an_ended_task_is_freed(hub: Hub) -> None:
    ended, running = start_tasks(hub, totalCount=2)
    assert claim(hub, ended, 1) and claim(hub, running, 2)
    with hub.db.write() as session:
        session.execute(update(Task).where(Task.id == ended).values(state="failed"))
    sweep.free_robots(hub)
    assert (held_by(hub, 1), held_by(hub, 2)) == (None, running)
