"""Processes (clause 6.2.5)."""
from __future__ import annotations

from plugins.context import Context
from plugins.fields import Flag, Id, Items, Record, Text
from plugins.operation import Answer, Params, operation
from plugins.paging import ListRequest, ListResult
from plugins.records import CreateRequest, Dated, Parameter


class ProcessOwners(Record):
    """Who answers for a process (requirement F092)."""

    businessOwner = Text("业务负责人", longest=128, additive=True)
    devOwner = Text("开发负责人", longest=128, additive=True)
    opsOwner = Text("运维负责人", longest=128, additive=True)


class ProcessCreateRequest(ProcessOwners, CreateRequest):
    """Table 26."""

    processName = Text("流程名称", longest=128, required=True)
    remark = Text("流程备注", longest=1024)
    depId = Id("部门 ID", kind="department", required=True)
    robotGroupId = Id("机器人组 ID", kind="robot_group", required=True)
    isRecord = Flag("是否录屏", required=True)


class ProcessCreateResult(Record):
    """Table 27."""

    processId = Id("流程 ID", kind="process")


@operation(
    "P14", "/api/platform/process/create", clause="6.2.5.1", title="创建流程",
    request=ProcessCreateRequest, response=ProcessCreateResult,
)
def process_create(ctx: Context, params: Params) -> Answer:
    """Create a process."""


class ProcessActivatePackageVersionRequest(Record):
    """Table 28."""

    processId = Id("流程 ID", kind="process", required=True)
    packageId = Id("流程包 ID", kind="package", required=True)
    inParameters = Items(Parameter, "入参列表")


@operation(
    "P15", "/api/platform/process/activate-package-version", clause="6.2.5.2", title="流程激活流程包版本",
    request=ProcessActivatePackageVersionRequest,
)
def process_activate_package_version(ctx: Context, params: Params) -> Answer:
    """Let a process run a package version from now on."""


class ProcessDeleteRequest(Record):
    """Table 29."""

    processId = Id("流程 ID", kind="process", required=True)
    dryRun = Flag("是否仅返回受影响的对象而不删除", additive=True)


class ProcessDeleteResult(Record):
    """Table 30."""

    affectedTriggerIds = Items(Id(kind="trigger"), "受影响调度 ID 组")
    cancelledTaskIds = Items(Id(kind="task"), "被取消的排队任务 ID 组", additive=True)


@operation(
    "P16", "/api/platform/process/delete", clause="6.2.5.3", title="删除流程",
    request=ProcessDeleteRequest, response=ProcessDeleteResult,
)
def process_delete(ctx: Context, params: Params) -> Answer:
    """Delete a process and switch off its triggers."""


class ProcessUpdateRequest(ProcessOwners):
    """Table 31."""

    processId = Id("流程 ID", kind="process", required=True)
    processName = Text("流程名称", longest=128)
    remark = Text("流程备注", longest=1024)
    robotGroupId = Id("机器人组 ID", kind="robot_group")
    isRecord = Flag("是否录屏")
    depId = Id("部门 ID", kind="department", additive=True)


@operation("P17", "/api/platform/process/update", clause="6.2.5.4", title="更新流程", request=ProcessUpdateRequest)
def process_update(ctx: Context, params: Params) -> Answer:
    """Change a process."""


class ProcessListRequest(ListRequest):
    """Table 32."""

    depId = Id("部门 ID", kind="department")


class ProcessRow(ProcessOwners, Dated):
    """One element of ``processes`` (Table 33)."""

    processId = Id("流程 ID", kind="process")
    depId = Id("部门 ID", kind="department")
    processName = Text("流程名称", longest=128)
    remark = Text("流程备注", longest=1024)
    robotGroupId = Id("机器人组 ID", kind="robot_group")
    isRecord = Flag("是否录屏")
    isDeleted = Flag("是否删除")
    activePackageId = Id("当前激活的流程包 ID", kind="package", additive=True)
    inParameters = Items(Parameter, "默认入参列表", additive=True)
    adapter = Text("厂商连接名称", longest=64, additive=True)


class ProcessListResult(ListResult):
    """Table 33."""

    processes = Items(ProcessRow, "流程列表")


@operation(
    "P18", "/api/platform/process/list", clause="6.2.5.5", title="查询流程列表",
    request=ProcessListRequest, response=ProcessListResult,
)
def process_list(ctx: Context, params: Params) -> Answer:
    """List the processes of a department and of those below it."""
