"""Permissions: one for each operation, granted through roles (users) or groups of operations (applications)."""
from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

from sqlalchemy import CompoundSelect, Connection, Select, select, union, update
from sqlalchemy.orm import Session

from hub.models import ApiGroup, EmployeeRole, RightsVersion, Role, UserGroup, UserGroupMember, UserGroupRole
from plugins.operation import Catalogue, Operation

REMEMBERED = 10_000
ADMINISTRATOR, OPERATOR, READER = "系统管理员", "操作员", "只读用户"

# Operators run the platform; people, rights and the hub's own set-up are the administrators' business.
NOT_FOR_OPERATORS = (
    "department:create", "department:update", "department:delete", "employee:create", "employee:update", "employee:delete",
    "employee:lock", "employee:unlock", "employee:move", "employee:reset-password",
    "role:", "user-group:", "app:", "api-group:", "login:", "mfa:", "session:", "connection:create", "connection:delete", "connection:bind",
    "audit-log:", "api-log:",
    "license:import", "license:delete", "crypto:rotate-key", "task:force-end", "robot-installer:upload", "robot-installer:delete",
    "machine:reboot", "machine:shutdown", "machine:command/cancel", "upgrade-campaign:create", "upgrade-campaign:pause", "upgrade-campaign:resume",
    "upgrade-campaign:rollback",
    "robot:secret/",
    "robot:remote-control",
)  # fmt: skip

# Who used which credential concerns those who run the platform.
NOT_FOR_READERS = frozenset({"credential:usage/list"})

# What everybody who has signed in may do for the own account; no role needs to hold it.
OWN_BUSINESS = frozenset({"account:me", "mfa:enrol", "mfa:remove", "mfa:verify", "token:list", "token:refresh", "token:revoke"})

# What running processes use, through their robots; to others it says that there is no such task.
AT_RUN_TIME = frozenset({
    "asset:lease", "credential:lease", "file:read", "file:write", "queue-item:complete", "queue-item:fail", "queue-item:heartbeat",
    "queue-item:lease", "queue-item:submit",
})  # fmt: skip

# Every robot may use its own interface (clause 6.3), and what its processes need at run time; the services see to it that it is the own.
ROBOT_INTERFACE = "robot-api/"
ROBOT_PERMISSIONS = frozenset({f"{ROBOT_INTERFACE}*", "version:info", "version:codes", "crypto:register-key", *AT_RUN_TIME})

# Whose update may move them to another department, which takes a permission of its own (erratum E53).
MOVABLE = ("asset", "credential", "file", "process", "robot", "trigger")


def permission_of(operation: Operation) -> str:
    """The permission that a call needs: ``task:create``; of the robot interface ``robot-api/task:create``."""
    _, _, side, resource, *verb = operation.path.split("/")
    prefix = ROBOT_INTERFACE if side == "robot" else ""
    return f"{prefix}{resource}:{'/'.join(verb) or resource}"


def move_permission(operation: Operation) -> str:
    """The permission to move a thing of the operation's resource to another department: ``process:move``."""
    return f"{permission_of(operation).partition(':')[0]}:move"


def allows(permissions: Iterable[str], permission: str) -> bool:
    """Whether the permissions hold this one: by name, by ``resource:*``, by ``robot-api/*`` for all of the robot interface, or by ``*``."""
    granted = permissions if isinstance(permissions, (set, frozenset)) else set(permissions)
    if permission in granted or permission in OWN_BUSINESS or "*" in granted or f"{permission.partition(':')[0]}:*" in granted:
        return True
    return permission.startswith(ROBOT_INTERFACE) and f"{ROBOT_INTERFACE}*" in granted


def covers(permissions: frozenset[str], wanted: Iterable[str]) -> bool:
    """Whether everything in ``wanted`` is held: nobody grants more than the own rights."""
    return all(allows(permissions, each) for each in wanted)


def known_permissions(catalogue: Catalogue) -> list[str]:
    """Every permission that can be granted: for the operations that need one, and for moving things. The robot interface is the robots' alone."""
    return sorted({permission_of(each) for each in catalogue if not each.public and each.side != "robot"} - OWN_BUSINESS | _moves())


def _moves() -> set[str]:
    return {f"{each}:move" for each in MOVABLE}


def builtin_roles(catalogue: Catalogue) -> dict[str, list[str]]:
    """The roles that every hub has from its first start."""
    needed = {permission_of(each): each for each in catalogue if each.side != "robot" and not each.public}
    allowed = [name for name in needed if name not in OWN_BUSINESS | AT_RUN_TIME and not name.startswith(NOT_FOR_OPERATORS)]
    reading = sorted(name for name in allowed if not needed[name].writes and name not in NOT_FOR_READERS)
    operating = sorted({*allowed, *_moves()})
    return {ADMINISTRATOR: ["*"], OPERATOR: operating, READER: reading}


def roles_of(employee_id: int) -> CompoundSelect[Any]:
    """The ids of the roles that a user has, directly and through groups."""
    direct = select(EmployeeRole.role_id).where(EmployeeRole.employee_id == employee_id)
    by_group = (
        select(UserGroupRole.role_id)
        .join(UserGroupMember, UserGroupMember.user_group_id == UserGroupRole.user_group_id)
        .join(UserGroup, UserGroup.id == UserGroupRole.user_group_id)
        .where(UserGroupMember.employee_id == employee_id, UserGroup.is_deleted.is_(False))
    )
    return union(direct, by_group)


def permissions_of_employee(session: Session | Connection, employee_id: int) -> frozenset[str]:
    """All that a user's roles allow."""
    return _together(session, select(Role.permissions).where(Role.id.in_(roles_of(employee_id)), Role.is_deleted.is_(False)))


def permissions_of_groups(session: Session | Connection, api_groups: list[int]) -> frozenset[str]:
    """All that an application's groups of operations allow."""
    return _together(session, select(ApiGroup.permissions).where(ApiGroup.id.in_(api_groups), ApiGroup.is_deleted.is_(False)))


def _together(session: Session | Connection, statement: Select[Any]) -> frozenset[str]:
    return frozenset(each for permissions in session.scalars(statement) for each in permissions)


def changed(session: Session) -> None:
    """Say that rights have changed: what processes remember of them ends with this commit."""
    session.execute(update(RightsVersion).values(number=RightsVersion.number + 1))


class Remembered:
    """The permissions of users and applications, as long as no right has changed anywhere."""

    def __init__(self) -> None:
        self._permissions: OrderedDict[tuple[int, str, int], frozenset[str]] = OrderedDict()

    def get(self, version: int, key: tuple[str, int]) -> frozenset[str] | None:
        """What is remembered under this version of the rights."""
        return self._permissions.get((version, *key))

    def put(self, version: int, key: tuple[str, int], permissions: frozenset[str]) -> None:
        """Remember under this version; what belongs to versions before goes when there is too much."""
        self._permissions[version, *key] = permissions
        if len(self._permissions) > REMEMBERED:
            self._permissions.popitem(last=False)
