"""Robot groups (clause 6.2.10)."""
from __future__ import annotations

from plugins.context import Context
from plugins.fields import Flag, Id, Items, Record, Text
from plugins.operation import Answer, Params, operation
from plugins.paging import ListRequest, ListResult
from plugins.records import CreateRequest, Dated


class RobotGroupCreateRequest(CreateRequest):
    """Table 75."""

    depId = Id("部门 ID", kind="department", required=True)
    robotGroupName = Text("机器人组名称", longest=128, required=True)
    remark = Text("备注", longest=1024)


class RobotGroupCreateResult(Record):
    """Table 76."""

    robotGroupId = Id("机器人组 ID", kind="robot_group")


@operation(
    "P44", "/api/platform/robot-group/create", clause="6.2.10.6", title="创建机器人组",
    request=RobotGroupCreateRequest, response=RobotGroupCreateResult,
)
def robot_group_create(ctx: Context, params: Params) -> Answer:
    """Create a robot group."""


class RobotGroupDeleteRequest(Record):
    """Table 77."""

    robotGroupId = Id("机器人组 ID", kind="robot_group", required=True)
    dryRun = Flag("是否仅返回受影响的对象而不删除", additive=True)


class RobotGroupDeleteResult(Record):
    """Table 78."""

    affectedProcessIds = Items(Id(kind="process"), "受影响流程 ID 组")
    affectedTriggerIds = Items(Id(kind="trigger"), "受影响调度 ID 组")
    cancelledTaskIds = Items(Id(kind="task"), "被取消的排队任务 ID 组", additive=True)


@operation(
    "P45", "/api/platform/robot-group/delete", clause="6.2.10.7", title="删除机器人组",
    request=RobotGroupDeleteRequest, response=RobotGroupDeleteResult,
)
def robot_group_delete(ctx: Context, params: Params) -> Answer:
    """Delete a robot group and name the processes and triggers that used it."""


class RobotGroupUpdateRequest(Record):
    """Table 79."""

    robotGroupId = Id("机器人组 ID", kind="robot_group", required=True)
    robotGroupName = Text("机器人组名称", longest=128)
    remark = Text("备注", longest=1024)


@operation("P46", "/api/platform/robot-group/update", clause="6.2.10.8", title="更新机器人组", request=RobotGroupUpdateRequest)
def robot_group_update(ctx: Context, params: Params) -> Answer:
    """Change a robot group's particulars."""


class RobotGroupAppendRequest(Record):
    """Table 80."""

    robotIds = Items(Id(kind="robot"), "机器人 ID 组", required=True)
    robotGroupId = Id("机器人组 ID", kind="robot_group", required=True)


@operation("P47", "/api/platform/robot-group/append", clause="6.2.10.9", title="添加机器人到机器人组", request=RobotGroupAppendRequest)
def robot_group_append(ctx: Context, params: Params) -> Answer:
    """Add robots to a robot group."""


class RobotGroupRemoveRequest(Record):
    """Table 81."""

    robotIds = Items(Id(kind="robot"), "机器人 ID 组", required=True)
    robotGroupId = Id("机器人组 ID", kind="robot_group", required=True)


@operation("P48", "/api/platform/robot-group/remove", clause="6.2.10.10", title="机器人移出机器人组", request=RobotGroupRemoveRequest)
def robot_group_remove(ctx: Context, params: Params) -> Answer:
    """Take robots out of a robot group."""


class RobotGroupListRequest(ListRequest):
    """Table 82."""

    depId = Id("部门 ID", kind="department")


class RobotGroupRow(Dated):
    """One element of ``robotGroups`` (Table 83)."""

    robotGroupId = Id("机器人组 ID", kind="robot_group")
    depId = Id("部门 ID", kind="department")
    robotGroupName = Text("机器人组名称", longest=128)
    robotIds = Items(Id(kind="robot"), "机器人 ID 组")
    remark = Text("备注", longest=1024)
    isDeleted = Flag("是否删除")


class RobotGroupListResult(ListResult):
    """Table 83."""

    robotGroups = Items(RobotGroupRow, "机器人组列表")


@operation(
    "P49", "/api/platform/robot-group/list", clause="6.2.10.11", title="查询机器人组列表",
    request=RobotGroupListRequest, response=RobotGroupListResult,
)
def robot_group_list(ctx: Context, params: Params) -> Answer:
    """List the robot groups of a department and of those below it."""
