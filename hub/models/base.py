"""What all tables share."""
from __future__ import annotations

from datetime import datetime

from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from hub.database import BigId, Moment, now

NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Base of all models."""

    metadata = MetaData(naming_convention=NAMING)


class Entity:
    """A thing with an id that is never used again (erratum E24), and a soft deletion (erratum E22)."""

    __table_args__: object = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(BigId, primary_key=True, sort_order=-10)
    created_at: Mapped[datetime] = mapped_column(Moment, default=now, sort_order=90)
    updated_at: Mapped[datetime] = mapped_column(Moment, default=now, onupdate=now, sort_order=91)
    is_deleted: Mapped[bool] = mapped_column(default=False, sort_order=92)
