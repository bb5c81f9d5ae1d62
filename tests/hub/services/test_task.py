"""Tasks: paused, resumed and cancelled in every state (errata E37, E39), listed and filtered (E40, E76)."""
from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from config.settings import Settings
from hub.call import Source
from hub.core import Hub
from hub.database import now
from hub.models import Outbox, Process, Task
from hub.redis_server import RedisServer
from hub.tasks import lifecycle, queues, sweep
from hub.tasks.running import TaskRun
from plugins import hookimpl
from plugins.context import Command
from tests.hub.conftest import Api
from tests.hub.services import making
from tests.hub.services.making import change_task, process, task_of, tasks

SECONDS = 20


def outbox(hub: Hub, task_id: int) -> int:
    """How many jobs of a task wait to leave."""
    with hub.db.read() as session:
        return session.scalar(select(func.count()).select_from(Outbox).where(Outbox.subject_id == task_id)) or 0


def claim(hub: Hub, task_id: int, robot_id: int = 1) -> lifecycle.Claim | None:
    return lifecycle.claim(hub, task_id, state="running", lease=60, robot_id=robot_id)


@contextmanager
def running(hub: Hub, task_id: int, obey: Callable[[TaskRun, Command], None] | None = None) -> Iterator[list[Command]]:
    """A run of the task: it notes the commands that it is given, and obeys them as a robot does unless told otherwise."""
    found = claim(hub, task_id)
    assert found is not None
    given: list[Command] = []
    over = threading.Event()
    with TaskRun(hub, found) as run:

        def listen() -> None:
            while not over.is_set():
                command = run.command(0.1)
                if command is None:
                    continue
                given.append(command)
                if obey is not None:
                    obey(run, command)
                elif command == "cancel":
                    lifecycle.finish(hub, task_id, found.run_key, "cancelled", reason="任务已取消")
                    return
                else:
                    run.paused(command == "pause")

        listener = threading.Thread(target=listen)
        listener.start()
        try:
            yield given
        finally:
            over.set()
            listener.join(SECONDS)


def test_a_queued_task_is_held_and_started_only_when_it_is_resumed(api: Api, hub: Hub) -> None:
    task_id = tasks(api, process(api))[0]
    api("task_pause", taskId=task_id)
    shown = api("task_query", taskId=task_id)
    assert (shown["taskStatus"], shown["taskState"], shown["robotId"], shown["startTime"]) == ("4", "paused", None, "")
    assert "admin" in shown["reason"]
    assert claim(hub, task_id) is None
    before = outbox(hub, task_id)
    api("task_resume", taskId=task_id)
    shown = api("task_query", taskId=task_id)
    assert (shown["taskStatus"], shown["taskState"], shown["reason"]) == ("2", "queued", "")
    assert outbox(hub, task_id) == before + 1
    assert claim(hub, task_id) is not None


def test_a_held_task_is_cancelled_at_once(api: Api, hub: Hub) -> None:
    task_id = tasks(api, process(api))[0]
    api("task_pause", taskId=task_id)
    api("task_cancel", taskId=task_id)
    assert (task_of(hub, task_id).state, api("task_query", taskId=task_id)["taskStatus"]) == ("cancelled", "3")
    assert "取消" in making.log_of(hub, task_id)[0]
    assert api.code("task_resume", taskId=task_id) == "10101"


def test_the_time_for_which_a_task_is_held_does_not_count_as_waiting(api: Api, hub: Hub) -> None:
    held, waiting = tasks(api, process(api), 2, maxWaitingTime=60)
    api("task_pause", taskId=held)
    hour = timedelta(hours=1)
    change_task(hub, held, queued_at=now() - hour, created_at=now() - hour - timedelta(seconds=30))
    change_task(hub, waiting, created_at=now() - hour)
    sweep.end_waiting_too_long(hub)
    assert [task_of(hub, each).state for each in (held, waiting)] == ["paused", "timed_out"]
    api("task_resume", taskId=held)
    sweep.end_waiting_too_long(hub)
    assert task_of(hub, held).state == "queued"
    row = task_of(hub, held)
    assert not lifecycle.waited_too_long(row, now() + timedelta(seconds=20))
    assert lifecycle.waited_too_long(row, now() + timedelta(seconds=40))


def test_a_held_task_troubles_no_sweep(api: Api, hub: Hub, redis_server: RedisServer) -> None:
    task_id = tasks(api, process(api))[0]
    api("task_pause", taskId=task_id)
    change_task(hub, task_id, queued_at=now() - timedelta(hours=1))
    hub.redis.flushall()
    sweep.sweep(hub)
    assert sweep.requeue_lost(hub) == 0
    assert hub.redis.keys("rq:queue:*") == []
    assert task_of(hub, task_id).state == "paused"


def test_a_resumed_task_leaves_for_its_queue(api: Api, hub: Hub, redis_server: RedisServer) -> None:
    task_id = tasks(api, process(api))[0]
    api("task_pause", taskId=task_id)
    queue = queues.queue(hub.redis, queues.group_queue(1, 1))
    queue.empty()
    api("task_resume", taskId=task_id)
    assert [job.split("-")[1] for job in queue.job_ids] == [str(task_id)]


@pytest.mark.parametrize(
    ("state", "pause", "resume"),
    [
        ("queued", "00000", "10504"),
        ("dispatching", "10504", "10504"),
        ("paused", "10504", "00000"),
        ("succeeded", "10102", "10102"),
        ("failed", "10102", "10102"),
        ("timed_out", "10102", "10102"),
        ("cancelled", "10101", "10101"),
    ],
)
def test_each_state_allows_what_it_allows(api: Api, hub: Hub, state: str, pause: str, resume: str) -> None:
    for operation, code in (("task_pause", pause), ("task_resume", resume)):
        task_id = tasks(api, process(api))[0]
        change_task(hub, task_id, state=state)
        assert api.code(operation, taskId=task_id) == code, operation


def test_a_running_task_halts_and_goes_on(api: Api, hub: Hub, redis_server: RedisServer) -> None:
    task_id = tasks(api, process(api))[0]
    with running(hub, task_id) as given:
        api("task_pause", taskId=task_id)
        shown = api("task_query", taskId=task_id)
        assert (shown["taskStatus"], shown["taskState"], shown["robotId"]) == ("4", "paused", 1)
        assert api.code("task_pause", taskId=task_id) == "10504"
        api("task_resume", taskId=task_id)
        assert api("task_query", taskId=task_id)["taskState"] == "running"
        assert api.code("task_resume", taskId=task_id) == "10504"
        assert given == ["pause", "resume"]
        api("task_pause", taskId=task_id)
        api("task_cancel", taskId=task_id)
    assert task_of(hub, task_id).state == "cancelled"
    assert given == ["pause", "resume", "pause", "cancel"]


def test_a_run_that_cannot_be_halted_says_so(api: Api, hub: Hub, redis_server: RedisServer) -> None:
    task_id = tasks(api, process(api))[0]
    with running(hub, task_id, lambda run, command: run.paused(False)):
        assert api.code("task_pause", taskId=task_id) == "10504"
        assert task_of(hub, task_id).state == "running"


def test_a_run_that_ends_instead_of_halting_has_ended(api: Api, hub: Hub, redis_server: RedisServer) -> None:
    task_id = tasks(api, process(api))[0]

    def end(run: TaskRun, command: Command) -> None:
        lifecycle.finish(hub, task_id, task_of(hub, task_id).run_key or "", "succeeded")

    with running(hub, task_id, end):
        assert api.code("task_pause", taskId=task_id) == "10102"
    assert task_of(hub, task_id).state == "succeeded"


def test_without_redis_a_running_task_goes_on_and_the_caller_is_told(api: Api, hub: Hub) -> None:
    task_id = tasks(api, process(api))[0]
    assert claim(hub, task_id) is not None
    assert api.code("task_pause", taskId=task_id) == "20001"
    assert task_of(hub, task_id).state == "running"
    change_task(hub, task_id, state="paused")
    assert api.code("task_resume", taskId=task_id) == "20001"
    assert task_of(hub, task_id).state == "paused"


class Vendor:
    """The tasks of a platform that can pause, or not, as an adapter's module would answer for them."""

    def __init__(self) -> None:
        self.state = "running"

    @hookimpl
    def task_query(self, ctx, params):
        return {"taskId": params["taskId"], "taskState": self.state}


class PausingVendor(Vendor):
    """One that can."""

    @hookimpl
    def task_pause(self, ctx, params):
        assert params == {"taskId": "run-7"}
        self.state = "paused"
        return {}

    @hookimpl
    def task_resume(self, ctx, params):
        self.state = "running"
        return {}


def vendor_task(hub: Hub, vendor: Vendor, **values: object) -> int:
    """A task on a platform that is answered for by ``vendor``."""
    connection_id = making.platform(hub, vendor)
    process_id = making.imported(hub, Process, connection_id, name="p", reference="p-1")
    given = {"state": "running", "run_key": "k", "reference": "run-7", "started_at": now(), **values}
    return making.imported(hub, Task, connection_id, process_id=process_id, **given)


def test_a_platform_that_can_pauses_and_resumes(api: Api, hub: Hub) -> None:
    task_id = vendor_task(hub, PausingVendor())
    api("task_pause", taskId=task_id)
    assert task_of(hub, task_id).state == "paused"
    api("task_resume", taskId=task_id)
    assert task_of(hub, task_id).state == "running"


def test_a_platform_that_cannot_is_never_said_to_have(api: Api, hub: Hub) -> None:
    task_id = vendor_task(hub, Vendor())
    answer = api.answer("task_pause", taskId=task_id)
    assert (answer.code.value, "该平台没有 task_pause" in answer.message) == ("20102", True)
    assert task_of(hub, task_id).state == "running"
    change_task(hub, task_id, state="paused")
    assert api.code("task_resume", taskId=task_id) == "20102"


def test_what_waits_for_any_platform_can_be_held(api: Api, hub: Hub) -> None:
    task_id = vendor_task(hub, Vendor(), state="queued", run_key=None, reference=None, started_at=None)
    api("task_pause", taskId=task_id)
    assert task_of(hub, task_id).state == "paused"
    api("task_resume", taskId=task_id)
    assert task_of(hub, task_id).state == "queued"
    with hub.db.read() as session:
        entry = session.scalars(select(Outbox).where(Outbox.subject_id == task_id).order_by(Outbox.id.desc())).first()
    assert entry is not None and (entry.job, entry.queues) == ("start_task", [queues.connection_queue(task_of(hub, task_id).connection_id, 1)])


def test_the_origin_of_a_task_is_told(api: Api, hub: Hub) -> None:
    process_id = process(api)
    trigger_id = making.trigger(api, process_id)
    by_api, by_trigger = tasks(api, process_id, 2)
    change_task(hub, by_trigger, trigger_id=trigger_id)
    answer = api.answer("task_create", Source(kind="console"), processId=process_id, priority=1, isRecord=False)
    by_console = answer.data["taskIds"][0]
    shown = [api("task_query", taskId=each) for each in (by_api, by_trigger, by_console)]
    assert [(each["createModeType"], each["createMode"], each["triggerId"]) for each in shown] == [
        (2, "api", None),
        (0, "trigger", trigger_id),
        (0, "platform", None),
    ]
    assert [row["taskId"] for row in api("task_list", triggerId=trigger_id)["tasks"]] == [by_trigger]


def test_tasks_are_filtered_and_sorted(api: Api, hub: Hub) -> None:
    first, second, third = tasks(api, process(api), 3)
    change_task(hub, first, state="succeeded", started_at=now(), robot_id=1)
    change_task(hub, second, state="running", started_at=now() - timedelta(hours=1), robot_id=2)
    api("task_pause", taskId=third)
    listed = lambda **params: [row["taskId"] for row in api("task_list", **params)["tasks"]]  # noqa: E731
    assert [listed(taskStatus=status) for status in range(5)] == [[first], [], [second], [], [third]]
    assert [listed(taskState=state) for state in ("queued", "running", "paused", "succeeded")] == [[], [second], [third], [first]]
    assert (listed(robotId=1), listed(robotId=2)) == ([first], [second])
    assert (listed(sort="-taskId"), listed(sort="-createTime")) == ([third, second, first],) * 2
    assert [each for each in listed(sort="startTime") if each != third] == [second, first]
    assert api("task_list")["tasks"][0]["packageVersion"] == "1"
    assert api.code("task_list", sort="secret") == "10007"
    assert api.code("task_list", robotId=99) == api.code("task_list", triggerId=99) == "10501"


@pytest.mark.parametrize("operation", ["task_query", "task_cancel", "task_pause", "task_resume"])
def test_a_foreign_task_is_not_found(api: Api, operation: str) -> None:
    task_id = tasks(api, process(api))[0]
    assert api.within(making.department(api)).code(operation, taskId=task_id) == "10501"
    assert api("task_query", taskId=task_id)["taskState"] == "queued"


def test_sweeps_use_the_index_of_the_active_tasks(hub: Hub, settings: Settings) -> None:
    if not hub.db.is_sqlite:
        pytest.skip("PostgreSQL finds partial indexes by itself")
    statement = select(Task.id).where(lifecycle.IS_ACTIVE, Task.state == "queued")
    with hub.db.engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement.compile(connection.engine)}", ("queued",)).all()
    assert "ix_task_active" in str(plan)
