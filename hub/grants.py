"""Rights that are handed on (clause 5.7): nobody gives, takes or edits more than the own rights, and somebody always keeps them all."""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Select, or_, select

from hub import rights
from hub.call import Call
from hub.models import Employee, EmployeeRole, Role, UserGroup, UserGroupMember, UserGroupRole
from hub.scope import visible
from hub.serving import full_catalogue
from plugins import codes
from plugins.errors import Conflict, InvalidInput, NotFound, Refused

NAMED = 10


def require(call: Call, permissions: Iterable[str]) -> None:
    """Raises Refused (30001) unless the caller holds all of these permissions."""
    beyond = sorted(each for each in set(permissions) if not rights.allows(call.caller.permissions, each))
    if beyond:
        more = "等" if len(beyond) > NAMED else ""
        raise Refused(f"不能授予、收回或修改自己没有的权限 {'、'.join(beyond[:NAMED])}{more}", code=codes.NO_PERMISSION)


def known(permissions: Iterable[str]) -> list[str]:
    """The permissions sorted, each once. Raises InvalidInput for one that does not exist; ``*`` and ``<resource>:*`` do."""
    wanted, existing = sorted(set(permissions)), set(rights.known_permissions(full_catalogue()))
    existing |= {"*", *(f"{each.partition(':')[0]}:*" for each in existing)}
    unknown = [each for each in wanted if each not in existing]
    if unknown:
        raise InvalidInput(f"权限不存在：{'、'.join(unknown[:NAMED])[:200]}")
    return wanted


def visible_roles(call: Call) -> Select[Any]:
    """The roles that the caller may see: the built-in ones, and those of the own department and below."""
    own = visible(select(Role.id), Role, call)
    return select(Role).where(or_(Role.is_builtin.is_(True), Role.id.in_(own)))


def find_role(call: Call, role_id: int, *, deleted: bool = False) -> Role:
    """The role with an id; raises NotFound (10501)."""
    row = call.session.scalar(visible_roles(call).where(Role.id == role_id))
    if row is None or (row.is_deleted and not deleted):
        raise NotFound(f"role {role_id}")
    return row


def grantable_roles(call: Call, role_ids: Iterable[int]) -> list[int]:
    """The ids of roles that the caller may grant and revoke, each once. Raises NotFound, and Refused for a role beyond the own rights."""
    roles = [find_role(call, each) for each in sorted(set(role_ids))]
    require(call, (permission for role in roles for permission in role.permissions))
    return [role.id for role in roles]


def give_roles(call: Call, employee_id: int, role_ids: Iterable[int]) -> None:
    """Let a user have exactly these roles by direct grant. What is added and what is taken must lie within the caller's rights."""
    wanted = set(role_ids)
    statement = select(EmployeeRole).join(Role, Role.id == EmployeeRole.role_id)
    present = {each.role_id: each for each in call.session.scalars(statement.where(EmployeeRole.employee_id == employee_id, Role.is_deleted.is_(False)))}
    added = grantable_roles(call, wanted - present.keys())
    taken = [role_id for role_id in present if role_id not in wanted]
    require(call, (each for role in call.session.scalars(select(Role).where(Role.id.in_(taken))) for each in role.permissions))
    for role_id in taken:
        call.session.delete(present[role_id])
    call.session.add_all(EmployeeRole(employee_id=employee_id, role_id=each) for each in added)
    settle(call)


def settle(call: Call) -> None:
    """End a change of rights. Raises Conflict (10503) where it would leave nobody who may do everything."""
    call.session.flush()
    administrators = [role.id for role in call.session.scalars(select(Role).where(Role.is_deleted.is_(False))) if "*" in role.permissions]
    direct = select(EmployeeRole.employee_id).where(EmployeeRole.role_id.in_(administrators))
    by_group = (
        select(UserGroupMember.employee_id)
        .join(UserGroupRole, UserGroupRole.user_group_id == UserGroupMember.user_group_id)
        .join(UserGroup, UserGroup.id == UserGroupMember.user_group_id)
        .where(UserGroupRole.role_id.in_(administrators), UserGroup.is_deleted.is_(False))
    )
    able = select(Employee.id).where(
        Employee.is_deleted.is_(False), Employee.is_locked.is_(False), or_(Employee.id.in_(direct), Employee.id.in_(by_group))
    )
    if call.session.scalar(able.limit(1)) is None:
        raise Conflict("至少应保留一个拥有全部权限的用户", code=codes.IN_USE)
    rights.changed(call.session)
