"""Robot groups (clause 6.2.10.6 to 6.2.10.11)."""
from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy import String, and_, cast, delete, null, or_, select, update

from hub import affected
from hub.call import Call
from hub.models import Department, Process, Robot, RobotGroup, RobotGroupMember, Task, Trigger
from hub.paging import page
from hub.resource import dates, refuse_blank, refuse_taken, take_over
from hub.scope import find, find_all, within_department
from hub.services.robot import NAMED_ROBOTS
from hub.serving import serves
from plugins.operations import robot_group


@serves(robot_group.robot_group_create)
def robot_group_create(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Names are unique within a department."""
    home = find(call, Department, params["depId"])
    _refuse_taken(call, home.id, params["robotGroupName"])
    row = RobotGroup(department_id=home.id, name=params["robotGroupName"], remark=params.get("remark"))
    call.session.add(row)
    call.session.flush()
    return {"robotGroupId": row.id}


def _refuse_taken(call: Call, department_id: int, name: str, but: int | None = None) -> None:
    refuse_taken(call, RobotGroup, f"机器人组 {name}", RobotGroup.department_id == department_id, RobotGroup.name == name, but=but)


@serves(robot_group.robot_group_update)
def robot_group_update(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Changes what was sent."""
    refuse_blank(params, "robotGroupName")
    row = find(call, RobotGroup, params["robotGroupId"])
    if "robotGroupName" in params:
        _refuse_taken(call, row.department_id, params["robotGroupName"], but=row.id)
    take_over(row, params, {"robotGroupName": "name", "remark": "remark"})
    return {}


@serves(robot_group.robot_group_delete)
def robot_group_delete(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Its processes lose the group; the triggers that ran on it, themselves or by their process, are switched off (erratum E63).

    Tasks that wait for a robot of the group are cancelled, those that name robots go on waiting for these.
    """
    row = find(call, RobotGroup, params["robotGroupId"])
    only_tell = bool(params.get("dryRun"))
    using = and_(Process.robot_group_id == row.id, Process.is_deleted.is_(False))
    by_process = and_(
        Trigger.robot_group_id.is_(None), Trigger.assign_type != NAMED_ROBOTS, Trigger.process_id.in_(select(Process.id).where(using))
    )
    triggers = affected.switch_off(call, or_(Trigger.robot_group_id == row.id, by_process), only_tell=only_tell)
    processes = affected.told(call, "otherProcessIds", Process, using)
    tasks = affected.cancel_waiting(call, _waits_for(row.id), f"机器人组“{row.name}”已删除", only_tell=only_tell)
    if not only_tell:
        call.session.execute(update(Process).where(using).values(robot_group_id=None).execution_options(synchronize_session=False))
        call.session.execute(delete(RobotGroupMember).where(RobotGroupMember.robot_group_id == row.id))
        row.is_deleted = True
    return {"affectedProcessIds": processes, "affectedTriggerIds": triggers, "cancelledTaskIds": tasks}


def _waits_for(group_id: int) -> Any:
    """The tasks of a group that name no robots. A list that was never given is SQL's null in one row and JSON's in another."""
    nobody_named = or_(Task.robots.is_(null()), cast(Task.robots, String).in_(("null", "[]")))
    return and_(Task.robot_group_id == group_id, nobody_named)


@serves(robot_group.robot_group_append)
def robot_group_append(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Robots that are in the group already stay in it."""
    group = find(call, RobotGroup, params["robotGroupId"])
    robots = {row.id for row in find_all(call, Robot, params["robotIds"])}
    present = set(call.session.scalars(select(RobotGroupMember.robot_id).where(RobotGroupMember.robot_group_id == group.id)))
    call.session.add_all(RobotGroupMember(robot_group_id=group.id, robot_id=each) for each in sorted(robots - present))
    return {}


@serves(robot_group.robot_group_remove)
def robot_group_remove(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Robots that are not in the group do no harm."""
    group = find(call, RobotGroup, params["robotGroupId"])
    robots = [row.id for row in find_all(call, Robot, params["robotIds"])]
    members = RobotGroupMember.robot_group_id == group.id
    call.session.execute(delete(RobotGroupMember).where(members, RobotGroupMember.robot_id.in_(robots)))
    return {}


@serves(robot_group.robot_group_list)
def robot_group_list(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Each group with the ids of its robots."""
    statement = within_department(select(RobotGroup), RobotGroup, call, params.get("depId"), params.get("includeChildren") is False)
    sortable = {"robotGroupId": RobotGroup.id, "robotGroupName": RobotGroup.name, "depId": RobotGroup.department_id}
    rows, paging = page(call, statement, RobotGroup, params, search=(RobotGroup.name, RobotGroup.remark), sortable=sortable)
    members = _members(call, [row.id for row in rows])
    groups = [
        {
            "robotGroupId": row.id,
            "depId": row.department_id,
            "robotGroupName": row.name,
            "robotIds": members[row.id],
            "remark": row.remark,
            "isDeleted": row.is_deleted,
            **dates(row),
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
