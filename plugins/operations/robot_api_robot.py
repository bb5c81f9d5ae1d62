"""A robot's own interface: signing in, start, stop, settings and state (clause 6.3.1)."""
from __future__ import annotations

from plugins.context import Context
from plugins.fields import Flag, Id, Level, Moment, Part, Record, Text, Whole
from plugins.operation import Answer, Params, operation
from plugins.records import ROBOT_STATES, QueryResult


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


class RobotApiQueryResult(QueryResult):
    """Table 124."""

    robotInfo = Part(RobotInfo, "机器人信息")
    robotId = Id("机器人 ID", kind="robot", additive=True)
    robotName = Text("机器人名称", longest=128, additive=True)


@operation("R05", "/api/robot/query", clause="6.3.1.5", title="查询机器人", response=RobotApiQueryResult)
def robot_api_query(ctx: Context, params: Params) -> Answer:
    """Show the robot's settings and state."""
