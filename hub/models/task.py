"""Tasks, their log, and the outbox of jobs that leave after commit."""
from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.database import BigId, Document, Moment, now
from hub.models.base import Base, Entity

DUE = "recordings_due IS NOT NULL"
ACTIVE = "state IN ('queued', 'dispatching', 'running', 'pausing', 'paused')"


class Task(Entity, Base):
    """One run of a process. This row is the truth about it, whatever queues and workers believe.

    ``run_key`` is made new by each claim: only the holder of the present key may change a started task. ``lease_until`` is how long the
    hub believes in the run without hearing from it. ``robots`` names the robots that may take it; null means any of the group.
    ``fire_key`` names the due fire of a schedule that made the task: a fire makes one task, whoever fires and however often.
    ``retry_of`` is the task that it repeats.
    ``queued_at`` is since when it has been queued or held; ``waits_from`` is from when its longest waiting time counts, where that is
    later than its creation. ``recordings_due`` is when a vendor's platform is next asked for the recordings of an ended task; null when it
    is not asked (any more).
    """

    __tablename__ = "task"
    __table_args__ = (
        UniqueConstraint("connection_id", "reference"),
        Index("ix_task_active", "state", "id", sqlite_where=text(ACTIVE), postgresql_where=text(ACTIVE)),
        Index("ix_task_recordings_due", "recordings_due", sqlite_where=text(DUE), postgresql_where=text(DUE)),
        Index("ix_task_is_deleted_id", "is_deleted", "id"),
        Index("ix_task_department_id_id", "department_id", "id"),
        Index("ix_task_process_id_id", "process_id", "id"),
        {"sqlite_autoincrement": True},
    )

    department_id: Mapped[int] = mapped_column(BigId, ForeignKey("department.id"))
    process_id: Mapped[int] = mapped_column(BigId, ForeignKey("process.id"))
    package_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("package.id"))
    connection_id: Mapped[int] = mapped_column(BigId, ForeignKey("connection.id"))
    reference: Mapped[str | None] = mapped_column(String(512))
    robot_group_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("robot_group.id"))
    robots: Mapped[list[int] | None] = mapped_column(Document)
    robot_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("robot.id"), index=True)
    trigger_id: Mapped[int | None] = mapped_column(BigId, index=True)
    retry_of: Mapped[int | None] = mapped_column(BigId)
    fire_key: Mapped[str | None] = mapped_column(String(255), unique=True)

    state: Mapped[str] = mapped_column(String(16), default="queued")
    reason: Mapped[str | None] = mapped_column(Text)
    result_code: Mapped[str | None] = mapped_column(String(5))
    progress: Mapped[float | None]
    step: Mapped[str | None] = mapped_column(String(255))

    create_mode: Mapped[int] = mapped_column(default=2)
    priority: Mapped[int] = mapped_column(default=1)
    is_record: Mapped[bool] = mapped_column(default=False)
    is_warn: Mapped[bool | None]
    warn_type: Mapped[int | None]
    in_parameters: Mapped[list[dict[str, Any]]] = mapped_column(Document, default=list)
    out_parameters: Mapped[list[dict[str, Any]]] = mapped_column(Document, default=list)
    max_run_time: Mapped[int | None]
    max_waiting_time: Mapped[int | None]

    actor: Mapped[str | None] = mapped_column(String(128))
    trace_id: Mapped[str | None] = mapped_column(String(64))
    queued_at: Mapped[datetime] = mapped_column(Moment, default=now)
    waits_from: Mapped[datetime | None] = mapped_column(Moment)
    started_at: Mapped[datetime | None] = mapped_column(Moment, index=True)
    stopped_at: Mapped[datetime | None] = mapped_column(Moment)
    cancel_requested_at: Mapped[datetime | None] = mapped_column(Moment)
    run_key: Mapped[str | None] = mapped_column(String(36), unique=True)
    lease_until: Mapped[datetime | None] = mapped_column(Moment)
    recordings_due: Mapped[datetime | None] = mapped_column(Moment)


class TaskEvent(Base):
    """One change of a task's state, or of what is wanted of it; ``detail`` says why. Its creation stands in the task itself."""

    __tablename__ = "task_event"
    __table_args__ = (Index("ix_task_event_task_id_id", "task_id", "id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    task_id: Mapped[int] = mapped_column(BigId, ForeignKey("task.id"))
    happened_at: Mapped[datetime] = mapped_column(Moment)
    state: Mapped[str] = mapped_column(String(16))
    detail: Mapped[str | None] = mapped_column(String(1024))


class TaskLog(Base):
    """One line of a task's log; ``seq`` counts from 1 within the task. ``step`` is the step that it was said in."""

    __tablename__ = "task_log"

    task_id: Mapped[int] = mapped_column(BigId, ForeignKey("task.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    logged_at: Mapped[datetime] = mapped_column(Moment)
    level: Mapped[str] = mapped_column(String(8))
    step: Mapped[str | None] = mapped_column(String(128))
    message: Mapped[str] = mapped_column(Text)


class Outbox(Base):
    """A job to be queued once the transaction that wrote this row is committed."""

    __tablename__ = "outbox"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    job: Mapped[str] = mapped_column(String(64))
    subject_id: Mapped[int] = mapped_column(BigId)
    queues: Mapped[list[str]] = mapped_column(Document)
    created_at: Mapped[datetime] = mapped_column(Moment, default=now, index=True)
