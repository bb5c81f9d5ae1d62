"""Departments, users, and the tokens that stand for them."""
from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.database import BigId, Moment, now
from hub.models.base import Base, Entity


class Department(Entity, Base):
    """A part of the organisation. ``path`` names it and all above it ("/1/4/"), so that a subtree is one prefix search.

    ``connection_id`` is the platform to which it is bound: what is made in it and below goes there, unless it names another one.
    """

    __tablename__ = "department"
    __table_args__ = (
        Index(
            "uq_department_name",
            "parent_id",
            "name",
            unique=True,
            sqlite_where=text("NOT is_deleted"),
            postgresql_where=text("NOT is_deleted"),
        ),
        {"sqlite_autoincrement": True},
    )

    name: Mapped[str] = mapped_column(String(128))
    parent_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("department.id"), index=True)
    path: Mapped[str] = mapped_column(String(1024), default="", index=True)
    connection_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("connection.id", use_alter=True))


class Employee(Entity, Base):
    """A person who uses the hub; ``password_hash`` is argon2id."""

    __tablename__ = "employee"
    __table_args__ = (
        Index("uq_employee_username", "username", unique=True, sqlite_where=text("NOT is_deleted"), postgresql_where=text("NOT is_deleted")),
        {"sqlite_autoincrement": True},
    )

    department_id: Mapped[int] = mapped_column(BigId, ForeignKey("department.id"), index=True)
    name: Mapped[str] = mapped_column(String(128))
    username: Mapped[str] = mapped_column(String(128))
    password_hash: Mapped[str] = mapped_column(String(255))
    email: Mapped[str | None] = mapped_column(String(255))
    mobile: Mapped[str | None] = mapped_column(String(64))
    is_locked: Mapped[bool] = mapped_column(default=False)
    failed_logins: Mapped[int] = mapped_column(default=0, server_default="0")
    locked_until: Mapped[datetime | None] = mapped_column(Moment)
    password_changed_at: Mapped[datetime | None] = mapped_column(Moment)


class SecondFactor(Base):
    """What a user's authenticator makes its codes of. ``last_step`` is the time step of the last code that was taken: none is taken twice."""

    __tablename__ = "second_factor"

    employee_id: Mapped[int] = mapped_column(BigId, ForeignKey("employee.id"), primary_key=True)
    sealed_secret: Mapped[str] = mapped_column(String(512), info={"sealed": "second factor"})
    active_since: Mapped[datetime | None] = mapped_column(Moment)
    last_step: Mapped[int] = mapped_column(BigId, default=0)


class AccessToken(Base):
    """A token, known by its SHA-256 only, of a user, an application or a robot."""

    __tablename__ = "access_token"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    employee_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("employee.id"), index=True)
    application_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("application.id"), index=True)
    robot_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("robot.id"), index=True)
    client_ip: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    expires_at: Mapped[datetime] = mapped_column(Moment, index=True)
