"""Which platform a new thing goes to: the one that it names, that of its robot group, that of its department, or the hub's own robots."""
from __future__ import annotations

from typing import Any

from sqlalchemy import or_, select

from hub.call import Call
from hub.connections import NATIVE
from hub.models import Connection, Department, Robot, RobotGroup, RobotGroupMember
from hub.scope import visible
from plugins.errors import InvalidInput


def platform_of(call: Call, params: dict[str, Any], home: Department, group: RobotGroup | None = None) -> Connection:
    """The platform for a thing that is made in the department ``home``, to run on ``group``. Raises InvalidInput for an ``adapter`` that is none."""
    if params.get("adapter"):
        return _named(call, params["adapter"])
    return (group and _of_group(call, group)) or _of_department(call, home) or native(call)


def native(call: Call) -> Connection:
    """The hub's own robots."""
    return call.session.scalars(select(Connection).where(Connection.adapter == NATIVE)).one()


def _named(call: Call, name: str) -> Connection:
    statement = select(Connection).where(Connection.name == name, Connection.is_deleted.is_(False))
    seen = visible(select(Connection.id), Connection, call)
    found = call.session.scalar(statement.where(or_(Connection.adapter == NATIVE, Connection.id.in_(seen))))
    if found is None:
        raise InvalidInput("adapter 不是已有的厂商连接")
    return found


def _of_group(call: Call, group: RobotGroup) -> Connection | None:
    """The platform that all robots of a group belong to; none for a group that is empty, or of several platforms."""
    members = select(RobotGroupMember.robot_id).where(RobotGroupMember.robot_group_id == group.id)
    ids = set(call.session.scalars(select(Robot.connection_id).where(Robot.id.in_(members), Robot.is_deleted.is_(False)).distinct()))
    return call.session.get(Connection, ids.pop()) if len(ids) == 1 else None


def _of_department(call: Call, home: Department) -> Connection | None:
    """The platform to which the department is bound, or the nearest one above it."""
    above = [int(each) for each in home.path.split("/") if each]
    bound = (
        select(Connection)
        .join(Department, Department.connection_id == Connection.id)
        .where(Department.id.in_(above), Connection.is_deleted.is_(False))
        .order_by(Department.path.desc())  # a path begins with those above it, so that the nearest is the last
        .limit(1)
    )
    return call.session.scalar(bound)
