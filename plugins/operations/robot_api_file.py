"""A robot's own interface: its files (clause 6.3.6)."""
from __future__ import annotations

from plugins.context import Context
from plugins.fields import Flag, Id, Items, Moment, Record, Text, Upload
from plugins.operation import Answer, Params, operation
from plugins.paging import ListRequest, ListResult
from plugins.records import QueryResult


class RobotApiFileCreateRequest(Record):
    """Table 148."""

    file = Upload("上传文件", required=True)
    folderPath = Text("文件夹路径", longest=1024, required=True)
    fileName = Text("文件名称", required=True)
    filePassword = Text("文件的访问密码（密文）。如果文件没有访问密码则不需要提供", longest=4096, secret=True)


class RobotApiFileCreateResult(Record):
    """Table 149; only here fileId is printed as a string (erratum E36)."""

    fileId = Id("文件 ID", kind="file", as_text=True)


@operation(
    "R21", "/api/robot/file/create", clause="6.3.6.1", title="创建文件",
    request=RobotApiFileCreateRequest, response=RobotApiFileCreateResult,
)
def robot_api_file_create(ctx: Context, params: Params) -> Answer:
    """Upload a file into a folder of the robot."""


class RobotApiFileDeleteRequest(Record):
    """Table 150."""

    fileId = Id("文件 ID", kind="file", required=True)


@operation("R22", "/api/robot/file/delete", clause="6.3.6.2", title="删除文件", request=RobotApiFileDeleteRequest)
def robot_api_file_delete(ctx: Context, params: Params) -> Answer:
    """Delete a file of the robot."""


class RobotApiFileUpdateRequest(Record):
    """Table 151; a missing folderPath leaves the folder as it is, where that is forgiven (erratum E57)."""

    fileId = Id("文件 ID", kind="file", required=True)
    fileName = Text("文件名称")
    filePassword = Text("文件的访问密码（密文）。如果文件没有访问密码则不需要提供", longest=4096, secret=True)
    file = Upload("上传文件")
    folderPath = Text("文件夹路径", longest=1024, required=True, forgiving=True)


@operation("R23", "/api/robot/file/update", clause="6.3.6.3", title="更新文件", request=RobotApiFileUpdateRequest)
def robot_api_file_update(ctx: Context, params: Params) -> Answer:
    """Rename or move a file of the robot, or replace its content."""


class RobotApiFileQueryRequest(Record):
    """Table 152."""

    fileId = Id("文件 ID", kind="file", required=True)
    filePassword = Text("文件的访问密码（密文）", longest=4096, secret=True, additive=True)


class RobotApiFileQueryResult(QueryResult):
    """Table 153."""

    fileName = Text("文件名称")
    folderPath = Text("文件夹路径", longest=1024)
    updateTime = Moment("文件更新时间，格式为 yyyy-MM-dd HH:mm:ss")
    fileId = Id("文件 ID", kind="file", additive=True)
    url = Text("文件下载地址（限时有效）", longest=4096, additive=True)
    digest = Text("内容摘要（SHA-256，十六进制）", longest=128, additive=True)


@operation(
    "R24", "/api/robot/file/query", clause="6.3.6.4", title="查询文件",
    request=RobotApiFileQueryRequest, response=RobotApiFileQueryResult,
)
def robot_api_file_query(ctx: Context, params: Params) -> Answer:
    """Show one file of the robot."""


class RobotApiFileListRequest(ListRequest):
    """Table 154."""


class RobotApiFileRow(Record):
    """One element of ``files`` (Table 155)."""

    fileId = Id("文件 ID", kind="file")
    fileName = Text("文件名称")
    isDeleted = Flag("是否删除")
    folderPath = Text("文件夹路径", longest=1024, additive=True)


class RobotApiFileListResult(ListResult):
    """Table 155."""

    files = Items(RobotApiFileRow, "文件列表")


@operation(
    "R25", "/api/robot/file/list", clause="6.3.6.5", title="查询文件列表",
    request=RobotApiFileListRequest, response=RobotApiFileListResult,
)
def robot_api_file_list(ctx: Context, params: Params) -> Answer:
    """List the files of the robot."""
