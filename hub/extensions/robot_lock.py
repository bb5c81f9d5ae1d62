"""Locking and unlocking the desktop that a robot works on (X09, clause 5.1.3), through the host of its machine."""
from __future__ import annotations

import time
from typing import Any

from hub.call import Call
from hub.machines import commands
from hub.machines.here import is_served
from hub.models import Machine, MachineCommand, Robot
from hub.scope import find
from plugins.errors import Conflict
from plugins.fields import Id, Record, Text
from plugins.operation import operation

EFFECT_WAIT = 10.0
LOOK_INTERVAL = 0.1


class RobotLockRequest(Record):
    """A robot, idle or at work."""

    robotId = Id("机器人 ID", kind="robot", required=True)


class RobotLockResult(Record):
    """What has become of it; one that takes long is found in machine/command/list."""

    commandId = Id("命令 ID", kind="machine_command")
    commandState = Text("命令状态", choices=commands.STATES)
    result = Text("结果说明", longest=1024)


@operation("X09", "/api/ext/robot/lock", clause="X09", title="锁定机器人桌面", request=RobotLockRequest, response=RobotLockResult, hook=False)
def robot_lock(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Lock the robot's desktop. Where it has no session that can be locked, the reason is told (10504)."""
    return _command(call, params["robotId"], "lock")


@operation(
    "X09", "/api/ext/robot/unlock", clause="X09", title="解锁机器人桌面", request=RobotLockRequest, response=RobotLockResult, hook=False
)
def robot_unlock(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Unlock the robot's desktop."""
    return _command(call, params["robotId"], "unlock")


def _command(call: Call, robot_id: int, kind: str) -> dict[str, Any]:
    robot = find(call, Robot, robot_id)
    machine = call.session.get(Machine, robot.machine_id) if robot.machine_id else None
    if machine is None or not is_served(call.hub, machine):
        raise Conflict("机器人所在的计算机上没有运行中的主机")
    row = MachineCommand(machine_id=machine.id, robot_id=robot.id, kind=kind, requested_by=call.caller.name, trace_id=call.trace_id)
    call.session.add(row)
    call.session.flush()
    call.finish()
    found = _ended(call, row)
    if found.state in (commands.FAILED, commands.REFUSED):
        raise Conflict(found.result or "")
    return {"commandId": found.id, "commandState": found.state, "result": found.result}


def _ended(call: Call, row: MachineCommand) -> MachineCommand:
    """The command once it has ended, or as it is after some seconds."""
    deadline = time.monotonic() + EFFECT_WAIT
    while True:
        with call.hub.db.read() as session:
            found = session.get_one(MachineCommand, row.id)
        if found.state not in commands.OPEN_STATES or time.monotonic() >= deadline:
            return found
        time.sleep(LOOK_INTERVAL)
