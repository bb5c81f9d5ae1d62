"""Process packages, and the processes that run them."""
from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.database import BigId, Document
from hub.models.base import Base, Entity
from hub.models.connection import Vendored
from hub.models.local import Local, unique_on_robot


class Package(Entity, Local, Base):
    """One immutable version of a process package; its content lies in the store under ``digest`` (SHA-256)."""

    __tablename__ = "package"
    __table_args__ = (
        Index(
            "uq_package_version",
            "department_id",
            "connection_id",
            "name",
            "version",
            unique=True,
            sqlite_where=text("NOT is_deleted AND local_robot_id IS NULL"),
            postgresql_where=text("NOT is_deleted AND local_robot_id IS NULL"),
        ),
        unique_on_robot("package", "name", "version"),
        {"sqlite_autoincrement": True},
    )

    department_id: Mapped[int] = mapped_column(BigId, ForeignKey("department.id"))
    name: Mapped[str] = mapped_column(String(128))
    version: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str | None] = mapped_column(String(64), index=True)
    size: Mapped[int | None] = mapped_column(BigId)
    connection_id: Mapped[int] = mapped_column(BigId, ForeignKey("connection.id"), index=True)
    reference: Mapped[str | None] = mapped_column(String(512))


class Process(Entity, Vendored, Local, Base):
    """A process: what is run, by which group, with which version and default parameters.

    Vendors may have several processes of one name, so that only the hub's own, without a reference, have unique ones.
    """

    __tablename__ = "process"
    __table_args__ = (
        UniqueConstraint("connection_id", "reference"),
        Index(
            "uq_process_name",
            "department_id",
            "name",
            unique=True,
            sqlite_where=text("NOT is_deleted AND reference IS NULL AND local_robot_id IS NULL"),
            postgresql_where=text("NOT is_deleted AND reference IS NULL AND local_robot_id IS NULL"),
        ),
        unique_on_robot("process", "name"),
        {"sqlite_autoincrement": True},
    )

    department_id: Mapped[int] = mapped_column(BigId, ForeignKey("department.id"), index=True)
    name: Mapped[str] = mapped_column(String(128))
    remark: Mapped[str | None] = mapped_column(String(1024))
    robot_group_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("robot_group.id"), index=True)
    is_record: Mapped[bool] = mapped_column(default=False)
    package_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("package.id"), index=True)
    in_parameters: Mapped[list[dict[str, Any]]] = mapped_column(Document, default=list)
    business_owner: Mapped[str | None] = mapped_column(String(128))
    dev_owner: Mapped[str | None] = mapped_column(String(128))
    ops_owner: Mapped[str | None] = mapped_column(String(128))
