"""A robot's own interface: signing in, start, stop, settings and state (clause 6.3.1)."""
from __future__ import annotations

from typing import Any

from sqlalchemy import or_, select, update

from hub import auth
from hub.call import Call
from hub.database import now
from hub.models import Robot, RobotSecret
from hub.security import token_digest
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
