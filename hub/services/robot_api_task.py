"""A robot's own interface: its tasks, their logs and recordings (clauses 6.3.5 and 6.3.7). The platform's services, for one robot."""
from __future__ import annotations

from typing import Any

from hub.call import Call
from hub.services.task import task_create, task_list, task_query
from hub.services.task_control import task_cancel, task_pause, task_resume
from hub.services.task_log import task_log_query
from hub.services.video import video_query
from hub.serving import serves
from plugins.operations import robot_api_task, robot_api_task_log, robot_api_video


@serves(robot_api_task.robot_api_task_create)
def robot_api_task_create(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Tasks for this robot alone, of a process of its own."""
    return task_create(call, {**params, "robotIds": [call.caller.robot_id]})


@serves(robot_api_task.robot_api_task_cancel)
def robot_api_task_cancel(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """As on the platform."""
    return task_cancel(call, params)


@serves(robot_api_task.robot_api_task_pause)
def robot_api_task_pause(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """As on the platform."""
    return task_pause(call, params)


@serves(robot_api_task.robot_api_task_resume)
def robot_api_task_resume(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """As on the platform."""
    return task_resume(call, params)


@serves(robot_api_task.robot_api_task_query)
def robot_api_task_query(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """A task of this robot, whoever made it."""
    return task_query(call, params)


@serves(robot_api_task.robot_api_task_list)
def robot_api_task_list(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """The tasks of this robot, whoever made them."""
    return task_list(call, params)


@serves(robot_api_task_log.robot_api_task_log_query)
def robot_api_task_log_query(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """The log of a task of this robot."""
    return task_log_query(call, params)


@serves(robot_api_video.robot_api_video_query)
def robot_api_video_query(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """The recordings of a task of this robot."""
    return video_query(call, params)
