"""A robot's own interface: its process packages (clause 6.3.3)."""
from __future__ import annotations

from plugins.context import Context
from plugins.fields import Flag, Id, Items, Record, Text, Upload
from plugins.operation import Answer, Params, operation
from plugins.paging import ListRequest, ListResult


class RobotApiPackageCreateRequest(Record):
    """Table 127."""

    packageName = Text("流程包名称", longest=128, required=True)
    package = Upload("流程包", required=True)
    packageVersion = Text("流程包版本", longest=64, required=True)


class RobotApiPackageCreateResult(Record):
    """Table 128."""

    packageId = Id("流程包 ID", kind="package")


@operation(
    "R07", "/api/robot/package/create", clause="6.3.3.1", title="创建流程包",
    request=RobotApiPackageCreateRequest, response=RobotApiPackageCreateResult,
)
def robot_api_package_create(ctx: Context, params: Params) -> Answer:
    """Upload one version of a process package to the robot."""


class RobotApiPackageDeleteRequest(Record):
    """Table 129."""

    packageId = Id("流程包 ID", kind="package", required=True)


@operation("R08", "/api/robot/package/delete", clause="6.3.3.2", title="删除流程包", request=RobotApiPackageDeleteRequest)
def robot_api_package_delete(ctx: Context, params: Params) -> Answer:
    """Delete a process package from the robot."""


class RobotApiPackageQueryRequest(ListRequest):
    """Table 130."""


class RobotApiPackageRow(Record):
    """One element of ``packages`` (Table 131)."""

    packageName = Text("流程包名称", longest=128)
    packageId = Id("流程包 ID", kind="package")
    packageVersion = Text("流程包版本", longest=64)
    packagePath = Text("流程包本地路径", longest=4096)
    isDeleted = Flag("是否删除")
    digest = Text("内容摘要（SHA-256，十六进制）", longest=128, additive=True)


class RobotApiPackageQueryResult(ListResult):
    """Table 131."""

    packages = Items(RobotApiPackageRow, "流程包列表")
    packageList = Items(RobotApiPackageRow, "同 packages", attribute="packages", dump_only=True, additive=True)


@operation(
    "R09", "/api/robot/package/query", clause="6.3.3.3", title="查询流程包列表",
    request=RobotApiPackageQueryRequest, response=RobotApiPackageQueryResult,
)
def robot_api_package_query(ctx: Context, params: Params) -> Answer:
    """List the process packages on the robot."""
