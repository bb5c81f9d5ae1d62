"""What the hub writes down about its calls: the call log, the figures made of it, the audit log, and answers kept for repeated calls."""
from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from hub.database import BigId, Document, Moment, now
from hub.models.base import Base


class ApiCall(Base):
    """One call (clause 6.1.2.3), with secrets masked. ``duration`` is in milliseconds; the bodies are JSON texts, cut at a limit."""

    __tablename__ = "api_call"
    __table_args__ = (
        Index("ix_api_call_operation_id", "operation", "id"),
        Index("ix_api_call_caller_id", "caller", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    called_at: Mapped[datetime] = mapped_column(Moment, index=True)
    trace_id: Mapped[str] = mapped_column(String(64), index=True)
    operation: Mapped[str] = mapped_column(String(128))
    source: Mapped[str] = mapped_column(String(32))
    caller: Mapped[str] = mapped_column(String(128))
    department_id: Mapped[int | None] = mapped_column(BigId, index=True)
    client_ip: Mapped[str] = mapped_column(String(64))
    method: Mapped[str] = mapped_column(String(8))
    path: Mapped[str] = mapped_column(String(255))
    headers: Mapped[str] = mapped_column(Text)
    request: Mapped[str] = mapped_column(Text)
    status: Mapped[int]
    result_code: Mapped[str] = mapped_column(String(5))
    message: Mapped[str] = mapped_column(String(1024))
    response: Mapped[str] = mapped_column(Text)
    duration: Mapped[float]


class ApiMetric(Base):
    """The calls of one operation in one minute: how many, how many failed, and their milliseconds in all and at most."""

    __tablename__ = "api_metric"

    minute: Mapped[datetime] = mapped_column(Moment, primary_key=True)
    operation: Mapped[str] = mapped_column(String(128), primary_key=True)
    calls: Mapped[int] = mapped_column(BigId, default=0)
    errors: Mapped[int] = mapped_column(BigId, default=0)
    duration: Mapped[float] = mapped_column(default=0.0)
    longest: Mapped[float] = mapped_column(default=0.0)


class AuditEntry(Base):
    """One action of a user (clause 5.4). ``seq`` and ``digest`` are set when the row is taken into the chain."""

    __tablename__ = "audit_entry"
    __table_args__ = (Index("ix_audit_entry_actor_id", "actor", "id"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    happened_at: Mapped[datetime] = mapped_column(Moment, default=now, index=True)
    trace_id: Mapped[str] = mapped_column(String(64))
    operation: Mapped[str] = mapped_column(String(128), index=True)
    actor: Mapped[str] = mapped_column(String(128))
    department_id: Mapped[int | None] = mapped_column(BigId, index=True)
    client_ip: Mapped[str] = mapped_column(String(64))
    subject: Mapped[dict[str, Any]] = mapped_column(Document, default=dict)
    result_code: Mapped[str] = mapped_column(String(5))
    seq: Mapped[int | None] = mapped_column(BigId, unique=True)
    digest: Mapped[str | None] = mapped_column(String(64))


class AuditHead(Base):
    """The end of the audit chain: one row, whose lock makes the sealing of entries one at a time."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigId, default=0)
    digest: Mapped[str] = mapped_column(String(64), default="")
    signature: Mapped[str] = mapped_column(String(128), default="")


class KeptAnswer(Base):
    """The answer to a call that carried an idempotency key (erratum E72); ``sealed_answer`` is encrypted."""

    __tablename__ = "kept_answer"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    request_digest: Mapped[str] = mapped_column(String(64))
    sealed_answer: Mapped[str] = mapped_column(Text, info={"sealed": "kept answer"})
    created_at: Mapped[datetime] = mapped_column(Moment, default=now, index=True)
