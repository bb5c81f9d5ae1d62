"""Licences of robots and designers, as their files say."""
from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.database import BigId, Moment
from hub.models.base import Base, Entity


class Licence(Entity, Base):
    """One line of an imported licence file: ``quantity`` seats of ``type`` for the robots of a connection.

    ``expires_at`` is null for a perpetual licence. ``signature`` is "verified" or "unsigned"; a file with a wrong signature is not stored.
    ``serial`` and ``line`` name the line within its file, so that no file counts twice.
    """

    __tablename__ = "licence"
    __table_args__ = (
        Index(
            "uq_licence_serial",
            "serial",
            "line",
            unique=True,
            sqlite_where=text("NOT is_deleted"),
            postgresql_where=text("NOT is_deleted"),
        ),
        Index("ix_licence_connection_id_type", "connection_id", "type"),
        {"sqlite_autoincrement": True},
    )

    connection_id: Mapped[int] = mapped_column(BigId, ForeignKey("connection.id"))
    type: Mapped[str] = mapped_column(String(64))
    product: Mapped[str | None] = mapped_column(String(128))
    quantity: Mapped[int] = mapped_column(BigId)
    expires_at: Mapped[datetime | None] = mapped_column(Moment)
    serial: Mapped[str] = mapped_column(String(128))
    line: Mapped[int]
    issuer: Mapped[str | None] = mapped_column(String(128))
    holder: Mapped[str | None] = mapped_column(String(128))
    issued_at: Mapped[datetime | None] = mapped_column(Moment)
    signature: Mapped[str] = mapped_column(String(16))
    imported_by: Mapped[str] = mapped_column(String(128))
