"""A robot's own interface: its machine (clause 6.3.2)."""
from __future__ import annotations

from typing import Any

from hub.call import Call
from hub.robots.interface import own_robot, tell_own
from hub.services.machine import machine_query
from hub.serving import serves
from plugins.errors import NotFound
from plugins.operations import robot_api_machine


@serves(robot_api_machine.robot_api_machine_query)
def robot_api_machine_query(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Hardware and software of the machine that the robot runs on, and how busy it is."""
    answer = tell_own(call, "robot_api_machine_query", params)
    if answer is not None:
        return answer
    machine_id = own_robot(call).machine_id
    if machine_id is None:
        raise NotFound("机器人未关联计算机")
    return machine_query(call, {**params, "machineId": machine_id})
