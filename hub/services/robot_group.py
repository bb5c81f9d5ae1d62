"""Robot groups (clause 6.2.10.6 to 6.2.10.11)."""
from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy import delete, select

from hub.call import Call
from hub.models import Department, Robot, RobotGroup, RobotGroupMember
from hub.paging import page
from hub.resource import refuse_taken
from hub.scope import find, within_department
from hub.services.robot import all_visible
from hub.serving import serves
from plugins.operations import robot_group


@serves(robot_group.robot_group_create)
def robot_group_create(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Names are unique within a department."""
    home = find(call, Department, params["depId"])
    name = params["robotGroupName"]
    refuse_taken(call, RobotGroup, f"机器人组 {name}", RobotGroup.department_id == home.id, RobotGroup.name == name)
    row = RobotGroup(department_id=home.id, name=params["robotGroupName"], remark=params.get("remark"))
    call.session.add(row)
    call.session.flush()
    return {"robotGroupId": row.id}


@serves(robot_group.robot_group_append)
def robot_group_append(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Robots that are in the group already stay in it."""
    group = find(call, RobotGroup, params["robotGroupId"])
    robots = {row.id for row in all_visible(call, params["robotIds"])}
    present = set(call.session.scalars(select(RobotGroupMember.robot_id).where(RobotGroupMember.robot_group_id == group.id)))
    call.session.add_all(RobotGroupMember(robot_group_id=group.id, robot_id=each) for each in sorted(robots - present))
    return {}


@serves(robot_group.robot_group_remove)
def robot_group_remove(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Robots that are not in the group do no harm."""
    group = find(call, RobotGroup, params["robotGroupId"])
    call.session.execute(
        delete(RobotGroupMember).where(
            RobotGroupMember.robot_group_id == group.id, RobotGroupMember.robot_id.in_(params["robotIds"])
        )
    )
    return {}


@serves(robot_group.robot_group_list)
def robot_group_list(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Each group with the ids of its robots."""
    statement = within_department(select(RobotGroup), RobotGroup, call, params.get("depId"), params.get("includeChildren") is False)
    rows, paging = page(call, statement, RobotGroup, params, search=(RobotGroup.name, RobotGroup.remark))
    members = _members(call, [row.id for row in rows])
    groups = [
        {
            "robotGroupId": row.id,
            "depId": row.department_id,
            "robotGroupName": row.name,
            "robotIds": members[row.id],
            "remark": row.remark,
            "isDeleted": row.is_deleted,
        }
        for row in rows
    ]
    return {"robotGroups": groups, **paging}


def _members(call: Call, group_ids: list[int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    statement = (
        select(RobotGroupMember.robot_group_id, RobotGroupMember.robot_id)
        .join(Robot, Robot.id == RobotGroupMember.robot_id)
        .where(RobotGroupMember.robot_group_id.in_(group_ids), Robot.is_deleted.is_(False))
        .order_by(RobotGroupMember.robot_id)
    )
    for group_id, robot_id in call.session.execute(statement):
        found[group_id].append(robot_id)
    return found
