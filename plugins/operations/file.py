"""Files (clause 6.2.14)."""
from __future__ import annotations

from plugins.context import Context
from plugins.fields import Flag, Id, Items, Moment, Record, Text, Upload, Whole
from plugins.operation import Answer, Params, operation
from plugins.paging import ListRequest, ListResult
from plugins.records import CreateRequest, QueryResult


class FileCreateRequest(CreateRequest):
    """Table 104."""

    depId = Id("部门 ID", kind="department", required=True)
    folderPath = Text("文件夹路径", longest=1024, required=True)
    fileName = Text("文件名称", required=True)
    filePassword = Text("文件的访问密码（密文）。如果文件没有访问密码则不需要提供", longest=4096, secret=True)
    file = Upload("上传管理平台的本地文件", required=True)


class FileCreateResult(Record):
    """Table 105."""

    fileId = Id("文件 ID", kind="file")


@operation("P62", "/api/platform/file/create", clause="6.2.14.1", title="创建文件", request=FileCreateRequest, response=FileCreateResult)
def file_create(ctx: Context, params: Params) -> Answer:
    """Upload a file into a folder."""


class FileDeleteRequest(Record):
    """Table 106."""

    fileId = Id("文件 ID", kind="file", required=True)


@operation("P63", "/api/platform/file/delete", clause="6.2.14.2", title="删除文件", request=FileDeleteRequest)
def file_delete(ctx: Context, params: Params) -> Answer:
    """Delete a file."""


class FileUpdateRequest(Record):
    """Table 107."""

    fileId = Id("文件 ID", kind="file", required=True)
    folderPath = Text("文件夹路径", longest=1024)
    fileName = Text("文件名称")
    filePassword = Text("文件的访问密码（密文）。如果文件没有访问密码则不需要提供", longest=4096, secret=True)
    file = Upload("上传管理平台的本地文件")
    depId = Id("部门 ID", kind="department", additive=True)
    newFilePassword = Text("新的访问密码（密文），空字符串表示取消密码", longest=4096, secret=True, additive=True)


@operation("P64", "/api/platform/file/update", clause="6.2.14.3", title="更新文件", request=FileUpdateRequest)
def file_update(ctx: Context, params: Params) -> Answer:
    """Rename or move a file, or replace its content."""


class FileQueryRequest(Record):
    """Table 108."""

    fileId = Id("文件 ID", kind="file", required=True)
    filePassword = Text("文件的访问密码（密文）", longest=4096, secret=True, additive=True)


class FileQueryResult(QueryResult):
    """Table 109."""

    fileName = Text("文件名称")
    url = Text("文件在管理平台的下载地址", longest=4096)
    isDeleted = Flag("是否删除")
    depId = Id("部门 ID", kind="department")
    folderPath = Text("文件夹路径", longest=1024)
    updateTime = Moment("文件更新时间，格式为 yyyy-MM-dd HH:mm:ss")
    fileId = Id("文件 ID", kind="file", additive=True)
    digest = Text("内容摘要（SHA-256，十六进制）", longest=128, additive=True)
    size = Whole("文件大小（字节）", additive=True)
    version = Whole("文件内容版本", additive=True)
    isProtected = Flag("是否有访问密码", additive=True)


@operation("P65", "/api/platform/file/query", clause="6.2.14.4", title="查询文件", request=FileQueryRequest, response=FileQueryResult)
def file_query(ctx: Context, params: Params) -> Answer:
    """Show one file and where to download it."""


class FileListRequest(ListRequest):
    """Table 110."""

    depId = Id("部门 ID", kind="department")


class FileRow(Record):
    """One element of ``files`` (Table 111)."""

    fileId = Id("文件 ID", kind="file")
    fileName = Text("文件名称")
    folderPath = Text("文件夹路径", longest=1024)
    depId = Id("部门 ID", kind="department")
    isDeleted = Flag("是否删除")


class FileListResult(ListResult):
    """Table 111."""

    files = Items(FileRow, "文件列表")


@operation("P66", "/api/platform/file/list", clause="6.2.14.5", title="查询文件列表", request=FileListRequest, response=FileListResult)
def file_list(ctx: Context, params: Params) -> Answer:
    """List the files of a department and of those below it."""
