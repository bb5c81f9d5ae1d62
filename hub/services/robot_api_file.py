"""A robot's own interface: making its files (clause 6.3.6). What else is done with them, the platform's services do for one robot."""
from __future__ import annotations

from typing import Any

from hub.call import Call
from hub.robots.interface import own_robot
from hub.services.file import file_create
from hub.serving import serves
from plugins.operations import robot_api_file


@serves(robot_api_file.robot_api_file_create)
def robot_api_file_create(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """A file of the robot alone. A name that the folder has already is 10201 (erratum E59)."""
    return file_create(call, {**params, "depId": own_robot(call).department_id})
