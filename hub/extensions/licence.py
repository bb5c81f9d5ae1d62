"""Licence records (X16): imported from a file, listed, taken away."""
from __future__ import annotations

from typing import Any

from sqlalchemy import select

from hub import licence_file
from hub.call import Call
from hub.connections import NATIVE
from hub.database import now
from hub.licence_file import PERPETUAL, UNSIGNED, VERIFIED
from hub.models import Connection, Licence
from hub.paging import page
from hub.resource import platform_names, refuse_taken
from hub.scope import find, visible
from plugins.errors import InvalidInput
from plugins.fields import Flag, Id, Items, Moment, Record, Text, Upload, Whole
from plugins.operation import operation
from plugins.paging import ListRequest, ListResult


class LicenseImportRequest(Record):
    """A licence file, signed or plain."""

    file = Upload("许可文件（JSON，可带 Ed25519 签名）", required=True)


class LicenseImportResult(Record):
    """What was taken from the file."""

    licenseIds = Items(Id(kind="licence"), "许可记录 ID 组")
    serial = Text("许可文件编号")
    signature = Text("签名状态（verified-已验证 unsigned-无签名）", choices=(VERIFIED, UNSIGNED))


@operation(
    "X16", "/api/ext/license/import", clause="X16", title="导入许可文件",
    request=LicenseImportRequest, response=LicenseImportResult, hook=False,
)
def license_import(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Take over the licences of a file. A file counts once: its serial is refused the second time."""
    read = licence_file.read(params["file"], call.hub.settings)
    refuse_taken(call, Licence, f"许可文件 {read.serial}", Licence.serial == read.serial)
    rows = [
        Licence(
            connection_id=_connection(call, line.get("connection") or NATIVE).id,
            type=line["type"],
            product=line.get("product"),
            quantity=line["quantity"],
            expires_at=line.get("licenseExpirationTime"),
            serial=read.serial,
            line=number,
            issuer=read.document.get("issuer"),
            holder=read.document.get("holder"),
            issued_at=read.document.get("issueTime"),
            signature=read.signature,
            imported_by=call.caller.name,
        )
        for number, line in enumerate(read.document["licenses"], 1)
    ]
    call.session.add_all(rows)
    call.session.flush()
    return {"licenseIds": [row.id for row in rows], "serial": read.serial, "signature": read.signature}


def _connection(call: Call, name: str) -> Connection:
    statement = select(Connection).where(Connection.name == name, Connection.is_deleted.is_(False))
    found = call.session.scalar(statement if name == NATIVE else visible(statement, Connection, call))
    if found is None:
        raise InvalidInput(f"许可文件中的厂商连接 {name} 不存在")
    return found


class LicenseRecordRow(Record):
    """One licence."""

    licenseId = Id("许可记录 ID", kind="licence")
    type = Text("许可类型")
    product = Text("产品名称")
    adapter = Text("厂商连接名称")
    quantity = Whole("数量")
    licenseExpirationTime = Moment("许可到期时间")
    isExpired = Flag("是否已过期")
    serial = Text("许可文件编号")
    issuer = Text("签发方")
    holder = Text("被许可方")
    issueTime = Moment("签发时间")
    signature = Text("签名状态（verified-已验证 unsigned-无签名）", choices=(VERIFIED, UNSIGNED))
    importedBy = Text("导入人")
    createTime = Moment("导入时间")
    isDeleted = Flag("是否删除")


class LicenseListResult(ListResult):
    """A page of licences."""

    licenses = Items(LicenseRecordRow, "许可列表")


@operation(
    "X16", "/api/ext/license/list", clause="X16", title="查询许可记录列表",
    request=ListRequest, response=LicenseListResult, hook=False,
)
def license_list(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """List the imported licences with where they came from."""
    own = visible(select(Connection.id), Connection, call)
    native = select(Connection.id).where(Connection.adapter == NATIVE)
    statement = select(Licence).where(Licence.connection_id.in_(own) | Licence.connection_id.in_(native))
    columns = (Licence.type, Licence.product, Licence.serial, Licence.holder)
    rows, paging = page(call, statement, Licence, params, search=columns, sortable={"licenseId": Licence.id, "licenseExpirationTime": Licence.expires_at})
    platforms = platform_names(call, rows)
    moment = now()
    licenses = [
        {
            "licenseId": row.id,
            "type": row.type,
            "product": row.product,
            "adapter": platforms[row.connection_id],
            "quantity": row.quantity,
            "licenseExpirationTime": row.expires_at or PERPETUAL,
            "isExpired": row.expires_at is not None and row.expires_at <= moment,
            "serial": row.serial,
            "issuer": row.issuer,
            "holder": row.holder,
            "issueTime": row.issued_at,
            "signature": row.signature,
            "importedBy": row.imported_by,
            "createTime": row.created_at,
            "isDeleted": row.is_deleted,
        }
        for row in rows
    ]
    return {"licenses": licenses, **paging}


class LicenseDeleteRequest(Record):
    """Names one licence."""

    licenseId = Id("许可记录 ID", kind="licence", required=True)


@operation("X16", "/api/ext/license/delete", clause="X16", title="删除许可记录", request=LicenseDeleteRequest, hook=False)
def license_delete(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Take a licence away, as after a wrong import."""
    row = find(call, Licence, params["licenseId"])
    find(call, Connection, row.connection_id)
    row.is_deleted = True
    return {}
