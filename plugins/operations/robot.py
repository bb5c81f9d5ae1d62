"""Robots (clause 6.2.10)."""
from __future__ import annotations

from plugins.context import Context
from plugins.fields import Flag, Id, Items, Level, Moment, Record, Text, Whole
from plugins.operation import Answer, Params, operation
from plugins.paging import ListRequest, ListResult
from plugins.records import ROBOT_STATES, CreateRequest, Dated, QueryResult


class RobotCondition(Record):
    """What a robot says about itself beyond the tables (errata E55 and E56)."""

    robotState = Text("机器人详细状态", choices=ROBOT_STATES, additive=True)
    licenseState = Text("许可状态", longest=64, additive=True)
    adapter = Text("厂商连接名称", longest=64, additive=True)
    labels = Items(Text(longest=64), "标签", additive=True)


class RobotCreateRequest(CreateRequest):
    """Table 66."""

    depId = Id("部门 ID", kind="department", required=True)
    robotName = Text("机器人名称", longest=128, required=True)
    robotType = Whole("机器人类型（0-后台机器人 1-前台机器人）", choices=(0, 1), required=True)
    machineId = Id("机器 ID", kind="machine", required=True)
    machineName = Text("计算机名", longest=128, required=True)
    machineUsername = Text("计算机用户名", longest=128, required=True)
    machinePassword = Text("计算机用户密码（密文）", longest=4096, secret=True)
    remark = Text("备注", longest=1024)
    desktopType = Whole("远程连接方式（0-console 1-RDP/VNC）", choices=(0, 1))
    resolutionWidth = Whole("分辨率宽度", least=0)
    resolutionHeight = Whole("分辨率高度", least=0)
    resolutionDepth = Whole("分辨率深度", least=0)
    isAutoUnlockEnabled = Flag("是否开启屏幕自动解锁")
    logLevel = Level("日志等级（trace, debug, info, warn, error）")
    labels = Items(Text(longest=64), "标签", additive=True)


class RobotCreateResult(Record):
    """Table 67."""

    robotId = Id("机器人 ID", kind="robot")


@operation(
    "P39", "/api/platform/robot/create", clause="6.2.10.1", title="创建机器人",
    request=RobotCreateRequest, response=RobotCreateResult,
)
def robot_create(ctx: Context, params: Params) -> Answer:
    """Create a robot on a machine."""


class RobotDeleteRequest(Record):
    """Table 68."""

    robotId = Id("机器人 ID", kind="robot", required=True)
    dryRun = Flag("是否仅返回受影响的对象而不删除", additive=True)


class RobotDeleteResult(Record):
    """Table 69."""

    affectedTriggerIds = Items(Id(kind="trigger"), "受影响调度 ID 组")
    cancelledTaskIds = Items(Id(kind="task"), "被取消的排队任务 ID 组", additive=True)


@operation(
    "P40", "/api/platform/robot/delete", clause="6.2.10.2", title="删除机器人",
    request=RobotDeleteRequest, response=RobotDeleteResult,
)
def robot_delete(ctx: Context, params: Params) -> Answer:
    """Delete a robot and name the triggers that used it."""


class RobotUpdateRequest(Record):
    """Table 70."""

    robotId = Id("机器人 ID", kind="robot", required=True)
    robotType = Whole("机器人类型（0-后台机器人 1-前台机器人）", choices=(0, 1))
    robotName = Text("机器人名称", longest=128)
    machineName = Text("计算机名", longest=128)
    machineUsername = Text("计算机用户名", longest=128)
    machinePassword = Text("计算机用户密码（密文）", longest=4096, secret=True)
    remark = Text("备注", longest=1024)
    desktopType = Whole("远程连接方式（0-console 1-RDP/VNC）", choices=(0, 1))
    resolutionWidth = Whole("分辨率宽度", least=0)
    resolutionHeight = Whole("分辨率高度", least=0)
    resolutionDepth = Whole("分辨率深度", least=0)
    isAutoUnlockEnabled = Flag("是否开启屏幕自动解锁")
    logLevel = Level("日志等级（trace, debug, info, warn, error）")
    machineId = Id("机器 ID", kind="machine", additive=True)
    depId = Id("部门 ID", kind="department", additive=True)
    labels = Items(Text(longest=64), "标签", additive=True)


@operation("P41", "/api/platform/robot/update", clause="6.2.10.3", title="更新机器人", request=RobotUpdateRequest)
def robot_update(ctx: Context, params: Params) -> Answer:
    """Change a robot's settings."""


class RobotQueryRequest(Record):
    """Table 71."""

    robotId = Id("机器人 ID", kind="robot", required=True)


class RobotQueryResult(RobotCondition, QueryResult):
    """Table 72."""

    robotName = Text("机器人名称", longest=128)
    robotType = Whole("机器人类型（0-后台机器人 1-前台机器人）", choices=(0, 1))
    depId = Id("部门 ID", kind="department")
    machineId = Id("机器 ID", kind="machine")
    machineName = Text("计算机名", longest=128)
    machineUsername = Text("计算机用户名", longest=128)
    machinePassword = Text("计算机用户密码（密文）", longest=4096, secret=True)
    remark = Text("备注", longest=1024)
    desktopType = Whole("远程连接方式（0-console 1-RDP/VNC）", choices=(0, 1))
    resolutionWidth = Whole("分辨率宽度")
    resolutionHeight = Whole("分辨率高度")
    resolutionDepth = Whole("分辨率深度")
    robotOnlineTime = Text("机器人在线时长", longest=64)
    robotInstallPath = Text("机器人安装路径", longest=4096)
    robotInstallDate = Moment("机器人安装日期，格式为 yyyy-MM-dd HH:mm:ss")
    robotVersion = Text("机器人版本", longest=64)
    isAutoUnlockEnabled = Flag("是否开启屏幕自动解锁")
    logLevel = Level("日志等级（trace, debug, info, warn, error）")
    robotStatus = Whole("机器人状态（0-空闲 1-运行 2-离线）", choices=(0, 1, 2))
    isDeleted = Flag("是否删除")
    robotId = Id("机器人 ID", kind="robot", additive=True)
    robotOnlineSeconds = Whole("机器人在线时长（秒）", additive=True)


@operation("P42", "/api/platform/robot/query", clause="6.2.10.4", title="查询机器人", request=RobotQueryRequest, response=RobotQueryResult)
def robot_query(ctx: Context, params: Params) -> Answer:
    """Show one robot."""


class RobotListRequest(ListRequest):
    """Table 73."""

    depId = Id("部门 ID", kind="department")
    processId = Id("流程 ID", kind="process")
    triggerId = Id("调度 ID", kind="trigger")
    robotStatus = Whole("机器人状态（0-空闲 1-运行 2-离线）", choices=(0, 1, 2))
    robotGroupId = Id("机器人组 ID", kind="robot_group", additive=True)
    machineId = Id("机器 ID", kind="machine", additive=True)
    robotState = Text("机器人详细状态", choices=ROBOT_STATES, additive=True)


class RobotRow(RobotCondition, Dated):
    """One element of ``robots`` (Table 74); only here machineId is printed as a string (erratum E36)."""

    robotId = Id("机器人 ID", kind="robot")
    depId = Id("部门 ID", kind="department")
    robotType = Whole("机器人类型（0-后台机器人 1-前台机器人）", choices=(0, 1))
    robotName = Text("机器人名", longest=128)
    machineId = Id("设备 ID", kind="machine", as_text=True)
    remark = Text("备注", longest=1024)
    isDeleted = Flag("是否删除")
    robotStatus = Whole("机器人状态（0-空闲 1-运行 2-离线）", choices=(0, 1, 2), additive=True)


class RobotListResult(ListResult):
    """Table 74."""

    robots = Items(RobotRow, "机器人列表")


@operation("P43", "/api/platform/robot/list", clause="6.2.10.5", title="查询机器人列表", request=RobotListRequest, response=RobotListResult)
def robot_list(ctx: Context, params: Params) -> Answer:
    """List robots, by department, state, or as eligible for a process or a trigger."""
