"""The items of data queues (X12): put in and looked at. How robots take them is in ``queue_lease``."""
from __future__ import annotations

from typing import Any

from marshmallow import validates_schema
from sqlalchemy import insert, select

from hub.call import Call
from hub.database import now
from hub.models import DataQueue, DataQueueItem
from hub.paging import page
from hub.scope import find
from hub.services.data_queue import item_states, state_of
from plugins import codes
from plugins.fields import Id, Items, Json, Moment, Record, Text, Whole, problem
from plugins.operation import operation
from plugins.paging import ListRequest, ListResult

STATES = ("available", "leased", "unavailable", "expired", "succeeded", "failed")
SORTABLE = {"itemId": DataQueueItem.id, "priority": DataQueueItem.priority}
MEDIUM = 1
ATTEMPTS, MOST_ATTEMPTS = 3, 100


class QueueItemContent(Record):
    """What an item says, and when it may be taken."""

    reference = Text("数据项业务标识", longest=255)
    content = Json("数据项内容", required=True)
    priority = Whole("优先级（0-高 1-中 2-低）【默认 1】", choices=(0, 1, 2))
    maxAttempts = Whole("最多处理次数【默认 3】", least=1, most=MOST_ATTEMPTS)
    effectiveTime = Moment("生效时间，格式为 yyyy-MM-dd HH:mm:ss【默认立即生效】")
    expirationTime = Moment("过期时间，格式为 yyyy-MM-dd HH:mm:ss【默认不过期】")

    @validates_schema
    def _expires_later(self, data: dict[str, Any], **_: Any) -> None:
        start, end = data.get("effectiveTime"), data.get("expirationTime")
        if start is not None and end is not None and end <= start:
            raise problem(codes.PARAMETER_TYPE, "过期时间应晚于生效时间", "expirationTime")


class QueueItemAddRequest(Record):
    """A queue and its new items, in the order in which they are to be taken."""

    queueId = Id("数据队列 ID", kind="data_queue", required=True)
    items = Items(QueueItemContent, "数据项列表", required=True)


class QueueItemAddResult(Record):
    """The new items."""

    itemIds = Items(Id(kind="queue_item"), "数据项 ID 组，与请求中的顺序一致")


@operation(
    "X12", "/api/ext/queue-item/add", clause="X12", title="添加队列数据项",
    request=QueueItemAddRequest, response=QueueItemAddResult, hook=False,
)
def queue_item_add(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Put items into a data queue, all of them or none."""
    queue = find(call, DataQueue, params["queueId"])
    return {"itemIds": add(call, queue, params["items"])}


def add(call: Call, queue: DataQueue, items: list[dict[str, Any]]) -> list[int]:
    """New items of a queue; their ids in the order of the items."""
    rows = [
        {
            "queue_id": queue.id,
            "reference": each.get("reference"),
            "content": each["content"],
            "priority": MEDIUM if each.get("priority") is None else each["priority"],
            "max_attempts": each.get("maxAttempts") or ATTEMPTS,
            "effective_at": each.get("effectiveTime"),
            "expires_at": each.get("expirationTime"),
        }
        for each in items
    ]
    statement = insert(DataQueueItem).returning(DataQueueItem.id, sort_by_parameter_order=True)
    return list(call.session.scalars(statement, rows))


class QueueItemListRequest(ListRequest):
    """Which items of a queue."""

    queueId = Id("数据队列 ID", kind="data_queue", required=True)
    itemState = Text(
        "数据项状态（available-可消费 leased-处理中 unavailable-未生效 expired-已过期 succeeded-成功 failed-失败）", choices=STATES
    )


class QueueItemRow(Record):
    """One item. Available and leased ones are the unconsumed messages of data-queue/query."""

    itemId = Id("数据项 ID", kind="queue_item")
    reference = Text("数据项业务标识")
    content = Json("数据项内容")
    priority = Whole("优先级（0-高 1-中 2-低）", choices=(0, 1, 2))
    itemState = Text("数据项状态", choices=STATES)
    effectiveTime = Moment("生效时间")
    expirationTime = Moment("过期时间")
    leaseTime = Moment("处理租约截止时间")
    attempts = Whole("已处理次数")
    maxAttempts = Whole("最多处理次数")
    taskId = Id("最近一次处理的任务 ID", kind="task")
    reason = Text("失败原因", longest=1024)
    createTime = Moment("创建时间")
    finishTime = Moment("处理完成时间")


class QueueItemListResult(ListResult):
    """A page of items."""

    items = Items(QueueItemRow, "数据项列表")


@operation(
    "X12", "/api/ext/queue-item/list", clause="X12", title="查询队列数据项列表",
    request=QueueItemListRequest, response=QueueItemListResult, hook=False,
)
def queue_item_list(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """List the items of a data queue by state and reference."""
    queue = find(call, DataQueue, params["queueId"], deleted=True)
    moment = now()
    statement = select(DataQueueItem).where(DataQueueItem.queue_id == queue.id)
    if params.get("itemState"):
        statement = statement.where(item_states(moment)[params["itemState"]])
    rows, paging = page(call, statement, DataQueueItem, params, search=(DataQueueItem.reference,), sortable=SORTABLE)
    items = [
        {
            "itemId": row.id,
            "reference": row.reference,
            "content": row.content,
            "priority": row.priority,
            "itemState": state_of(row, moment),
            "effectiveTime": row.effective_at,
            "expirationTime": row.expires_at,
            "leaseTime": row.lease_until,
            "attempts": row.attempts,
            "maxAttempts": row.max_attempts,
            "taskId": row.leased_by,
            "reason": row.reason,
            "createTime": row.created_at,
            "finishTime": row.finished_at,
        }
        for row in rows
    ]
    return {"items": items, **paging}
