"""The repository of robot installers (X10, clause 5.3): operators upload them once, machines fetch them from an expiring address."""
from __future__ import annotations

from typing import Any

from sqlalchemy import select

from hub.api.downloads import signed_url
from hub.call import Call
from hub.models import RobotInstaller
from hub.paging import page
from hub.resource import dates, refuse_taken
from hub.scope import find
from hub.services.file import file_name
from plugins.errors import Conflict, InvalidInput
from plugins.fields import Flag, Id, Items, Record, Text, Upload, Whole
from plugins.files import FileContent
from plugins.operation import operation
from plugins.paging import ListRequest, ListResult
from plugins.records import Dated


class RobotInstallerUploadRequest(Record):
    """A new installer. ``installerName`` is the product, ``system`` the kind of system that it is for."""

    installerName = Text("安装包名称（产品名）", longest=128, required=True)
    installerVersion = Text("安装包版本", longest=64, required=True)
    system = Text("适用操作系统及架构，如 linux-x86_64", longest=64)
    file = Upload("安装包文件", required=True)
    digest = Text("安装包的 SHA-256（十六进制），提供时校验", longest=64)
    remark = Text("备注", longest=1024)


class RobotInstallerUploadResult(Record):
    """What was stored."""

    installerId = Id("安装包 ID", kind="robot_installer")
    digest = Text("内容摘要（SHA-256，十六进制）", longest=64)
    size = Whole("大小（字节）")


@operation(
    "X10", "/api/ext/robot-installer/upload", clause="X10", title="上传机器人安装包",
    request=RobotInstallerUploadRequest, response=RobotInstallerUploadResult, hook=False,
)
def robot_installer_upload(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Store an installer. A version is there once for each system (10502), and never changes."""
    content: FileContent = params["file"]
    system = (params.get("system") or "").strip()
    _refuse_taken(call, params, system)
    call.finish()
    sealed = call.hub.files.put(content)
    wanted = (params.get("digest") or "").strip().lower()
    if wanted and wanted != sealed.digest:
        call.hub.files.remove(sealed.blob)
        raise InvalidInput("安装包内容与 digest 不符")
    try:
        _refuse_taken(call, params, system)
    except Conflict:
        call.hub.files.remove(sealed.blob)
        raise
    row = RobotInstaller(
        name=params["installerName"].strip(),
        version=params["installerVersion"].strip(),
        system=system,
        file_name=file_name(content.name or f"{params['installerName']}-{params['installerVersion']}"),
        remark=params.get("remark"),
        blob=sealed.blob,
        sealed_key=sealed.sealed_key,
        digest=sealed.digest,
        size=sealed.size,
        created_by=call.caller.name,
    )
    call.session.add(row)
    call.session.flush()
    return {"installerId": row.id, "digest": row.digest, "size": row.size}


def _refuse_taken(call: Call, params: dict[str, Any], system: str) -> None:
    name, version = params["installerName"].strip(), params["installerVersion"].strip()
    same = (RobotInstaller.name == name, RobotInstaller.version == version, RobotInstaller.system == system)
    refuse_taken(call, RobotInstaller, f"安装包 {name} {version}", *same)


class RobotInstallerListRequest(ListRequest):
    """Which installers."""

    installerName = Text("安装包名称", longest=128)
    system = Text("适用操作系统及架构", longest=64)


class RobotInstallerRow(Dated):
    """One installer, with an address from which it can be fetched for a while."""

    installerId = Id("安装包 ID", kind="robot_installer")
    installerName = Text("安装包名称（产品名）", longest=128)
    installerVersion = Text("安装包版本", longest=64)
    system = Text("适用操作系统及架构", longest=64)
    fileName = Text("文件名")
    remark = Text("备注", longest=1024)
    digest = Text("内容摘要（SHA-256，十六进制）", longest=64)
    size = Whole("大小（字节）")
    url = Text("下载地址（限时有效）", longest=4096)
    uploader = Text("上传者", longest=128)
    isDeleted = Flag("是否删除")


class RobotInstallerListResult(ListResult):
    """A page of installers."""

    installers = Items(RobotInstallerRow, "安装包列表")


@operation(
    "X10", "/api/ext/robot-installer/list", clause="X10", title="查询机器人安装包列表",
    request=RobotInstallerListRequest, response=RobotInstallerListResult, hook=False,
)
def robot_installer_list(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """List the installers."""
    statement = select(RobotInstaller)
    if params.get("installerName"):
        statement = statement.where(RobotInstaller.name == params["installerName"])
    if params.get("system"):
        statement = statement.where(RobotInstaller.system == params["system"])
    sortable = {"installerId": RobotInstaller.id, "installerName": RobotInstaller.name, "installerVersion": RobotInstaller.version}
    search = (RobotInstaller.name, RobotInstaller.remark)
    rows, paging = page(call, statement, RobotInstaller, params, search=search, sortable=sortable)
    return {"installers": [_row(call, row) for row in rows], **paging}


def _row(call: Call, row: RobotInstaller) -> dict[str, Any]:
    return {
        "installerId": row.id,
        "installerName": row.name,
        "installerVersion": row.version,
        "system": row.system,
        "fileName": row.file_name,
        "remark": row.remark,
        "digest": row.digest,
        "size": row.size,
        "url": "" if row.is_deleted else signed_url(call, "installer", row.id),
        "uploader": row.created_by,
        "isDeleted": row.is_deleted,
        **dates(row),
    }


class RobotInstallerRequest(Record):
    """One installer."""

    installerId = Id("安装包 ID", kind="robot_installer", required=True)


@operation(
    "X10", "/api/ext/robot-installer/delete", clause="X10", title="删除机器人安装包", request=RobotInstallerRequest, hook=False,
)
def robot_installer_delete(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Delete an installer; addresses of it that were given out lead nowhere from then on."""
    find(call, RobotInstaller, params["installerId"]).is_deleted = True
    return {}
