"""Keys of public-key cryptography: the hub's own for what callers send, and the callers' for what they are sent."""
from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from hub.database import BigId, Moment, now
from hub.models.base import Base


class WireKey(Base):
    """One version of the key pair to which callers encrypt. The one without an end is published; older ones still decrypt until theirs."""

    __tablename__ = "wire_key"
    __table_args__ = (UniqueConstraint("algorithm", "version"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    algorithm: Mapped[str] = mapped_column(String(8))
    version: Mapped[int]
    public_key: Mapped[str] = mapped_column(Text)
    sealed_private_key: Mapped[str] = mapped_column(Text, info={"sealed": "wire key"})
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    expires_at: Mapped[datetime | None] = mapped_column(Moment, index=True)


class SigningKey(Base):
    """A key pair with which the hub signs (Ed25519): the one of the highest version. ``name`` is the beginning of the public key's SHA-256."""

    __tablename__ = "signing_key"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    version: Mapped[int] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(String(16), unique=True)
    public_key: Mapped[str] = mapped_column(String(64))
    sealed_private_key: Mapped[str] = mapped_column(Text, info={"sealed": "signing key"})
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)


class RegisteredKey(Base):
    """The public key of a user, an application or a robot, to which the hub encrypts the secrets that it hands out (erratum E16)."""

    __tablename__ = "registered_key"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    employee_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("employee.id"), unique=True)
    application_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("application.id"), unique=True)
    robot_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("robot.id"), unique=True)
    algorithm: Mapped[str] = mapped_column(String(8))
    public_key: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    updated_at: Mapped[datetime] = mapped_column(Moment, default=now, onupdate=now)
