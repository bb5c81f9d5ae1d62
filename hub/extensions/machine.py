"""Machines beyond the standard's calls (X11): their figures over time, their reboot and shutdown (clause 5.3)."""
from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from hub.call import Call
from hub.database import now
from hub.machines import commands, holds, power, sampling
from hub.machines.here import is_served
from hub.models import Machine, MachineCommand
from hub.scope import find
from plugins import codes
from plugins.errors import Conflict, InvalidInput, Refused
from plugins.fields import Flag, Id, Items, Json, Moment, Record, Text, Whole
from plugins.operation import operation
from plugins.records import TASK_STATES

HOUR = timedelta(hours=1)
MOST_POINTS = 2000
DEFAULT_TIMEOUT = 600
LONGEST_TIMEOUT = 86_400


class MachineMetricsRequest(Record):
    """Which figures."""

    machineId = Id("机器 ID", kind="machine", required=True)
    startTime = Moment("起始时间（含）【默认为截止时间前 1 小时】")
    endTime = Moment("截止时间（不含）【默认为当前时间】")
    step = Whole("间隔（秒）【默认按时间范围确定】", least=60, most=86_400)


class MachineMetricRow(Record):
    """The figures of one step."""

    time = Moment("间隔的起始时间，格式为 yyyy-MM-dd HH:mm:ss")
    figures = Json(
        "cpuPercent、memoryPercent、diskPercent：平均使用率；cpuPeak、memoryPeak、diskPeak：最高使用率（%）；memoryTotal、diskTotal：大小（字节）"
    )


class MachineMetricsResult(Record):
    """The figures, oldest first; steps without any are left out."""

    machineId = Id("机器 ID", kind="machine")
    step = Whole("间隔（秒）")
    points = Items(MachineMetricRow, "资源使用历史")


@operation(
    "X11", "/api/ext/machine/metrics", clause="X11", title="查询服务器资源历史",
    request=MachineMetricsRequest, response=MachineMetricsResult, hook=False, writes=False,
)
def machine_metrics(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Show how busy a machine was between two moments. What is kept minute by minute is summed up in steps."""
    machine = find(call, Machine, params["machineId"], deleted=True)
    start, end = _range(params)
    step = params.get("step") or sampling.default_step(start, end)
    if (end - start).total_seconds() / step > MOST_POINTS:
        raise InvalidInput(f"时间范围内的数据点超过 {MOST_POINTS} 个，请增大 step")
    found = sampling.points(call.session, machine.id, start, end, step)
    return {"machineId": machine.id, "step": step, "points": [{"time": at, "figures": figures} for at, figures in found]}


def _range(params: dict[str, Any]) -> tuple[datetime, datetime]:
    end: datetime = params.get("endTime") or now()
    try:
        start: datetime = params.get("startTime") or end - HOUR
    except OverflowError as error:
        raise InvalidInput("时间超出范围", code=codes.TIME_FORMAT) from error
    if start >= end:
        raise InvalidInput("startTime 应早于 endTime")
    return start, end


class MachinePowerRequest(Record):
    """A machine that is to go down."""

    machineId = Id("机器 ID", kind="machine", required=True)
    reason = Text("原因", longest=512, required=True)
    timeout = Whole(f"等待运行中任务结束的最长时间（秒）【默认 {DEFAULT_TIMEOUT}】", least=0, most=LONGEST_TIMEOUT)
    force = Flag("等待超时后是否取消仍在运行的任务【默认 false，超时则放弃执行】")
    dryRun = Flag("是否仅说明将会发生什么")


class MachineTaskRow(Record):
    """A task that is waited for."""

    taskId = Id("任务 ID", kind="task")
    robotId = Id("机器人 ID", kind="robot")
    robotName = Text("机器人名称", longest=128)
    taskState = Text("任务详细状态", choices=TASK_STATES)


class MachinePowerResult(Record):
    """The command, or what it would come to."""

    commandId = Id("命令 ID", kind="machine_command")
    commandState = Text("命令状态", choices=commands.STATES)
    isAllowed = Flag("计算机所有者是否允许")
    isServed = Flag("计算机上的主机是否在线")
    robotIds = Items(Id(kind="robot"), "暂停接收任务的机器人 ID 组")
    runningTasks = Items(MachineTaskRow, "等待结束的任务")


@operation(
    "X11", "/api/ext/machine/reboot", clause="X11", title="重启服务器",
    request=MachinePowerRequest, response=MachinePowerResult, hook=False,
)
def machine_reboot(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Have a machine reboot, once its robots have come to rest: they take no new tasks from now on, and after the start again.

    The machine's own host decides, by its setting allow_machine_power. ``machine/command/list`` tells how it goes.
    """
    return _power(call, params, "reboot")


@operation(
    "X11", "/api/ext/machine/shutdown", clause="X11", title="关闭服务器",
    request=MachinePowerRequest, response=MachinePowerResult, hook=False,
)
def machine_shutdown(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Have a machine shut down, once its robots have come to rest; as with a reboot."""
    return _power(call, params, "shutdown")


def _power(call: Call, params: dict[str, Any], kind: str) -> dict[str, Any]:
    if not params["reason"].strip():
        raise InvalidInput("reason", code=codes.PARAMETER_EMPTY)
    machine = find(call, Machine, params["machineId"])
    holds.refuse_shared(call, machine.id)
    allowed, served = bool((machine.host or {}).get("allowsPower")), is_served(call.hub, machine)
    told = {
        "isAllowed": allowed,
        "isServed": served,
        "robotIds": [each.id for each in holds.native_robots_of(call.session, machine.id)],
        "runningTasks": [
            {"taskId": each.task_id, "robotId": each.robot_id, "robotName": each.robot_name, "taskState": each.state}
            for each in holds.running_tasks(call.session, machine.id)
        ],
    }
    if params.get("dryRun"):
        return told
    if not served:
        raise Conflict("计算机上没有运行中的主机")
    if not allowed:
        raise Refused(power.NOT_ALLOWED, code=codes.NO_PERMISSION)
    if any(each.kind in commands.POWER for each in commands.open_on(call.session, machine.id)):
        raise Conflict("计算机上已有未结束的重启或关机命令")
    row = MachineCommand(
        machine_id=machine.id,
        kind=kind,
        reason=params["reason"].strip(),
        timeout=DEFAULT_TIMEOUT if params.get("timeout") is None else params["timeout"],
        is_forced=bool(params.get("force")),
        requested_by=call.caller.name,
        trace_id=call.trace_id,
    )
    call.session.add(row)
    call.session.flush()
    return {**told, "commandId": row.id, "commandState": row.state}
