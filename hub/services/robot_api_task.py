"""A robot's own interface: making its tasks (clause 6.3.5). What else it does with them, the platform's services do for one robot."""
from __future__ import annotations

from typing import Any

from hub.call import Call
from hub.services.task import task_create
from hub.serving import serves
from plugins.operations import robot_api_task


@serves(robot_api_task.robot_api_task_create)
def robot_api_task_create(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Tasks for this robot alone, of a process of its own."""
    return task_create(call, {**params, "robotIds": [call.caller.robot_id]})
