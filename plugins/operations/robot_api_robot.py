"""A robot's own interface: signing in, start, stop, settings and state (clause 6.3.1)."""
from __future__ import annotations

from plugins.context import Context
from plugins.fields import Flag, Id, Items, Level, Moment, Part, Record, Text, Whole
from plugins.operation import Answer, Params, operation
from plugins.records import ROBOT_STATES, Parameter, QueryResult


class RobotApiAuthenticateRequest(Record):
    """Table 121."""

    secret = Text("机器人的 secret 密钥，每个机器人有自己唯一的密钥", longest=4096, secret=True, required=True)


class RobotApiAuthenticateResult(Record):
    """Table 122."""

    token = Text("字符令牌", longest=512, secret=True)
    expirationTime = Moment("token 过期时间，格式为 yyyy-MM-dd HH:mm:ss")


@operation(
    "R01", "/api/robot/authenticate", clause="6.3.1.1", title="机器人认证",
    request=RobotApiAuthenticateRequest, response=RobotApiAuthenticateResult, public=True,
)
def robot_api_authenticate(ctx: Context, params: Params) -> Answer:
    """Exchange the robot's secret for a token."""


@operation("R02", "/api/robot/start", clause="6.3.1.2", title="启动机器人", emulated=False)
def robot_api_start(ctx: Context, params: Params) -> Answer:
    """Let the robot take and run tasks; starting a started robot changes nothing."""


@operation("R03", "/api/robot/stop", clause="6.3.1.3", title="停止机器人", emulated=False)
def robot_api_stop(ctx: Context, params: Params) -> Answer:
    """Stop the robot: it takes no more tasks until it is started again."""


class LocalTrigger(Record):
    """A trigger of the robot's own (clause 5.1.3): by the clock or by a key, without a platform."""

    name = Text("触发器名称", longest=128, required=True)
    type = Text("触发方式（cron-定时 hotkey-快捷键）【默认 cron】", choices=("cron", "hotkey"))
    cronExpression = Text("cron 表达式", longest=255)
    timeZone = Text("时区", longest=64)
    hotkey = Text("快捷键，如 <ctrl>+<alt>+r", longest=64)
    processId = Id("流程 ID", kind="process", required=True)
    inParameters = Items(Parameter, "入参列表")
    priority = Whole("优先级（0-高 1-中 2-低）", choices=(0, 1, 2))
    isRecord = Flag("是否录屏")
    maxRunTime = Whole("任务最长运行时长（秒）", least=0)
    maxWaitingTime = Whole("任务最长等待时间（秒）", least=0)
    isActivated = Flag("是否启用【默认 true】")


class RobotLimits(Record):
    """The bounds of each of the robot's tasks; 0 or absent is without bound."""

    memory = Whole("任务全部进程的内存上限（字节）", least=0)
    cpuSeconds = Whole("任务全部进程的 CPU 时间上限（秒）", least=0)
    fileSize = Whole("任务可写单个文件的大小上限（字节）", least=0)


class RobotConfig(Record):
    """``robotConfig`` (Table 123)."""

    machineName = Text("计算机名", longest=128)
    machineUsername = Text("计算机用户名", longest=128)
    machinePassword = Text("计算机用户密码（密文）", longest=4096, secret=True)
    desktopType = Whole("远程连接方式（0-console 1-RDP/VNC）", choices=(0, 1))
    resolutionWidth = Whole("分辨率宽度", least=0)
    resolutionHeight = Whole("分辨率高度", least=0)
    resolutionDepth = Whole("分辨率深度", least=0)
    isAutoUnlockEnabled = Flag("是否开启屏幕自动解锁")
    logLevel = Level("日志等级（trace, debug, info, warn, error）")
    schedules = Items(LocalTrigger, "本地触发器列表，整体替换", most=200, additive=True)
    limits = Part(RobotLimits, "任务资源上限", additive=True)


class RobotApiConfigRequest(Record):
    """Table 123."""

    robotConfig = Part(RobotConfig, "机器人配置信息", required=True)


@operation("R04", "/api/robot/config", clause="6.3.1.4", title="设置机器人", request=RobotApiConfigRequest, emulated=False)
def robot_api_config(ctx: Context, params: Params) -> Answer:
    """Change the robot's settings."""


class RobotInfo(Record):
    """``robotInfo`` (Table 124)."""

    machineName = Text("计算机名", longest=128)
    machineUsername = Text("计算机用户名", longest=128)
    machinePassword = Text("计算机用户密码（密文）", longest=4096, secret=True)
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
    robotOnlineSeconds = Whole("机器人在线时长（秒）", additive=True)
    robotState = Text("机器人详细状态", choices=ROBOT_STATES, additive=True)
    schedules = Items(LocalTrigger, "本地触发器列表", additive=True)
    limits = Part(RobotLimits, "任务资源上限", additive=True)


class RobotApiQueryResult(QueryResult):
    """Table 124."""

    robotInfo = Part(RobotInfo, "机器人信息")
    robotId = Id("机器人 ID", kind="robot", additive=True)
    robotName = Text("机器人名称", longest=128, additive=True)


@operation("R05", "/api/robot/query", clause="6.3.1.5", title="查询机器人", response=RobotApiQueryResult)
def robot_api_query(ctx: Context, params: Params) -> Answer:
    """Show the robot's settings and state."""
