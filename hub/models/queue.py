"""Data queues and the items that wait in them."""
from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.database import BigId, Document, Moment
from hub.models.base import Base, Entity

ITEM_STATES = ("new", "leased", "succeeded", "failed")
UNFINISHED = "state IN ('new', 'leased')"


class DataQueue(Entity, Base):
    """A queue of data items that feeds a pool of robots."""

    __tablename__ = "data_queue"
    __table_args__ = (
        Index(
            "uq_data_queue_name",
            "department_id",
            "name",
            unique=True,
            sqlite_where=text("NOT is_deleted"),
            postgresql_where=text("NOT is_deleted"),
        ),
        Index("ix_data_queue_department_id_id", "department_id", "id"),
        {"sqlite_autoincrement": True},
    )

    department_id: Mapped[int] = mapped_column(BigId, ForeignKey("department.id"))
    name: Mapped[str] = mapped_column(String(128))
    remark: Mapped[str | None] = mapped_column(String(1024))


class DataQueueItem(Entity, Base):
    """One item. ``state`` is one of ITEM_STATES; the times decide the rest.

    A new item can be taken from ``effective_at`` on (null: at once) and before ``expires_at`` (null: for ever). A leased one is its
    robot's, for the task ``leased_by``, until ``lease_until``; when that has passed it counts as new again, or as failed when it has been
    taken ``max_attempts`` times. The first index answers the count of a whole queue by itself, the last one finds the next item.
    """

    __tablename__ = "data_queue_item"
    __table_args__ = (
        Index("ix_data_queue_item_count", "queue_id", "is_deleted", "state", "effective_at", "expires_at", "lease_until", "attempts", "max_attempts"),
        Index("ix_data_queue_item_next", "queue_id", "priority", "id", sqlite_where=text(UNFINISHED), postgresql_where=text(UNFINISHED)),
        Index("ix_data_queue_item_queue_id_id", "queue_id", "id"),
        {"sqlite_autoincrement": True},
    )

    queue_id: Mapped[int] = mapped_column(BigId, ForeignKey("data_queue.id"))
    reference: Mapped[str | None] = mapped_column(String(255))
    content: Mapped[dict[str, Any]] = mapped_column(Document, default=dict)
    priority: Mapped[int] = mapped_column(default=1)
    state: Mapped[str] = mapped_column(String(16), default="new")
    effective_at: Mapped[datetime | None] = mapped_column(Moment)
    expires_at: Mapped[datetime | None] = mapped_column(Moment)
    lease_until: Mapped[datetime | None] = mapped_column(Moment)
    leased_by: Mapped[int | None] = mapped_column(BigId, ForeignKey("task.id"))
    attempts: Mapped[int] = mapped_column(default=0)
    max_attempts: Mapped[int] = mapped_column(default=3, server_default="3")
    finished_at: Mapped[datetime | None] = mapped_column(Moment)
    reason: Mapped[str | None] = mapped_column(String(1024))
