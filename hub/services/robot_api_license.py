"""A robot's own interface: its licence (clause 6.3.8)."""
from __future__ import annotations

from typing import Any

from sqlalchemy import select

from hub.call import Call
from hub.licence_file import PERPETUAL
from hub.licences import ROBOT_LICENCES, kind_of
from hub.models import Licence
from hub.robots.interface import own_robot, tell_own
from hub.serving import serves
from plugins.operations import robot_api_license


@serves(robot_api_license.robot_api_license_info)
def robot_api_license_info(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """The robot's kind of licence and the last moment at which one of that kind holds; perpetual where none was ever imported (E71)."""
    answer = tell_own(call, "robot_api_license_info", params)
    if answer is not None:
        return answer
    robot = own_robot(call)
    wanted = ROBOT_LICENCES.get(robot.type, ROBOT_LICENCES[0])
    statement = select(Licence).where(Licence.connection_id == robot.connection_id, Licence.is_deleted.is_(False))
    ends = [row.expires_at for row in call.session.scalars(statement) if kind_of(row.type) == wanted]
    known = [each for each in ends if each is not None]
    return {"type": wanted, "licenseExpirationTime": max(known) if known and len(known) == len(ends) else PERPETUAL}
