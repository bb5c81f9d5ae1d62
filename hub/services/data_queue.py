"""Data queues (clause 6.2.8), and how the items in them are counted."""
from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select

from hub.call import Call
from hub.database import now
from hub.models import DataQueue, DataQueueItem, Department, Trigger
from hub.paging import page
from hub.resource import refuse_taken, show, stamps, take_over
from hub.scope import find, within_department
from hub.services.trigger import refuse_in_use
from hub.serving import serves
from plugins.operations import data_queue

COLUMNS = {"depId": "department_id", "queueName": "name", "remark": "remark"}
SORTABLE = {"queueId": DataQueue.id, "queueName": DataQueue.name}


@serves(data_queue.data_queue_create)
def data_queue_create(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Names are unique within a department."""
    home = find(call, Department, params["depId"])
    name = params["queueName"]
    refuse_taken(call, DataQueue, f"数据队列 {name}", DataQueue.department_id == home.id, DataQueue.name == name)
    row = DataQueue()
    take_over(row, params, COLUMNS)
    call.session.add(row)
    call.session.flush()
    return {"queueId": row.id}


@serves(data_queue.data_queue_delete)
def data_queue_delete(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """A queue that an active trigger waits on is refused; the items of a deleted one stay for the record."""
    row = find(call, DataQueue, params["queueId"])
    refuse_in_use(call, and_(Trigger.queue_id == row.id, Trigger.type == "queue"))
    row.is_deleted = True
    return {}


@serves(data_queue.data_queue_query)
def data_queue_query(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """The seven counters of one moment, counted by the database in one go (erratum E69)."""
    row = find(call, DataQueue, params["queueId"], deleted=True)
    states = item_states(now())
    counted = select(*(func.count().filter(condition).label(name) for name, condition in states.items()))
    count = call.session.execute(counted.where(DataQueueItem.queue_id == row.id, DataQueueItem.is_deleted.is_(False))).one()
    unconsumed = count.available + count.leased
    consumed = count.succeeded + count.failed
    return {
        **show(row, COLUMNS),
        "queueId": row.id,
        "unconsumedMessageCount": unconsumed,
        "consumedMessageCount": consumed,
        "unavailableMessageCount": count.unavailable,
        "expiredMessageCount": count.expired,
        "consumedMessageSuccessCount": count.succeeded,
        "consumedMessageFailCount": count.failed,
        "totalCount": unconsumed + consumed + count.unavailable + count.expired,
        **stamps(row),
    }


@serves(data_queue.data_queue_list)
def data_queue_list(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """The queues of a department and those below it."""
    statement = within_department(select(DataQueue), DataQueue, call, params.get("depId"), params.get("includeChildren") is False)
    rows, paging = page(call, statement, DataQueue, params, search=(DataQueue.name, DataQueue.remark), sortable=SORTABLE)
    return {"queues": [{**show(row, COLUMNS), "queueId": row.id} for row in rows], **paging}


def item_states(moment: datetime) -> dict[str, ColumnElement[bool]]:
    """What an item can be at a moment, and the condition of each. Every item is exactly one of them.

    A lease that has run out leaves the item as it was before, or failed where it was the last that it may have; a running one protects it
    even past its expiry.
    """
    item = DataQueueItem
    leased = and_(item.state == "leased", item.lease_until.is_not(None), item.lease_until > moment)
    over = and_(item.state == "leased", or_(item.lease_until.is_(None), item.lease_until <= moment))
    open_ = or_(item.state == "new", and_(over, item.attempts < item.max_attempts))
    expired = and_(item.expires_at.is_not(None), item.expires_at <= moment)
    early = and_(item.effective_at.is_not(None), item.effective_at > moment)
    return {
        "available": and_(open_, ~expired, ~early),
        "leased": leased,
        "unavailable": and_(open_, ~expired, early),
        "expired": and_(open_, expired),
        "succeeded": item.state == "succeeded",
        "failed": or_(item.state == "failed", and_(over, item.attempts >= item.max_attempts)),
    }


def state_of(item: DataQueueItem, moment: datetime) -> str:
    """What an item is at a moment, in the words of item_states."""
    if item.state in ("succeeded", "failed"):
        return item.state
    if item.state == "leased" and item.lease_until is not None and item.lease_until > moment:
        return "leased"
    if item.state == "leased" and item.attempts >= item.max_attempts:
        return "failed"
    if item.expires_at is not None and item.expires_at <= moment:
        return "expired"
    if item.effective_at is not None and item.effective_at > moment:
        return "unavailable"
    return "available"
