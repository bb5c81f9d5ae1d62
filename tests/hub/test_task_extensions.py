"""Tasks beyond the standard's calls: progress, timeline, retry, priority, and the end by force."""
from __future__ import annotations

from datetime import timedelta

from rq import Queue
from rq.serializers import JSONSerializer
from sqlalchemy import select

from hub import rights
from hub.core import Hub
from hub.database import now
from hub.models import AuditEntry, Task, TaskEvent
from hub.redis_server import RedisServer
from hub.serving import full_catalogue
from hub.tasks import lifecycle
from tests.hub.conftest import Api
from tests.hub.services import making
from tests.hub.services.making import process, tasks


def started(hub: Hub, task_id: int) -> str:
    """The run key of a task that a robot has begun."""
    claim = lifecycle.claim(hub, task_id, state="running", lease=60, robot_id=1)
    assert claim is not None
    return claim.run_key


def change(hub: Hub, task_id: int, run_key: str, state: str) -> None:
    with hub.db.write() as session:
        assert lifecycle.confirm(session, task_id, run_key, 60.0, state=state)


def row(hub: Hub, task_id: int) -> Task:
    with hub.db.read() as session:
        return session.get_one(Task, task_id)


def waiting(hub: Hub, name: str) -> list[str]:
    return Queue(name, connection=hub.redis, serializer=JSONSerializer).job_ids


def test_the_timeline_tells_all_that_happened_in_order(api: Api, hub: Hub) -> None:
    [task_id] = tasks(api, process(api))
    run_key = started(hub, task_id)
    change(hub, task_id, run_key, "paused")
    change(hub, task_id, run_key, "paused")
    change(hub, task_id, run_key, "running")
    assert lifecycle.finish(hub, task_id, run_key, "failed", reason="余额不平")
    told = api("task_timeline", taskId=task_id)
    assert [each["event"] for each in told["events"]] == ["created", "running", "paused", "running", "failed"]
    assert told["events"][0]["detail"] == "由 admin 创建" and told["events"][-1]["detail"] == "余额不平"
    assert told["traceId"] == row(hub, task_id).trace_id


def test_a_cancelled_waiting_task_says_by_whom_in_its_timeline(api: Api) -> None:
    [task_id] = tasks(api, process(api))
    api("task_cancel", taskId=task_id)
    assert api("task_timeline", taskId=task_id)["events"][-1] | {"time": ""} == {"time": "", "event": "cancelled", "detail": "由 admin 取消"}


def test_time_waited_run_and_paused_are_told_apart(api: Api, hub: Hub) -> None:
    [task_id] = tasks(api, process(api))
    run_key = started(hub, task_id)
    change(hub, task_id, run_key, "paused")
    change(hub, task_id, run_key, "running")
    with hub.db.write() as session:
        task, begun = session.get_one(Task, task_id), now() - timedelta(seconds=100)
        task.created_at = begun
        running, paused, again = session.scalars(select(TaskEvent).where(TaskEvent.task_id == task_id).order_by(TaskEvent.id))
        running.happened_at, paused.happened_at = begun + timedelta(seconds=10), begun + timedelta(seconds=30)
        again.happened_at = begun + timedelta(seconds=70)
    assert lifecycle.finish(hub, task_id, run_key, "succeeded", stopped_at=begun + timedelta(seconds=75))
    told = api("task_progress", taskId=task_id)
    assert (told["waitSeconds"], told["runSeconds"], told["pausedSeconds"]) == (10, 25, 40)
    assert (told["progress"], told["taskState"], told["taskStatus"]) == (100, "succeeded", 0)


def test_a_failed_task_is_retried_as_a_new_one_with_the_same_parameters(api: Api, hub: Hub) -> None:
    process_id = process(api)
    given = [{"name": "日期", "value": "2026-11-24"}]
    [old] = api("task_create", processId=process_id, priority=0, isRecord=False, inParameters=given, maxRunTime=60)["taskIds"]
    assert api.code("task_retry", taskId=old) == "10504"
    run_key = started(hub, old)
    assert api.code("task_retry", taskId=old) == "10504"
    assert lifecycle.finish(hub, old, run_key, "failed", reason="断网")
    new = api("task_retry", taskId=old)["taskId"]
    copied = row(hub, new)
    assert (copied.in_parameters, copied.priority, copied.max_run_time, copied.retry_of, copied.state) == (given, 0, 60, old, "queued")
    assert row(hub, old).state == "failed"
    assert api("task_timeline", taskId=new)["retryOf"] == old
    assert api("task_timeline", taskId=old)["events"][-1]["detail"] == f"由 admin 重试为任务 {new}"


def test_a_task_whose_robot_is_gone_is_not_retried(api: Api, hub: Hub) -> None:
    robot_id = making.robot(api)
    [old] = api("task_create", processId=process(api), priority=1, isRecord=False, robotIds=[robot_id])["taskIds"]
    api("task_cancel", taskId=old)
    api("robot_delete", robotId=robot_id)
    assert api.code("task_retry", taskId=old) == "11001"


def test_another_priority_moves_the_job_to_another_queue(api: Api, hub: Hub, redis_server: RedisServer) -> None:
    [task_id] = api("task_create", processId=process(api), priority=0, isRecord=False)["taskIds"]
    assert waiting(hub, "group-1-0") == [f"run_task-{task_id}-group-1-0"]
    api("task_change_priority", taskId=task_id, priority=2)
    assert (waiting(hub, "group-1-0"), waiting(hub, "group-1-2")) == ([], [f"run_task-{task_id}-group-1-2"])
    assert row(hub, task_id).priority == 2
    started(hub, task_id)
    assert api.code("task_change_priority", taskId=task_id, priority=0) == "10504"
    assert row(hub, task_id).priority == 2


def test_a_held_task_takes_its_new_priority_when_it_is_released(api: Api, hub: Hub, redis_server: RedisServer) -> None:
    [task_id] = tasks(api, process(api))
    api("task_pause", taskId=task_id)
    api("task_change_priority", taskId=task_id, priority=0)
    assert waiting(hub, "group-1-0") == []
    api("task_resume", taskId=task_id)
    assert waiting(hub, "group-1-0") == [f"run_task-{task_id}-group-1-0"]


def test_the_end_by_force_frees_the_robot_and_stands_in_the_audit(api: Api, hub: Hub, redis_server: RedisServer) -> None:
    [task_id] = tasks(api, process(api))
    assert api.code("task_force_end", taskId=task_id, reason="卡住") == "10504"
    run_key = started(hub, task_id)
    assert api.code("task_force_end", taskId=task_id, reason=" ") == "10005"
    api("task_force_end", taskId=task_id, reason="机器人画面冻结")
    ended = row(hub, task_id)
    assert (ended.state, ended.reason) == ("failed", "由 admin 强制结束：机器人画面冻结")
    assert api.code("task_force_end", taskId=task_id, reason="再次") == "10102"
    assert api("robot_query", robotId=1)["robotState"] in ("offline", "idle")
    assert not lifecycle.finish(hub, task_id, run_key, "succeeded")
    with hub.db.read() as session:
        entries = select(AuditEntry).where(AuditEntry.operation == "task_force_end", AuditEntry.result_code == "00000")
        [entry] = session.scalars(entries)
        assert entry.subject["reason"] == "机器人画面冻结"


def test_operators_may_retry_but_not_end_by_force(api: Api) -> None:
    [task_id] = tasks(api, process(api))
    operator = rights.builtin_roles(full_catalogue())[rights.OPERATOR]
    assert "task:retry" in operator and "task:force-end" not in operator
    assert api.within(1, *operator).code("task_timeline", taskId=task_id) == "00000"
