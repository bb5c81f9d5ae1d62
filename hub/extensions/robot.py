"""What people want of a robot (X09): that it runs, pauses, is in use at all. The robot's machine follows within seconds.

A stopped or disabled robot finishes the task that it has; ``force`` cancels that task.
"""
from __future__ import annotations

from typing import Any

from hub.call import Call
from hub.models import Robot
from hub.robots.control import end_task, start, stop, want
from hub.scope import find
from plugins.fields import Flag, Id, Record
from plugins.operation import operation


class RobotRequest(Record):
    """One robot."""

    robotId = Id("机器人 ID", kind="robot", required=True)


class RobotEndRequest(RobotRequest):
    """One robot that is to take nothing more."""

    force = Flag("是否取消正在执行的任务【默认 false，等待其完成】")


@operation("X09", "/api/ext/robot/start", clause="X09", title="启动机器人", request=RobotRequest, hook=False)
def robot_start(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Let a robot run; one that runs goes on. A disabled one is refused (11001)."""
    start(call, find(call, Robot, params["robotId"]))
    return {}


@operation("X09", "/api/ext/robot/stop", clause="X09", title="停止机器人", request=RobotEndRequest, hook=False)
def robot_stop(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """End a robot's process once its task has ended; tasks that wait for it keep waiting until it is started again."""
    stop(call, find(call, Robot, params["robotId"]), params.get("force"))
    return {}


@operation("X09", "/api/ext/robot/pause", clause="X09", title="暂停机器人接收任务", request=RobotRequest, hook=False)
def robot_pause(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Let a robot finish what it has and take nothing new, while it stays online."""
    want(call, find(call, Robot, params["robotId"]), is_paused=True)
    return {}


@operation("X09", "/api/ext/robot/resume", clause="X09", title="恢复机器人接收任务", request=RobotRequest, hook=False)
def robot_resume(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Let a paused robot take tasks again."""
    want(call, find(call, Robot, params["robotId"]), is_paused=False)
    return {}


@operation("X09", "/api/ext/robot/disable", clause="X09", title="停用机器人", request=RobotEndRequest, hook=False)
def robot_disable(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Take a robot out of use: nobody can start it, and tasks that only such robots could take are refused (11001)."""
    row = find(call, Robot, params["robotId"])
    want(call, row, is_enabled=False)
    end_task(call, row, params.get("force"))
    return {}


@operation("X09", "/api/ext/robot/enable", clause="X09", title="启用机器人", request=RobotRequest, hook=False)
def robot_enable(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Take a robot back into use; it is as it was before, running or stopped."""
    want(call, find(call, Robot, params["robotId"]), is_enabled=True)
    return {}
