"""Triggers: what starts a process by itself, and when."""
from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.database import BigId, Document
from hub.models.base import Base, Entity


class Trigger(Entity, Base):
    """A schedule of a process.

    ``time_zone`` is null where the deployment's zone is meant, ``is_record`` where the process decides. Durations are in seconds.
    """

    __tablename__ = "trigger"
    __table_args__ = (
        Index(
            "uq_trigger_name",
            "department_id",
            "name",
            unique=True,
            sqlite_where=text("NOT is_deleted"),
            postgresql_where=text("NOT is_deleted"),
        ),
        Index("ix_trigger_department_id_id", "department_id", "id"),
        {"sqlite_autoincrement": True},
    )

    department_id: Mapped[int] = mapped_column(BigId, ForeignKey("department.id"))
    name: Mapped[str] = mapped_column(String(128))
    description: Mapped[str | None] = mapped_column(String(1024))
    is_activated: Mapped[bool] = mapped_column(default=True)

    type: Mapped[str] = mapped_column(String(16), default="cron")
    cron_expression: Mapped[str | None] = mapped_column(String(120))
    time_zone: Mapped[str | None] = mapped_column(String(64))
    is_define_calendar: Mapped[bool] = mapped_column(default=False)
    calendar_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("calendar.id"), index=True)
    day_shift: Mapped[str] = mapped_column(String(16), default="skip")
    queue_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("data_queue.id"), index=True)
    min_items: Mapped[int | None] = mapped_column(BigId)
    max_tasks: Mapped[int | None] = mapped_column(BigId)
    misfire: Mapped[str] = mapped_column(String(16), default="run-once")
    misfire_grace: Mapped[int | None] = mapped_column(BigId)
    overlap: Mapped[str] = mapped_column(String(16), default="queue")

    process_id: Mapped[int] = mapped_column(BigId, ForeignKey("process.id"), index=True)
    package_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("package.id"))
    assign_type: Mapped[int] = mapped_column(default=1)
    robot_group_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("robot_group.id"), index=True)
    adapter_policy: Mapped[str | None] = mapped_column(String(64))
    priority: Mapped[int] = mapped_column(default=1)
    in_parameters: Mapped[list[dict[str, Any]]] = mapped_column(Document, default=list)
    is_record: Mapped[bool | None]
    is_warn: Mapped[bool] = mapped_column(default=False)
    warn_types: Mapped[list[int]] = mapped_column(Document, default=list)
    max_run_time: Mapped[int | None] = mapped_column(BigId)
    max_waiting_time: Mapped[int | None] = mapped_column(BigId)


class TriggerRobot(Base):
    """A robot that a trigger names; ``position`` is its place in the list as it was given."""

    __tablename__ = "trigger_robot"

    trigger_id: Mapped[int] = mapped_column(BigId, ForeignKey("trigger.id"), primary_key=True)
    robot_id: Mapped[int] = mapped_column(BigId, ForeignKey("robot.id"), primary_key=True, index=True)
    position: Mapped[int]
