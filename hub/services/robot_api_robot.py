"""A robot's own interface: signing in, start, stop, settings and state (clause 6.3.1)."""
from __future__ import annotations

from typing import Any

from sqlalchemy import or_, select, update

from hub import auth
from hub.call import Call
from hub.database import now
from hub.models import Machine, Robot, RobotSecret
from hub.resource import stamps
from hub.robots import control as robot_control
from hub.robots.interface import own_robot, tell_own
from hub.robots.settings import settings_of, take_over_settings
from hub.security import token_digest
from hub.services.robot import condition
from hub.serving import serves
from hub.wire import open_password
from plugins import codes
from plugins.errors import Refused
from plugins.operations import robot_api_robot


@serves(robot_api_robot.robot_api_authenticate)
def robot_api_authenticate(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """A token for the robot whose secret this is; 10004 for a secret that is nobody's (any more)."""
    digest = token_digest(open_password(call, params["secret"], "secret"))
    in_force = or_(RobotSecret.expires_at.is_(None), RobotSecret.expires_at > now())
    statement = select(Robot).join(RobotSecret, RobotSecret.robot_id == Robot.id)
    row = call.session.scalar(statement.where(RobotSecret.digest == digest, in_force, Robot.is_deleted.is_(False)).with_for_update())
    if row is None:
        raise Refused("secret 无效", code=codes.PASSWORD_WRONG)
    call.session.execute(update(RobotSecret).where(RobotSecret.digest == digest).values(last_used_at=now()))
    call.caller = auth.robot_caller(row.id, row.department_id, "")
    token, expires_at = auth.issue_token(call.hub, call.session, robot_id=row.id, client_ip=call.source.client_ip)
    return {"token": token, "expirationTime": expires_at}


@serves(robot_api_robot.robot_api_start)
def robot_api_start(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """A disabled robot is refused (11001)."""
    robot_control.start(call, own_robot(call))
    return {}


@serves(robot_api_robot.robot_api_stop)
def robot_api_stop(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """The task that runs is finished first; its interface goes on answering (erratum E67)."""
    robot_control.stop(call, own_robot(call))
    return {}


@serves(robot_api_robot.robot_api_config)
def robot_api_config(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Changes what was sent of the settings; they hold from the robot's next task on."""
    given = take_over_settings(call, params["robotConfig"])
    tell_own(call, "robot_api_config", {"robotConfig": given})
    return {}


@serves(robot_api_robot.robot_api_query)
def robot_api_query(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """The machine's password is never shown: its key stays, empty (erratum E16)."""
    answer = tell_own(call, "robot_api_query", params)
    row = own_robot(call)
    machine = call.session.get(Machine, row.machine_id) if row.machine_id else None
    info = {**settings_of(row), **condition(call, row), "machineName": machine.name if machine else "", "machinePassword": ""}
    if answer is not None:
        info |= {name: value for name, value in answer.get("robotInfo", {}).items() if value is not None} | {"machinePassword": ""}
    return {"robotId": row.id, "robotName": row.name, "robotInfo": info, **stamps(row, robot_control.connection_of(call, row))}
