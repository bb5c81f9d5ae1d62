"""The vendor platforms that the hub is connected to."""
from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from hub.database import BigId, Document
from hub.models.base import Base, Entity


class Connection(Entity, Base):
    """One configured platform. ``sealed_credentials`` holds the secret fields of the adapter's form, encrypted."""

    __tablename__ = "connection"
    __table_args__ = (
        Index("uq_connection_name", "name", unique=True, sqlite_where=text("NOT is_deleted"), postgresql_where=text("NOT is_deleted")),
        {"sqlite_autoincrement": True},
    )

    name: Mapped[str] = mapped_column(String(128))
    adapter: Mapped[str] = mapped_column(String(64))
    department_id: Mapped[int] = mapped_column(BigId, ForeignKey("department.id"), index=True)
    address: Mapped[str] = mapped_column(String(1024), default="")
    options: Mapped[dict[str, Any]] = mapped_column(Document, default=dict)
    sealed_credentials: Mapped[str] = mapped_column(String, default="", info={"sealed": "connection"})
    version: Mapped[str] = mapped_column(String(128), default="")


class Vendored:
    """A thing that lives on a vendor's side under ``reference``, the vendor's own id. Callers see only the hub's id."""

    @declared_attr.directive
    def __table_args__(cls) -> Any:
        return (UniqueConstraint("connection_id", "reference"), {"sqlite_autoincrement": True})

    @declared_attr
    def connection_id(cls) -> Mapped[int]:
        return mapped_column(BigId, ForeignKey("connection.id"), index=True)

    reference: Mapped[str | None] = mapped_column(String(512))
