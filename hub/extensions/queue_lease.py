"""Queue items at run time (X12): a task takes the next one, holds it, and says what came of it. No two tasks ever have the same item."""
from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CursorResult, select, text, update

from hub.call import Call
from hub.database import now
from hub.extensions.queue_item import QueueItemContent, add
from hub.models import DataQueueItem
from hub.models.queue import UNFINISHED
from hub.robots.run_time import queue_of, running_task
from hub.services.data_queue import item_states
from plugins.errors import Conflict, NotFound
from plugins.fields import Flag, Id, Json, Moment, Record, Text, Whole
from plugins.operation import operation

LONGEST_LEASE = 24 * 3600
LONGEST_DELAY = 30 * 24 * 3600
# Word for word the condition of the index, without which SQLite does not use it.
IS_UNFINISHED = text(f"data_queue_item.{UNFINISHED}")


class QueueItemLeaseRequest(Record):
    """A queue, by id or name, for a running task."""

    taskId = Id("正在执行的任务 ID", kind="task", required=True)
    queueId = Id("数据队列 ID，与数据队列名称提供其一", kind="data_queue")
    queueName = Text("数据队列名称", longest=128)
    leaseSeconds = Whole("租约时长（秒）", least=1, most=LONGEST_LEASE)


class QueueItemLeaseResult(Record):
    """The item; without an id where there is none to be had."""

    itemId = Id("数据项 ID，空表示没有可处理的数据项", kind="queue_item")
    queueId = Id("数据队列 ID", kind="data_queue")
    reference = Text("数据项业务标识")
    content = Json("数据项内容")
    priority = Whole("优先级（0-高 1-中 2-低）", choices=(0, 1, 2))
    attempts = Whole("已处理次数，含本次")
    maxAttempts = Whole("最多处理次数")
    leaseTime = Moment("处理租约截止时间")


@operation(
    "X12", "/api/ext/queue-item/lease", clause="X12", title="任务领取数据项",
    request=QueueItemLeaseRequest, response=QueueItemLeaseResult, hook=False,
)
def queue_item_lease(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Take the next item of a queue, by priority and then by age: it is the task's until it is done with it, or the lease runs out."""
    task = running_task(call, params["taskId"])
    queue = queue_of(call, params.get("queueId"), params.get("queueName"))
    moment = now()
    # On PostgreSQL others that look at the same moment skip the row; on SQLite there is one writer at a time.
    statement = (
        select(DataQueueItem)
        .where(DataQueueItem.queue_id == queue.id, IS_UNFINISHED, DataQueueItem.is_deleted.is_(False), item_states(moment)["available"])
        .order_by(DataQueueItem.priority, DataQueueItem.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    row = call.session.scalar(statement)
    if row is None:
        return {"queueId": queue.id}
    row.state, row.leased_by, row.lease_until = "leased", task.id, _until(call, moment, params)
    row.attempts += 1
    return {
        "itemId": row.id,
        "queueId": queue.id,
        "reference": row.reference,
        "content": row.content,
        "priority": row.priority,
        "attempts": row.attempts,
        "maxAttempts": row.max_attempts,
        "leaseTime": row.lease_until,
    }


class QueueItemHeldRequest(Record):
    """An item that a running task holds."""

    taskId = Id("正在执行的任务 ID", kind="task", required=True)
    itemId = Id("数据项 ID", kind="queue_item", required=True)


class QueueItemHeartbeatRequest(QueueItemHeldRequest):
    """How long it is to be held from now on."""

    leaseSeconds = Whole("租约时长（秒）", least=1, most=LONGEST_LEASE)


class QueueItemHeartbeatResult(Record):
    """Until when it is held."""

    leaseTime = Moment("处理租约截止时间")


@operation(
    "X12", "/api/ext/queue-item/heartbeat", clause="X12", title="延长数据项租约",
    request=QueueItemHeartbeatRequest, response=QueueItemHeartbeatResult, hook=False,
)
def queue_item_heartbeat(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Hold an item longer. One whose lease has run out may be another task's already: 10504."""
    until = _until(call, now(), params)
    _change(call, params, lease_until=until)
    return {"leaseTime": until}


@operation("X12", "/api/ext/queue-item/complete", clause="X12", title="完成数据项", request=QueueItemHeldRequest, hook=False)
def queue_item_complete(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """An item has been worked on with success."""
    _change(call, params, state="succeeded", lease_until=None, finished_at=now(), reason=None)
    return {}


class QueueItemFailRequest(QueueItemHeldRequest):
    """Why, and whether to try again."""

    reason = Text("失败原因", longest=1024)
    isRetry = Flag("是否重试【默认 true，直到达到最多处理次数】")
    delaySeconds = Whole("重试前等待的时长（秒）【默认 0】", least=0, most=LONGEST_DELAY)


class QueueItemFailResult(Record):
    """What becomes of the item."""

    isRetried = Flag("是否将重试")


@operation(
    "X12", "/api/ext/queue-item/fail", clause="X12", title="数据项处理失败",
    request=QueueItemFailRequest, response=QueueItemFailResult, hook=False,
)
def queue_item_fail(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """An item could not be worked on: it goes back to the queue as long as it has attempts left, unless it is not to be tried again."""
    row = _held(call, params)
    is_retried = params.get("isRetry") is not False and row.attempts < row.max_attempts
    reason, moment = params.get("reason") or None, now()
    if is_retried:
        delay = params.get("delaySeconds") or 0
        later = {"effective_at": moment + timedelta(seconds=delay)} if delay else {}
        _change(call, params, state="new", lease_until=None, reason=reason, **later)
    else:
        _change(call, params, state="failed", lease_until=None, reason=reason, finished_at=moment)
    return {"isRetried": is_retried}


class QueueItemSubmitRequest(QueueItemContent):
    """A queue, by id or name, and a new item for it."""

    taskId = Id("正在执行的任务 ID", kind="task", required=True)
    queueId = Id("数据队列 ID，与数据队列名称提供其一", kind="data_queue")
    queueName = Text("数据队列名称", longest=128)


class QueueItemSubmitResult(Record):
    """The new item."""

    itemId = Id("数据项 ID", kind="queue_item")


@operation(
    "X12", "/api/ext/queue-item/submit", clause="X12", title="任务提交数据项",
    request=QueueItemSubmitRequest, response=QueueItemSubmitResult, hook=False,
)
def queue_item_submit(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Put an item into a queue for a running task."""
    running_task(call, params["taskId"])
    queue = queue_of(call, params.get("queueId"), params.get("queueName"))
    return {"itemId": add(call, queue, [params])[0]}


def _until(call: Call, moment: datetime, params: dict[str, Any]) -> datetime:
    return moment + timedelta(seconds=params.get("leaseSeconds") or call.hub.settings.queue_item_lease)


def _held(call: Call, params: dict[str, Any]) -> DataQueueItem:
    """The item, as the task had it last. Raises NotFound for one that it never had, Conflict (10504) where it is not the task's any more."""
    task = running_task(call, params["taskId"])
    row = call.session.scalar(select(DataQueueItem).where(DataQueueItem.id == params["itemId"], DataQueueItem.leased_by == task.id))
    if row is None:
        raise NotFound(f"queue_item {params['itemId']}")
    return row


def _change(call: Call, params: dict[str, Any], **values: Any) -> None:
    """Compare and set: change the item if the task still holds it."""
    row, moment = _held(call, params), now()
    held = (DataQueueItem.id == row.id, DataQueueItem.state == "leased", DataQueueItem.leased_by == row.leased_by, DataQueueItem.lease_until > moment)
    done = call.session.execute(update(DataQueueItem).where(*held).values(**values, updated_at=moment))
    if not (isinstance(done, CursorResult) and done.rowcount):
        raise Conflict("数据项的租约已失效")
