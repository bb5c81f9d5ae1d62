"""The commands to machines (X11): how each one goes, and how it is called back."""
from __future__ import annotations

from typing import Any

from sqlalchemy import or_, select, update

from hub.call import Call
from hub.database import now
from hub.machines import commands
from hub.models import Machine, MachineCommand, Robot
from hub.paging import page
from hub.resource import dates
from hub.scope import find, visible
from plugins.errors import Conflict
from plugins.fields import Flag, Id, Items, Moment, Record, Text, Whole
from plugins.operation import operation
from plugins.paging import ListRequest, ListResult
from plugins.records import Dated


class MachineCommandListRequest(ListRequest):
    """Which commands."""

    machineId = Id("机器 ID", kind="machine")
    commandId = Id("命令 ID", kind="machine_command")
    commandState = Text("命令状态", choices=commands.STATES)
    kind = Text("命令类型（reboot-重启 shutdown-关机 lock-锁屏 unlock-解锁）", choices=commands.KINDS)


class MachineCommandRow(Dated):
    """One command and what has become of it."""

    commandId = Id("命令 ID", kind="machine_command")
    machineId = Id("机器 ID", kind="machine")
    machineName = Text("计算机名", longest=128)
    robotId = Id("机器人 ID", kind="robot")
    kind = Text("命令类型", choices=commands.KINDS)
    commandState = Text(
        "命令状态（requested-已提交 draining-等待任务结束 executing-执行中 done-已完成 refused-被计算机拒绝 failed-失败 cancelled-已取消）",
        choices=commands.STATES,
    )
    reason = Text("原因", longest=512)
    result = Text("结果说明", longest=1024)
    output = Text("命令输出", longest=65_536)
    timeout = Whole("等待运行中任务结束的最长时间（秒）")
    force = Flag("等待超时后是否取消仍在运行的任务")
    requester = Text("提交者", longest=128)
    drainTime = Moment("开始等待任务结束的时间")
    executeTime = Moment("开始执行的时间")
    endTime = Moment("结束时间")


class MachineCommandListResult(ListResult):
    """A page of commands."""

    commands = Items(MachineCommandRow, "命令列表")


@operation(
    "X11", "/api/ext/machine/command/list", clause="X11", title="查询服务器命令列表",
    request=MachineCommandListRequest, response=MachineCommandListResult, hook=False,
)
def machine_command_list(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """List the commands to machines. Those about a robot are shown to those who see the robot."""
    seen = visible(select(Robot.id), Robot, call)
    statement = select(MachineCommand).where(or_(MachineCommand.robot_id.is_(None), MachineCommand.robot_id.in_(seen)))
    pairs = (
        ("machineId", MachineCommand.machine_id), ("commandId", MachineCommand.id), ("commandState", MachineCommand.state), ("kind", MachineCommand.kind),
    )  # fmt: skip
    for name, column in pairs:
        if params.get(name) is not None:
            statement = statement.where(column == params[name])
    sortable = {"commandId": MachineCommand.id, "machineId": MachineCommand.machine_id}
    rows, paging = page(call, statement, MachineCommand, params, search=(MachineCommand.reason, MachineCommand.result), sortable=sortable)
    names = dict(call.session.execute(select(Machine.id, Machine.name).where(Machine.id.in_({row.machine_id for row in rows}))).all())
    return {"commands": [_row(row, names[row.machine_id]) for row in rows], **paging}


def _row(row: MachineCommand, machine: str) -> dict[str, Any]:
    return {
        "commandId": row.id,
        "machineId": row.machine_id,
        "machineName": machine,
        "robotId": row.robot_id,
        "kind": row.kind,
        "commandState": row.state,
        "reason": row.reason,
        "result": row.result,
        "output": row.output,
        "timeout": row.timeout,
        "force": row.is_forced,
        "requester": row.requested_by,
        "drainTime": row.drained_from,
        "executeTime": row.executed_at,
        "endTime": row.ended_at,
        **dates(row),
    }


class MachineCommandRequest(Record):
    """One command."""

    commandId = Id("命令 ID", kind="machine_command", required=True)


@operation(
    "X11", "/api/ext/machine/command/cancel", clause="X11", title="取消服务器命令", request=MachineCommandRequest, hook=False,
)
def machine_command_cancel(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Call back a reboot or shutdown that is not being executed yet (10504); its robots take tasks again within seconds."""
    row = find(call, MachineCommand, params["commandId"])
    waiting = (MachineCommand.id == row.id, MachineCommand.kind.in_(commands.POWER), MachineCommand.state.in_(commands.CANCELLABLE))
    wanted = update(MachineCommand).where(*waiting).values(cancel_requested_at=now()).returning(MachineCommand.id)
    if call.session.scalar(wanted.execution_options(synchronize_session=False)) is None:
        raise Conflict("命令已开始执行或已结束")
    return {}
