"""Tasks beyond the standard's calls (X07): how far one is, what happened to it, and what an operator may do about it."""
from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import redis
import structlog
from sqlalchemy import select, update

from hub import connections
from hub.call import Call
from hub.database import now
from hub.models import Connection, Package, Process, Robot, Task, TaskEvent
from hub.scope import find
from hub.services.task import create_mode, refuse_unusable
from hub.tasks import lifecycle, queues
from hub.tasks.running import send_command
from plugins import codes
from plugins.errors import Conflict, InvalidInput
from plugins.fields import Id, Items, Moment, Record, Text, Whole
from plugins.normalise import task_status
from plugins.operation import operation
from plugins.records import TASK_STATES

log = structlog.get_logger(__name__)

SPENT_ON = {"queued": "waitSeconds", "dispatching": "waitSeconds", "paused": "pausedSeconds"}
RETRIABLE = ("failed", "cancelled", "timed_out", "missed")


class TaskRequest(Record):
    """One task."""

    taskId = Id("任务 ID", kind="task", required=True)


class TaskProgressResult(Record):
    """How far a task is. The times are in seconds; a pause counts as neither waiting nor running."""

    taskId = Id("任务 ID", kind="task")
    taskStatus = Whole("任务状态（0-成功 1-失败 2-进行中 3-已取消 4-暂停）", choices=(0, 1, 2, 3, 4))
    taskState = Text("任务详细状态", choices=TASK_STATES)
    progress = Whole("任务进度百分比", least=0, most=100)
    step = Text("当前步骤")
    waitSeconds = Whole("排队等待时长（秒）")
    runSeconds = Whole("实际运行时长（秒，不含暂停）")
    pausedSeconds = Whole("暂停时长（秒）")
    updateTime = Moment("最近一次更新时间")


@operation(
    "X07", "/api/ext/task/progress", clause="X07", title="查询任务进度",
    request=TaskRequest, response=TaskProgressResult, hook=False, writes=False,
)
def task_progress(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Show how far a task is, and how long it has waited, run and been paused."""
    row = find(call, Task, params["taskId"])
    spent = _spent(row, _events(call, row.id))
    return {
        "taskId": row.id,
        "taskStatus": task_status(row.state),
        "taskState": row.state,
        "progress": None if row.progress is None else round(row.progress),
        "step": row.step,
        **{name: int(length.total_seconds()) for name, length in spent.items()},
        "updateTime": row.updated_at,
    }


def _events(call: Call, task_id: int) -> list[TaskEvent]:
    return list(call.session.scalars(select(TaskEvent).where(TaskEvent.task_id == task_id).order_by(TaskEvent.id)))


def _spent(row: Task, events: list[TaskEvent]) -> dict[str, timedelta]:
    """The time in each kind of state, from the creation to the end or to now."""
    spent = {"waitSeconds": timedelta(), "runSeconds": timedelta(), "pausedSeconds": timedelta()}
    end = row.stopped_at or now()
    state, since = "queued", row.created_at
    for event, happened_at in (*((each.state, each.happened_at) for each in events), (row.state, end)):
        at = min(max(happened_at, since), end)
        spent[SPENT_ON.get(state, "runSeconds")] += at - since
        since = at
        if event in TASK_STATES:
            state = event
    return spent


class TaskEventRow(Record):
    """One thing that happened to a task."""

    time = Moment("发生时间，格式为 yyyy-MM-dd HH:mm:ss")
    event = Text("事件（created-创建，其余为任务详细状态或操作名）", longest=64)
    detail = Text("说明", longest=1024)


class TaskTimelineResult(Record):
    """All that happened, oldest first."""

    taskId = Id("任务 ID", kind="task")
    traceId = Text("任务创建时的跟踪标识", longest=64)
    retryOf = Id("重试自哪个任务", kind="task")
    events = Items(TaskEventRow, "事件列表")


@operation(
    "X07", "/api/ext/task/timeline", clause="X07", title="查询任务时间线",
    request=TaskRequest, response=TaskTimelineResult, hook=False, writes=False,
)
def task_timeline(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Show what happened to a task, from its creation on: each change of its state, with its reason."""
    row = find(call, Task, params["taskId"], deleted=True)
    made: tuple[datetime, str, str | None] = (row.created_at, "created", f"由 {row.actor} 创建" if row.actor else None)
    events = [made, *((each.happened_at, each.state, each.detail) for each in _events(call, row.id))]
    return {
        "taskId": row.id,
        "traceId": row.trace_id,
        "retryOf": row.retry_of,
        "events": [{"time": at, "event": event, "detail": detail} for at, event, detail in events],
    }


class TaskRetryResult(Record):
    """The new task."""

    taskId = Id("新任务 ID", kind="task")


@operation(
    "X07", "/api/ext/task/retry", clause="X07", title="重试任务", request=TaskRequest, response=TaskRetryResult, hook=False,
)
def task_retry(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Start a task again that did not succeed: the same process, version, parameters and robots, as a new task that names the old one."""
    old = find(call, Task, params["taskId"])
    if old.state not in RETRIABLE:
        raise Conflict("只有失败、已取消、超时或错过的任务可以重试")
    process = find(call, Process, old.process_id)
    if old.package_id is not None:
        find(call, Package, old.package_id)
    connection = call.session.get_one(Connection, process.connection_id)
    if connection.is_deleted:
        raise Conflict("流程所属的厂商连接已删除")
    _refuse_without_robots(call, old)
    same = (
        "department_id", "process_id", "package_id", "connection_id", "robot_group_id", "robots", "priority", "is_record", "is_warn",
        "warn_type", "in_parameters", "max_run_time", "max_waiting_time",
    )  # fmt: skip
    row = Task(
        **{name: getattr(old, name) for name in same},
        create_mode=create_mode(call),
        actor=call.caller.name,
        trace_id=call.trace_id,
        retry_of=old.id,
    )
    call.session.add(row)
    call.session.flush()
    lifecycle.note(call.session, old.id, "retried", f"由 {call.caller.name} 重试为任务 {row.id}")
    _enqueue(call, row, connection)
    return {"taskId": row.id}


def _refuse_without_robots(call: Call, task: Task) -> None:
    """Raise where none of the robots that a task names is left, or may work."""
    if not task.robots:
        return
    left = list(call.session.scalars(select(Robot).where(Robot.id.in_(task.robots), Robot.is_deleted.is_(False))))
    if not left:
        raise Conflict("任务指定的机器人已删除", code=codes.ROBOT_STATE)
    refuse_unusable(call, left)


def _enqueue(call: Call, row: Task, connection: Connection) -> None:
    runs_here = connections.runs_here(call.hub, connection)
    call.enqueue("run_task" if runs_here else "start_task", row.id, queues.queues_of(row, runs_here))


class TaskPriorityRequest(TaskRequest):
    """A task and its new priority."""

    priority = Whole("优先级（0-高 1-中 2-低）", choices=(0, 1, 2), required=True)


@operation("X07", "/api/ext/task/change-priority", clause="X07", title="调整任务优先级", request=TaskPriorityRequest, hook=False)
def task_change_priority(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Give a task that has not begun another priority. One that has begun keeps its own (10504)."""
    row = find(call, Task, params["taskId"])
    connection = call.session.get_one(Connection, row.connection_id)
    runs_here = connections.runs_here(call.hub, connection)
    before, wanted = queues.queues_of(row, runs_here), params["priority"]
    if row.priority == wanted:
        return {}
    waiting = (Task.id == row.id, lifecycle.is_waiting())
    changed = update(Task).where(*waiting).values(priority=wanted).returning(Task.id).execution_options(synchronize_session=False)
    if call.session.scalar(changed) is None:
        raise Conflict("任务已开始，不能调整优先级")
    call.session.refresh(row)
    lifecycle.note(call.session, row.id, "priority", f"由 {call.caller.name} 调整为 {wanted}")
    if row.state == lifecycle.QUEUED:
        _enqueue(call, row, connection)
        try:
            # What is left on the old queues would be found to be started already, but too early for a priority that was lowered.
            queues.withdraw(call.hub.redis, "run_task" if runs_here else "start_task", row.id, before)
        except redis.RedisError as error:
            log.warning("job stays on its old queue", task_id=row.id, error=str(error))
    return {}


class TaskForceEndRequest(TaskRequest):
    """A task that nobody ends any more."""

    reason = Text("强制结束的原因", longest=512, required=True)


@operation("X07", "/api/ext/task/force-end", clause="X07", title="强制结束任务", request=TaskForceEndRequest, hook=False)
def task_force_end(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Count a started task as failed although its robot or platform does not end it. What it has begun there may still be going on.

    For tasks that hang where a cancellation has no effect: its run is told to end too, as soon as it can be reached.
    """
    if not params["reason"].strip():
        raise InvalidInput("reason", code=codes.PARAMETER_EMPTY)
    row = find(call, Task, params["taskId"])
    if row.state in lifecycle.ENDED:
        raise Conflict(code=codes.TASK_CANCELLED if row.state == "cancelled" else codes.TASK_STOPPED)
    if row.state not in lifecycle.STARTED or lifecycle.is_held(row):
        raise Conflict("任务尚未开始，请取消任务")
    call.audit["reason"] = params["reason"]
    text = f"由 {call.caller.name} 强制结束：{params['reason']}"
    run_key = row.run_key or ""
    if not lifecycle.end_by_force(call.session, row.id, run_key, text):
        raise Conflict("任务状态已变化，请重试")
    send_command(call.hub, run_key, "cancel")
    return {}
