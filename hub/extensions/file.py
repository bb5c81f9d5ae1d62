"""The platform's files at run time (X14): read and written by running tasks."""
from __future__ import annotations

from typing import Any

from hub.api.downloads import signed_url
from hub.call import Call
from hub.models import FileVersion, StoredFile
from hub.robots.run_time import files_of, running_task
from hub.services.file import file_name, folder_path, new_version, require_password
from plugins import codes
from plugins.errors import InvalidInput, NotFound
from plugins.fields import Id, Record, Text, Upload, Whole
from plugins.operation import operation

LONGEST_PATH = 1280


class FileReadRequest(Record):
    """A file, by its path, for a running task."""

    taskId = Id("正在执行的任务 ID", kind="task", required=True)
    filePath = Text("文件路径，如 /日报/余额.xlsx", longest=LONGEST_PATH, required=True)
    filePassword = Text("文件密码（密文）", longest=4096, secret=True)


class FileReadResult(Record):
    """The present version of the file, and where it is fetched."""

    fileId = Id("文件 ID", kind="file")
    fileName = Text("文件名称")
    folderPath = Text("文件夹路径", longest=1024)
    version = Whole("版本号")
    size = Whole("文件大小（字节）")
    digest = Text("文件内容的 SHA-256", longest=64)
    url = Text("下载地址", longest=2048)


@operation(
    "X14", "/api/ext/file/read", clause="X14", title="任务读取文件", request=FileReadRequest, response=FileReadResult, hook=False,
)
def file_read(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Give a running task a file of the robot's department, or of one above it."""
    running_task(call, params["taskId"])
    folder, name = _split(params["filePath"])
    found = files_of(call, folder, name)
    if not found:
        raise NotFound(f"stored_file {params['filePath']}")
    row = found[0]
    require_password(call, row, params.get("filePassword"))
    current = call.session.get_one(FileVersion, (row.id, row.version))
    return {
        "fileId": row.id,
        "fileName": row.name,
        "folderPath": row.folder_path,
        "version": row.version,
        "size": current.size,
        "digest": current.digest,
        "url": signed_url(call, "file", row.id) if call.base_url else "",
    }


class FileWriteRequest(FileReadRequest):
    """Its new content."""

    file = Upload("文件内容", required=True)


class FileWriteResult(Record):
    """The version that was made."""

    fileId = Id("文件 ID", kind="file")
    version = Whole("版本号")


@operation(
    "X14", "/api/ext/file/write", clause="X14", title="任务写入文件", request=FileWriteRequest, response=FileWriteResult, hook=False,
)
def file_write(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Store a content for a running task: a new version of the file in the robot's department, or a new file there."""
    running_task(call, params["taskId"])
    folder, name = _split(params["filePath"])
    if params["file"].size > call.hub.settings.max_request:
        raise InvalidInput(f"文件不能超过 {call.hub.settings.max_request >> 20} MiB", code=codes.TOO_LARGE)
    _own(call, folder, name, params)
    call.finish()  # No transaction is open while the content is encrypted and stored.
    sealed = call.hub.files.put(params["file"])
    row = _own(call, folder, name, params)
    if row is None:
        row = StoredFile(department_id=call.caller.department_id, folder_path=folder, name=name)
        call.session.add(row)
    else:
        row.version += 1
    call.session.flush()
    call.session.add(new_version(call, row, sealed))
    return {"fileId": row.id, "version": row.version}


def _own(call: Call, folder: str, name: str, params: dict[str, Any]) -> StoredFile | None:
    """The file of that path in the robot's own department, or of the robot itself. Raises HubError where it needs a password that was not sent."""
    own = (row for row in files_of(call, folder, name) if row.department_id == call.caller.department_id)
    row = next(own, None)
    if row is not None:
        require_password(call, row, params.get("filePassword"))
    return row


def _split(path: str) -> tuple[str, str]:
    folder, _, name = path.rpartition("/")
    if not name.strip():
        raise InvalidInput("filePath 应以文件名结尾")
    return folder_path(folder or "/"), file_name(name)
