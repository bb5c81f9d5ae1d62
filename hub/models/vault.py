"""What is kept for processes to use: credentials, assets, files; and the recordings of their runs. Contents are encrypted at rest."""
from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.database import BigId, Document, Moment, now
from hub.models.base import Base, Entity
from hub.models.local import Local, unique_on_robot


def _unique(table: str, *columns: str) -> tuple[object, ...]:
    present = text("NOT is_deleted")
    return (Index(f"uq_{table}_name", *columns, unique=True, sqlite_where=present, postgresql_where=present), {"sqlite_autoincrement": True})


class Credential(Entity, Base):
    """A user name and a password that processes log in with. ``robots`` names those that may use it; a global one is for all of the department."""

    __tablename__ = "credential"
    __table_args__ = _unique("credential", "department_id", "name")

    department_id: Mapped[int] = mapped_column(BigId, ForeignKey("department.id"))
    name: Mapped[str] = mapped_column(String(128))
    username: Mapped[str] = mapped_column(String(128))
    sealed_password: Mapped[str] = mapped_column(Text, info={"sealed": "credential"})
    remark: Mapped[str | None] = mapped_column(String(1024))
    is_global: Mapped[bool]
    robots: Mapped[list[int]] = mapped_column(Document, default=list)


class Asset(Entity, Base):
    """A typed value that processes use: 0 text, 1 boolean, 2 number, 3 hash."""

    __tablename__ = "asset"
    __table_args__ = _unique("asset", "department_id", "name")

    department_id: Mapped[int] = mapped_column(BigId, ForeignKey("department.id"))
    name: Mapped[str] = mapped_column(String(128))
    sealed_value: Mapped[str] = mapped_column(Text, info={"sealed": "asset"})
    data_type: Mapped[int]
    remark: Mapped[str | None] = mapped_column(String(1024))
    is_global: Mapped[bool]
    robots: Mapped[list[int]] = mapped_column(Document, default=list)


class StoredFile(Entity, Local, Base):
    """A file in a folder. Its content is that of its newest version; ``password_hash`` guards it where it has a password."""

    __tablename__ = "stored_file"
    __table_args__ = (
        Index(
            "uq_stored_file_name",
            "department_id",
            "folder_path",
            "name",
            unique=True,
            sqlite_where=text("NOT is_deleted AND local_robot_id IS NULL"),
            postgresql_where=text("NOT is_deleted AND local_robot_id IS NULL"),
        ),
        unique_on_robot("stored_file", "folder_path", "name"),
        {"sqlite_autoincrement": True},
    )

    department_id: Mapped[int] = mapped_column(BigId, ForeignKey("department.id"))
    folder_path: Mapped[str] = mapped_column(String(1024))
    name: Mapped[str] = mapped_column(String(255))
    password_hash: Mapped[str | None] = mapped_column(String(255))
    version: Mapped[int] = mapped_column(default=1)


class FileVersion(Base):
    """One content of a file: an encrypted blob in the store, and its key, sealed. ``digest`` is the SHA-256 of the plain content."""

    __tablename__ = "file_version"

    file_id: Mapped[int] = mapped_column(BigId, ForeignKey("stored_file.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    blob: Mapped[str] = mapped_column(String(64))
    sealed_key: Mapped[str] = mapped_column(String(255), info={"sealed": "file key"})
    digest: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(BigId)
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    created_by: Mapped[str] = mapped_column(String(128), default="")


class Recording(Entity, Base):
    """A screen recording of a task, stored as files are. ``manifest`` says what it shows and is signed (``signature``).

    ``reference`` is the vendor's own id of a recording that was fetched from its platform, once.
    """

    __tablename__ = "recording"
    __table_args__ = (Index("uq_recording_reference", "task_id", "reference", unique=True), {"sqlite_autoincrement": True})

    task_id: Mapped[int] = mapped_column(BigId, ForeignKey("task.id"), index=True)
    reference: Mapped[str | None] = mapped_column(String(512))
    manifest: Mapped[dict[str, Any] | None] = mapped_column(Document)
    signature: Mapped[str | None] = mapped_column(String(255))
    started_at: Mapped[datetime] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
    blob: Mapped[str] = mapped_column(String(64))
    sealed_key: Mapped[str] = mapped_column(String(255), info={"sealed": "file key"})
    digest: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(BigId)
