"""Machines, robots and their groups."""
from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.database import BigId, Document, Moment, now
from hub.models.base import Base, Entity
from hub.models.connection import Vendored


class Machine(Entity, Base):
    """A computer that robots run on. ``host_key`` is the machine host that serves it, ``seen_at`` when that was heard of last.

    ``host`` is what the host says about itself and its settings; ``figures`` are the latest ones, as the native adapter gives them.
    """

    __tablename__ = "machine"
    __table_args__ = (
        Index("uq_machine_name", "name", unique=True, sqlite_where=text("NOT is_deleted"), postgresql_where=text("NOT is_deleted")),
        {"sqlite_autoincrement": True},
    )

    name: Mapped[str] = mapped_column(String(128))
    remark: Mapped[str | None] = mapped_column(String(1024))
    host_key: Mapped[str | None] = mapped_column(String(36))
    seen_at: Mapped[datetime | None] = mapped_column(Moment)
    host: Mapped[dict[str, Any] | None] = mapped_column(Document)
    figures: Mapped[dict[str, Any] | None] = mapped_column(Document)
    figures_at: Mapped[datetime | None] = mapped_column(Moment)


class Robot(Entity, Vendored, Base):
    """A robot. ``task_id`` is the task it runs now: claiming a robot is a compare-and-set on it.

    What people want of it: ``is_enabled`` (may be used at all), ``is_stopped`` (its process is ended, clause 6.3.1.3), ``is_paused`` (it
    finishes what it has and takes nothing new). ``held_by`` names what keeps it from new tasks for a while, whatever people want: a command
    to its machine, an upgrade. ``schedules`` are its local triggers, the next of which is due at ``schedules_due_at``; ``limits`` are the
    bounds of its tasks' processes.
    """

    __tablename__ = "robot"
    __table_args__ = (
        UniqueConstraint("connection_id", "reference"),
        Index(
            "uq_robot_name",
            "department_id",
            "name",
            unique=True,
            sqlite_where=text("NOT is_deleted AND reference IS NULL"),
            postgresql_where=text("NOT is_deleted AND reference IS NULL"),
        ),
        {"sqlite_autoincrement": True},
    )

    department_id: Mapped[int] = mapped_column(BigId, ForeignKey("department.id"), index=True)
    name: Mapped[str] = mapped_column(String(128))
    type: Mapped[int] = mapped_column(default=0)
    machine_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("machine.id"), index=True)
    machine_username: Mapped[str | None] = mapped_column(String(128))
    sealed_machine_password: Mapped[str | None] = mapped_column(String, info={"sealed": "machine password"})
    remark: Mapped[str | None] = mapped_column(String(1024))
    labels: Mapped[list[str] | None] = mapped_column(Document)
    desktop_type: Mapped[int | None]
    resolution_width: Mapped[int | None]
    resolution_height: Mapped[int | None]
    resolution_depth: Mapped[int | None]
    is_auto_unlock_enabled: Mapped[bool | None]
    log_level: Mapped[str | None] = mapped_column(String(16))
    install_path: Mapped[str | None] = mapped_column(String(1024))
    installed_at: Mapped[datetime | None] = mapped_column(Moment)
    version: Mapped[str | None] = mapped_column(String(64))
    online_since: Mapped[datetime | None] = mapped_column(Moment)
    seen_at: Mapped[datetime | None] = mapped_column(Moment)
    task_id: Mapped[int | None] = mapped_column(BigId)
    is_enabled: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    is_stopped: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    is_paused: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    schedules: Mapped[list[dict[str, Any]] | None] = mapped_column(Document)
    schedules_due_at: Mapped[datetime | None] = mapped_column(Moment, index=True)
    limits: Mapped[dict[str, Any] | None] = mapped_column(Document)
    held_by: Mapped[str | None] = mapped_column(String(64))


class RobotSecret(Base):
    """A secret with which the holder of a robot signs in (clause 6.3.1.1), known by its digest only.

    The one without an end is in force; after a rotation an older one holds until ``expires_at``.
    """

    __tablename__ = "robot_secret"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    robot_id: Mapped[int] = mapped_column(BigId, ForeignKey("robot.id"), index=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    created_by: Mapped[str] = mapped_column(String(128), default="")
    expires_at: Mapped[datetime | None] = mapped_column(Moment)
    last_used_at: Mapped[datetime | None] = mapped_column(Moment)


class RobotGroup(Entity, Base):
    """A pool of robots that share the tasks handed to it."""

    __tablename__ = "robot_group"
    __table_args__ = (
        Index(
            "uq_robot_group_name",
            "department_id",
            "name",
            unique=True,
            sqlite_where=text("NOT is_deleted"),
            postgresql_where=text("NOT is_deleted"),
        ),
        {"sqlite_autoincrement": True},
    )

    department_id: Mapped[int] = mapped_column(BigId, ForeignKey("department.id"), index=True)
    name: Mapped[str] = mapped_column(String(128))
    remark: Mapped[str | None] = mapped_column(String(1024))


class RobotGroupMember(Base):
    """A robot's place in a group."""

    __tablename__ = "robot_group_member"

    robot_group_id: Mapped[int] = mapped_column(BigId, ForeignKey("robot_group.id"), primary_key=True)
    robot_id: Mapped[int] = mapped_column(BigId, ForeignKey("robot.id"), primary_key=True, index=True)
