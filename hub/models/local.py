"""Things that a robot keeps for itself: made at its own interface (clause 6.3), and seen there only."""
from __future__ import annotations

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from hub.database import BigId


class Local:
    """A thing that may be local to a robot: ``local_robot_id`` names it. Null for what belongs to the platform."""

    @declared_attr
    def local_robot_id(cls) -> Mapped[int | None]:
        return mapped_column(BigId, ForeignKey("robot.id"), index=True)


def unique_on_robot(table: str, *columns: str) -> Index:
    """What tells a robot's own things apart, as long as they are not deleted."""
    present = text("NOT is_deleted AND local_robot_id IS NOT NULL")
    return Index(f"uq_{table}_on_robot", "local_robot_id", *columns, unique=True, sqlite_where=present, postgresql_where=present)
