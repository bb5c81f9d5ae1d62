"""A robot's own interface: its processes (clause 6.3.4)."""
from __future__ import annotations

from plugins.context import Context
from plugins.fields import Flag, Id, Items, Record, Text
from plugins.operation import Answer, Params, operation
from plugins.paging import ListRequest, ListResult
from plugins.records import Parameter


class RobotApiProcessCreateRequest(Record):
    """Table 132."""

    processName = Text("流程名称", longest=128, required=True)
    remark = Text("流程备注", longest=1024)


class RobotApiProcessCreateResult(Record):
    """Table 133."""

    processId = Id("流程 ID", kind="process")


@operation(
    "R10", "/api/robot/process/create", clause="6.3.4.1", title="创建流程",
    request=RobotApiProcessCreateRequest, response=RobotApiProcessCreateResult,
)
def robot_api_process_create(ctx: Context, params: Params) -> Answer:
    """Create a process on the robot."""


class RobotApiProcessActivatePackageVersionRequest(Record):
    """Table 134."""

    processId = Id("流程 ID", kind="process", required=True)
    packageId = Id("流程包 ID", kind="package", required=True)
    inParameters = Items(Parameter, "入参列表")


@operation(
    "R11", "/api/robot/process/activate-package-version", clause="6.3.4.2", title="流程激活流程包版本",
    request=RobotApiProcessActivatePackageVersionRequest,
)
def robot_api_process_activate_package_version(ctx: Context, params: Params) -> Answer:
    """Let a process of the robot run a package version from now on."""


class RobotApiProcessDeleteRequest(Record):
    """Table 135."""

    processId = Id("流程 ID", kind="process", required=True)


@operation("R12", "/api/robot/process/delete", clause="6.3.4.3", title="删除流程", request=RobotApiProcessDeleteRequest)
def robot_api_process_delete(ctx: Context, params: Params) -> Answer:
    """Delete a process of the robot."""


class RobotApiProcessUpdateRequest(Record):
    """Table 136."""

    processId = Id("流程 ID", kind="process", required=True)
    processName = Text("流程名称", longest=128)
    remark = Text("流程备注", longest=1024)


@operation("R13", "/api/robot/process/update", clause="6.3.4.4", title="更新流程", request=RobotApiProcessUpdateRequest)
def robot_api_process_update(ctx: Context, params: Params) -> Answer:
    """Change a process of the robot."""


class RobotApiProcessListRequest(ListRequest):
    """Table 137."""


class RobotApiProcessRow(Record):
    """One element of ``processes`` (Table 138)."""

    processId = Id("流程 ID", kind="process")
    processName = Text("流程名称", longest=128)
    remark = Text("流程备注", longest=1024)
    isDeleted = Flag("是否删除")


class RobotApiProcessListResult(ListResult):
    """Table 138."""

    processes = Items(RobotApiProcessRow, "流程列表")


# Printed at /api/platform/process/list, the address of clause 6.2.5.5 (erratum E27).
@operation(
    "R14", "/api/robot/process/list", clause="6.3.4.5", title="查询流程列表",
    request=RobotApiProcessListRequest, response=RobotApiProcessListResult, printed="/api/platform/process/list",
)
def robot_api_process_list(ctx: Context, params: Params) -> Answer:
    """List the processes of the robot."""
