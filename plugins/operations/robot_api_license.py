"""A robot's own interface: its licence (clause 6.3.8)."""
from __future__ import annotations

from plugins.context import Context
from plugins.fields import Moment, Record, Text
from plugins.operation import Answer, Params, operation


class RobotApiLicenseInfoResult(Record):
    """Table 160."""

    licenseExpirationTime = Moment("许可到期时间，格式为 yyyy-MM-dd HH:mm:ss")
    type = Text("许可类型", longest=64)


@operation("R28", "/api/robot/license/info", clause="6.3.8", title="查询机器人的许可信息", response=RobotApiLicenseInfoResult)
def robot_api_license_info(ctx: Context, params: Params) -> Answer:
    """Show the robot's licence."""
