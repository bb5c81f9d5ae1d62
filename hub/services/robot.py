"""Robots (clause 6.2.10.1 to 6.2.10.5)."""
from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select

from hub.call import Call
from hub.connections import NATIVE
from hub.database import now
from hub.models import Connection, Department, Machine, Process, Robot, RobotGroupMember
from hub.paging import page
from hub.resource import platform_names, refuse_taken, show, stamps, take_over
from hub.scope import find, visible, within_department
from hub.serving import serves
from hub.wire import open_password
from plugins import codes
from plugins.errors import Conflict, InvalidInput
from plugins.operations import robot

IDLE, RUNNING, OFFLINE = 0, 1, 2
STATES = {IDLE: "idle", RUNNING: "running", OFFLINE: "offline"}

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
}


@serves(robot.robot_create)
def robot_create(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """A native robot: it comes to life on its machine within seconds, if the hub's robot host runs there."""
    password = params.get("machinePassword") and open_password(call, params["machinePassword"], "machinePassword")
    home = find(call, Department, params["depId"])
    machine = find(call, Machine, params["machineId"])
    if machine.name != params["machineName"] and call.hub.settings.strict:
        raise InvalidInput("machineName 与 machineId 不一致")
    refuse_taken(call, Robot, f"机器人 {params['robotName']}", Robot.name == params["robotName"], Robot.department_id == home.id)
    native = call.session.scalars(select(Connection).where(Connection.adapter == NATIVE)).one()
    row = Robot(department_id=home.id, machine_id=machine.id, connection_id=native.id)
    take_over(row, params, COLUMNS)
    if password:
        row.sealed_machine_password = call.hub.vault.seal(password, "machine password")
    call.session.add(row)
    call.session.flush()
    return {"robotId": row.id}


@serves(robot.robot_query)
def robot_query(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """The machine's password is never shown: its key stays, empty (erratum E16)."""
    row = find(call, Robot, params["robotId"], deleted=True)
    machine = call.session.get(Machine, row.machine_id) if row.machine_id else None
    connection = call.session.get_one(Connection, row.connection_id)
    status = status_of(call, row)
    online = now() - row.online_since if row.online_since and status != OFFLINE else timedelta()
    return {
        **show(row, COLUMNS),
        "robotId": row.id,
        "depId": row.department_id,
        "machineId": row.machine_id,
        "machineName": machine.name if machine else "",
        "machinePassword": "",
        "robotOnlineTime": duration(online),
        "robotOnlineSeconds": int(online.total_seconds()),
        "robotInstallPath": row.install_path,
        "robotInstallDate": row.installed_at or row.created_at,
        "robotVersion": row.version,
        "robotStatus": status,
        "robotState": STATES[status],
        **stamps(row, connection),
    }


@serves(robot.robot_list)
def robot_list(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """``processId`` selects the robots that may run the process (erratum E76)."""
    statement = within_department(select(Robot), Robot, call, params.get("depId"), params.get("includeChildren") is False)
    if params.get("processId") is not None:
        process = find(call, Process, params["processId"])
        members = select(RobotGroupMember.robot_id).where(RobotGroupMember.robot_group_id == process.robot_group_id)
        statement = statement.where(Robot.id.in_(members))
    if params.get("robotStatus") is not None:
        statement = statement.where(_has_status(call, params["robotStatus"]))
    rows, paging = page(call, statement, Robot, params, search=(Robot.name, Robot.remark))
    platforms = platform_names(call, rows)
    return {"robots": [{**_row(call, row), "adapter": platforms[row.connection_id]} for row in rows], **paging}


def _row(call: Call, row: Robot) -> dict[str, Any]:
    status = status_of(call, row)
    return {
        "robotId": row.id,
        "depId": row.department_id,
        "robotType": row.type,
        "robotName": row.name,
        "machineId": row.machine_id,
        "remark": row.remark,
        "isDeleted": row.is_deleted,
        "robotStatus": status,
        "robotState": STATES[status],
    }


def status_of(call: Call, row: Robot) -> int:
    """0 idle, 1 running, 2 offline: a robot is online while its heartbeat is fresh."""
    if row.is_deleted or row.seen_at is None or now() - row.seen_at > timedelta(seconds=call.hub.settings.robot_timeout):
        return OFFLINE
    return RUNNING if row.task_id is not None else IDLE


def _has_status(call: Call, status: int) -> ColumnElement[bool]:
    fresh = Robot.seen_at > now() - timedelta(seconds=call.hub.settings.robot_timeout)
    if status == OFFLINE:
        return or_(Robot.seen_at.is_(None), ~fresh)
    return and_(fresh, Robot.task_id.is_not(None) if status == RUNNING else Robot.task_id.is_(None))


def duration(length: timedelta) -> str:
    """A length of time as ``HHHH:mm:ss`` (erratum E55)."""
    seconds = int(length.total_seconds())
    return f"{seconds // 3600:04d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def all_visible(call: Call, robot_ids: list[int]) -> list[Robot]:
    """The robots with these ids; raises InvalidInput when one is not there for the caller."""
    rows = list(call.session.scalars(visible(select(Robot).where(Robot.id.in_(robot_ids), Robot.is_deleted.is_(False)), Robot, call)))
    missing = set(robot_ids) - {row.id for row in rows}
    if missing:
        raise Conflict(f"机器人 {'、'.join(map(str, sorted(missing)))}", code=codes.NOT_FOUND)
    return rows


def usable_by(call: Call, is_global: bool, robot_ids: list[int] | None) -> list[int]:
    """The robots that may use a credential or an asset: none are named where it is global, and some must be where it is not (E65)."""
    if is_global:
        return []
    if not robot_ids:
        raise InvalidInput("isGlobal 为 false 时必须提供 robotIds", code=codes.PARAMETER_MISSING)
    return sorted({row.id for row in all_visible(call, robot_ids)})
