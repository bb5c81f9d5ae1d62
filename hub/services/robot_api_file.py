"""A robot's own interface: its files (clause 6.3.6). They are kept as the platform's are, for one robot."""
from __future__ import annotations

from typing import Any

from hub.call import Call
from hub.robots.interface import own_robot
from hub.services.file import file_create, file_delete, file_list, file_query, file_update
from hub.serving import serves
from plugins.operations import robot_api_file


@serves(robot_api_file.robot_api_file_create)
def robot_api_file_create(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """A file of the robot alone. A name that the folder has already is 10201 (erratum E59)."""
    return file_create(call, {**params, "depId": own_robot(call).department_id})


@serves(robot_api_file.robot_api_file_delete)
def robot_api_file_delete(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """As on the platform."""
    return file_delete(call, params)


@serves(robot_api_file.robot_api_file_update)
def robot_api_file_update(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """As on the platform; a missing folderPath leaves the folder as it is (erratum E57)."""
    return file_update(call, params)


@serves(robot_api_file.robot_api_file_query)
def robot_api_file_query(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """What the file is, with an address from which it can be fetched for a while (erratum E57)."""
    return file_query(call, params)


@serves(robot_api_file.robot_api_file_list)
def robot_api_file_list(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """The files of the robot."""
    return file_list(call, params)
