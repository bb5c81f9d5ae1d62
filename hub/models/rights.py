"""Who may do what: roles, user groups, applications, and the groups of operations that these are granted."""
from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.database import BigId, Document, Moment
from hub.models.base import Base, Entity


class Role(Entity, Base):
    """A named set of permissions: ``task:create``, ``task:*`` or ``*``. A built-in role can be granted, not changed."""

    __tablename__ = "role"
    __table_args__ = (
        Index(
            "uq_role_name", "department_id", "name", unique=True, sqlite_where=text("NOT is_deleted"), postgresql_where=text("NOT is_deleted")
        ),
        {"sqlite_autoincrement": True},
    )

    department_id: Mapped[int] = mapped_column(BigId, ForeignKey("department.id"))
    name: Mapped[str] = mapped_column(String(128))
    remark: Mapped[str | None] = mapped_column(String(1024))
    permissions: Mapped[list[str]] = mapped_column(Document, default=list)
    is_builtin: Mapped[bool] = mapped_column(default=False)


class EmployeeRole(Base):
    """A role granted to a user."""

    __tablename__ = "employee_role"

    employee_id: Mapped[int] = mapped_column(BigId, ForeignKey("employee.id"), primary_key=True)
    role_id: Mapped[int] = mapped_column(BigId, ForeignKey("role.id"), primary_key=True, index=True)


class UserGroup(Entity, Base):
    """Users who are granted roles together."""

    __tablename__ = "user_group"
    __table_args__ = (
        Index(
            "uq_user_group_name",
            "department_id",
            "name",
            unique=True,
            sqlite_where=text("NOT is_deleted"),
            postgresql_where=text("NOT is_deleted"),
        ),
        {"sqlite_autoincrement": True},
    )

    department_id: Mapped[int] = mapped_column(BigId, ForeignKey("department.id"), index=True)
    name: Mapped[str] = mapped_column(String(128))
    remark: Mapped[str | None] = mapped_column(String(1024))


class UserGroupMember(Base):
    """A user's place in a group."""

    __tablename__ = "user_group_member"

    user_group_id: Mapped[int] = mapped_column(BigId, ForeignKey("user_group.id"), primary_key=True)
    employee_id: Mapped[int] = mapped_column(BigId, ForeignKey("employee.id"), primary_key=True, index=True)


class UserGroupRole(Base):
    """A role granted to a group."""

    __tablename__ = "user_group_role"

    user_group_id: Mapped[int] = mapped_column(BigId, ForeignKey("user_group.id"), primary_key=True)
    role_id: Mapped[int] = mapped_column(BigId, ForeignKey("role.id"), primary_key=True, index=True)


class ApiGroup(Entity, Base):
    """A named group of operations that applications are allowed to call (clause 6.1.3.1)."""

    __tablename__ = "api_group"
    __table_args__ = (
        Index(
            "uq_api_group_name",
            "department_id",
            "name",
            unique=True,
            sqlite_where=text("NOT is_deleted"),
            postgresql_where=text("NOT is_deleted"),
        ),
        {"sqlite_autoincrement": True},
    )

    department_id: Mapped[int] = mapped_column(BigId, ForeignKey("department.id"), index=True)
    name: Mapped[str] = mapped_column(String(128))
    remark: Mapped[str | None] = mapped_column(String(1024))
    permissions: Mapped[list[str]] = mapped_column(Document, default=list)


class Application(Entity, Base):
    """A program that calls the interface with a secret of its own; it sees its department and those below.

    ``allow_ips`` and ``deny_ips`` are networks in CIDR form; an empty allow list allows all. ``rate_limit`` is in calls a minute.
    """

    __tablename__ = "application"
    __table_args__ = (
        Index(
            "uq_application_client_id", "client_id", unique=True, sqlite_where=text("NOT is_deleted"), postgresql_where=text("NOT is_deleted")
        ),
        Index(
            "uq_application_name",
            "department_id",
            "name",
            unique=True,
            sqlite_where=text("NOT is_deleted"),
            postgresql_where=text("NOT is_deleted"),
        ),
        {"sqlite_autoincrement": True},
    )

    department_id: Mapped[int] = mapped_column(BigId, ForeignKey("department.id"), index=True)
    name: Mapped[str] = mapped_column(String(128))
    client_id: Mapped[str] = mapped_column(String(64))
    secret_hash: Mapped[str] = mapped_column(String(255))
    remark: Mapped[str | None] = mapped_column(String(1024))
    api_groups: Mapped[list[int]] = mapped_column(Document, default=list)
    allow_ips: Mapped[list[str]] = mapped_column(Document, default=list)
    deny_ips: Mapped[list[str]] = mapped_column(Document, default=list)
    rate_limit: Mapped[int | None]
    is_enabled: Mapped[bool] = mapped_column(default=True)
    last_used_at: Mapped[datetime | None] = mapped_column(Moment)


class LoginPolicy(Base):
    """One row with what was set at run time about signing in; what is not in it stands as the settings have it."""

    __tablename__ = "login_policy"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    changes: Mapped[dict[str, Any]] = mapped_column(Document, default=dict)


class RightsVersion(Base):
    """One row that counts every change of rights: what a process remembers of them holds while the number stays."""

    __tablename__ = "rights_version"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(BigId, default=0)
