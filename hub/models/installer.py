"""The installers of robots, kept for the machines that they are installed on (clause 5.3)."""
from __future__ import annotations

from sqlalchemy import Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.database import BigId
from hub.models.base import Base, Entity


class RobotInstaller(Entity, Base):
    """One version of a robot's installer for one kind of system. Its content is stored as files are; ``digest`` is its SHA-256."""

    __tablename__ = "robot_installer"
    __table_args__ = (
        Index(
            "uq_robot_installer_version",
            "name",
            "version",
            "system",
            unique=True,
            sqlite_where=text("NOT is_deleted"),
            postgresql_where=text("NOT is_deleted"),
        ),
        {"sqlite_autoincrement": True},
    )

    name: Mapped[str] = mapped_column(String(128))
    version: Mapped[str] = mapped_column(String(64))
    system: Mapped[str] = mapped_column(String(64), default="")
    file_name: Mapped[str] = mapped_column(String(255))
    remark: Mapped[str | None] = mapped_column(String(1024))
    blob: Mapped[str] = mapped_column(String(64))
    sealed_key: Mapped[str] = mapped_column(String(255), info={"sealed": "file key"})
    digest: Mapped[str] = mapped_column(String(64))
    size: Mapped[int] = mapped_column(BigId)
    created_by: Mapped[str] = mapped_column(String(128), default="")
