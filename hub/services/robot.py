"""Robots (clause 6.2.10.1 to 6.2.10.5)."""
from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from sqlalchemy import Select, String, bindparam, cast, delete, select, update

from hub import affected
from hub.call import Call
from hub.connections import NATIVE
from hub.database import now
from hub.models import Connection, Department, Machine, Process, Robot, RobotGroup, RobotGroupMember, Task, Trigger, TriggerRobot
from hub.paging import page
from hub.resource import ask_platform, dates, move, platform_names, refuse_blank, refuse_taken, show, stamps, take_over
from hub.robots.states import STATUS, in_states, states_of
from hub.scope import find, find_all, within_department
from hub.serving import serves
from hub.tasks import lifecycle
from hub.wire import open_password
from plugins import codes
from plugins.errors import Conflict, InvalidInput, NotFound
from plugins.operations import robot

COLUMNS = {
    "robotName": "name",
    "robotType": "type",
    "machineUsername": "machine_username",
    "remark": "remark",
    "desktopType": "desktop_type",
    "resolutionWidth": "resolution_width",
    "resolutionHeight": "resolution_height",
    "resolutionDepth": "resolution_depth",
    "isAutoUnlockEnabled": "is_auto_unlock_enabled",
    "logLevel": "log_level",
    "labels": "labels",
}
PURPOSE = "machine password"
NAMED_ROBOTS = 2


@serves(robot.robot_create)
def robot_create(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """A native robot: it comes to life on its machine within seconds, if the hub's robot host runs there."""
    password = params.get("machinePassword") and open_password(call, params["machinePassword"], "machinePassword")
    home = find(call, Department, params["depId"])
    machine = find(call, Machine, params["machineId"])
    if machine.name != params["machineName"] and call.hub.settings.strict:
        raise InvalidInput("machineName 与 machineId 不一致")
    _refuse_taken(call, home.id, params["robotName"])
    native = call.session.scalars(select(Connection).where(Connection.adapter == NATIVE)).one()
    row = Robot(department_id=home.id, machine_id=machine.id, connection_id=native.id)
    take_over(row, params, COLUMNS)
    if password:
        row.sealed_machine_password = call.hub.vault.seal(password, PURPOSE)
    call.session.add(row)
    call.session.flush()
    return {"robotId": row.id}


def _refuse_taken(call: Call, department_id: int, name: str, but: int | None = None) -> None:
    refuse_taken(call, Robot, f"机器人 {name}", Robot.name == name, Robot.department_id == department_id, but=but)


@serves(robot.robot_update)
def robot_update(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Changes what was sent. A robot that runs a task cannot go to another machine (11001); an empty password takes the stored one away."""
    refuse_blank(params, "robotName", "machineUsername")
    password = params.get("machinePassword") and open_password(call, params["machinePassword"], "machinePassword")
    row = find(call, Robot, params["robotId"])
    if "robotName" in params and ask_platform(call, row, "robot_update", {"robotId": row.reference, "robotName": params["robotName"]}):
        row = find(call, Robot, params["robotId"])
    machine_id = _machine_id(call, params)
    if machine_id not in (None, row.machine_id):
        refuse_busy(row)
        row.machine_id = machine_id
    with call.session.no_autoflush:
        take_over(row, params, COLUMNS)
        move(call, row, params)
        if {"robotName", "depId"} & params.keys():
            _refuse_taken(call, row.department_id, row.name, but=row.id)
    if "machinePassword" in params:
        row.sealed_machine_password = call.hub.vault.seal(password, PURPOSE) if password else None
    return {}


def _machine_id(call: Call, params: dict[str, Any]) -> int | None:
    """The machine that an update names: machineId rules, as at the creation (erratum E54); a name alone must be that of a machine."""
    name = params.get("machineName")
    if params.get("machineId") is not None:
        machine = find(call, Machine, params["machineId"])
        if name and name != machine.name and call.hub.settings.strict:
            raise InvalidInput("machineName 与 machineId 不一致")
        return machine.id
    if not name:
        return None
    found = call.session.scalar(select(Machine.id).where(Machine.name == name, Machine.is_deleted.is_(False)))
    if found is None:
        raise NotFound(f"计算机 {name}")
    return found


def refuse_busy(row: Robot) -> None:
    """Raise Conflict (11001) for a robot that runs a task."""
    if row.task_id is not None:
        raise Conflict("机器人正在执行任务", code=codes.ROBOT_STATE)


@serves(robot.robot_delete)
def robot_delete(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """The triggers that name it are switched off (erratum E63), it leaves its groups, and what waited for it alone is cancelled.

    A robot that runs a task is refused (11001), so that no task is lost.
    """
    row = find(call, Robot, params["robotId"])
    refuse_busy(row)
    only_tell = bool(params.get("dryRun"))
    if not only_tell:
        if ask_platform(call, row, "robot_delete", {"robotId": row.reference}):
            row = find(call, Robot, params["robotId"])
        idle = update(Robot).where(Robot.id == row.id, Robot.task_id.is_(None)).values(is_deleted=True).returning(Robot.id)
        if call.session.scalar(idle) is None:
            raise Conflict("机器人正在执行任务", code=codes.ROBOT_STATE)
        call.session.execute(delete(RobotGroupMember).where(RobotGroupMember.robot_id == row.id))
    naming = Trigger.id.in_(select(TriggerRobot.trigger_id).where(TriggerRobot.robot_id == row.id))
    triggers = affected.switch_off(call, naming, only_tell=only_tell)
    stranded = Task.id.in_(bindparam("stranded", _stranded(call, row.id), expanding=True, literal_execute=True))
    tasks = affected.cancel_waiting(call, stranded, f"机器人“{row.name}”已删除", only_tell=only_tell)
    return {"affectedTriggerIds": triggers, "cancelledTaskIds": tasks}


def _stranded(call: Call, robot_id: int) -> list[int]:
    """The waiting tasks that name robots, this one among them, of which none is left without it."""
    waiting = select(Task.id, Task.robots).where(lifecycle.IS_ACTIVE, lifecycle.is_waiting())
    likely = waiting.where(cast(Task.robots, String).contains(str(robot_id)))
    naming = {key: set(robots) for key, robots in call.session.execute(likely) if robots and robot_id in robots}
    others = set().union(*naming.values()) - {robot_id}
    left = set(call.session.scalars(select(Robot.id).where(Robot.id.in_(others), Robot.is_deleted.is_(False)))) if others else set()
    return [key for key, robots in naming.items() if not robots & left]


@serves(robot.robot_query)
def robot_query(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """The machine's password is never shown: its key stays, empty (erratum E16)."""
    row = find(call, Robot, params["robotId"], deleted=True)
    machine = call.session.get(Machine, row.machine_id) if row.machine_id else None
    connection = call.session.get_one(Connection, row.connection_id)
    return {
        **show(row, COLUMNS),
        **condition(call, row),
        "robotId": row.id,
        "depId": row.department_id,
        "machineId": row.machine_id,
        "machineName": machine.name if machine else "",
        "machinePassword": "",
        **stamps(row, connection),
    }


def condition(call: Call, row: Robot) -> dict[str, Any]:
    """How a robot is: its state, since when it has been online, and what runs on its machine (Tables 72 and 124)."""
    state = states_of(call.hub, call.session, [row])[row.id]
    online = now() - row.online_since if row.online_since and state not in ("offline", "disabled") else timedelta()
    return {
        "robotOnlineTime": duration(online),
        "robotOnlineSeconds": int(online.total_seconds()),
        "robotInstallPath": row.install_path,
        "robotInstallDate": row.installed_at or row.created_at,
        "robotVersion": row.version,
        "robotStatus": STATUS[state],
        "robotState": state,
    }


@serves(robot.robot_list)
def robot_list(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """``processId`` and ``triggerId`` select the robots that may run for them (erratum E76)."""
    statement = within_department(select(Robot), Robot, call, params.get("depId"), params.get("includeChildren") is False)
    if params.get("processId") is not None:
        statement = statement.where(Robot.id.in_(_members(find(call, Process, params["processId"], deleted=True).robot_group_id)))
    if params.get("triggerId") is not None:
        statement = statement.where(Robot.id.in_(_robots_of(call, find(call, Trigger, params["triggerId"], deleted=True))))
    if params.get("robotGroupId") is not None:
        statement = statement.where(Robot.id.in_(_members(find(call, RobotGroup, params["robotGroupId"], deleted=True).id)))
    if params.get("machineId") is not None:
        statement = statement.where(Robot.machine_id == find(call, Machine, params["machineId"], deleted=True).id)
    if params.get("robotStatus") is not None:
        wanted = [state for state, status in STATUS.items() if status == params["robotStatus"]]
        statement = statement.where(in_states(call.hub, call.session, wanted))
    if params.get("robotState"):
        statement = statement.where(in_states(call.hub, call.session, [params["robotState"]]))
    sortable = {"robotId": Robot.id, "robotName": Robot.name, "depId": Robot.department_id, "machineId": Robot.machine_id}
    rows, paging = page(call, statement, Robot, params, search=(Robot.name, Robot.remark), sortable=sortable)
    platforms, states = platform_names(call, rows), states_of(call.hub, call.session, rows)
    return {"robots": [{**_row(row, states[row.id]), "adapter": platforms[row.connection_id]} for row in rows], **paging}


def _members(group_id: int | None) -> Select[int]:
    return select(RobotGroupMember.robot_id).where(RobotGroupMember.robot_group_id == group_id)


def _robots_of(call: Call, trigger: Trigger) -> Select[int]:
    """The robots that a trigger may start tasks on: those that it names, else those of its group, else those of its process's (E43)."""
    if trigger.assign_type == NAMED_ROBOTS:
        return select(TriggerRobot.robot_id).where(TriggerRobot.trigger_id == trigger.id)
    return _members(trigger.robot_group_id or call.session.get_one(Process, trigger.process_id).robot_group_id)


def _row(row: Robot, state: str) -> dict[str, Any]:
    return {
        "robotId": row.id,
        "depId": row.department_id,
        "robotType": row.type,
        "robotName": row.name,
        "machineId": row.machine_id,
        "remark": row.remark,
        "labels": row.labels,
        "isDeleted": row.is_deleted,
        "robotStatus": STATUS[state],
        "robotState": state,
        **dates(row),
    }


def duration(length: timedelta) -> str:
    """A length of time as ``HHHH:mm:ss`` (erratum E55)."""
    seconds = int(length.total_seconds())
    return f"{seconds // 3600:04d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def all_visible(call: Call, robot_ids: Iterable[int]) -> list[Robot]:
    """The robots with these ids; raises NotFound (10501) when one is not there for the caller."""
    return find_all(call, Robot, robot_ids)


def usable_by(call: Call, is_global: bool, robot_ids: list[int] | None) -> list[int]:
    """The robots that may use a credential or an asset: none are named where it is global, and some must be where it is not (E65)."""
    if is_global:
        return []
    if not robot_ids:
        raise InvalidInput("isGlobal 为 false 时必须提供 robotIds", code=codes.PARAMETER_MISSING)
    return sorted({row.id for row in all_visible(call, robot_ids)})
