"""Calendars: the days on which nothing runs."""
from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.database import Document
from hub.models.base import Base, Entity


class Calendar(Entity, Base):
    """A calendar of the whole platform (erratum E50).

    ``non_working_days`` holds ``yyyy-MM-dd`` texts, sorted, each once: only these days are closed (erratum E49). Between ``cover_start``
    and ``cover_end``, both included, the calendar is known to be right. ``sessions`` are the usual trading hours; a day in
    ``special_days`` has its own.
    """

    __tablename__ = "calendar"
    __table_args__ = (
        Index("uq_calendar_name", "name", unique=True, sqlite_where=text("NOT is_deleted"), postgresql_where=text("NOT is_deleted")),
        {"sqlite_autoincrement": True},
    )

    name: Mapped[str] = mapped_column(String(128))
    non_working_days: Mapped[list[str]] = mapped_column(Document, default=list)
    market: Mapped[str | None] = mapped_column(String(64))
    cover_start: Mapped[date | None]
    cover_end: Mapped[date | None]
    special_days: Mapped[list[dict[str, Any]]] = mapped_column(Document, default=list)
    sessions: Mapped[list[dict[str, Any]]] = mapped_column(Document, default=list)
