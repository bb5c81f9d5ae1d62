"""Process packages (clause 6.2.4)."""
from __future__ import annotations

from typing import Any

from sqlalchemy import select

from hub.api.downloads import signed_url
from hub.call import Call
from hub.connections import NATIVE
from hub.models import Connection, Department, Package
from hub.paging import page
from hub.resource import refuse_taken
from hub.scope import find, within_department
from hub.serving import serves
from plugins import codes
from plugins.errors import HubError
from plugins.operations import package


@serves(package.package_create)
def package_create(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """The content is checked by the platform it is for, stored under its digest, and never changes (erratum E70)."""
    home = find(call, Department, params["depId"])
    _refuse_taken(call, home, params)
    native = call.session.scalars(select(Connection).where(Connection.adapter == NATIVE)).one()
    content = params["package"]
    settings = call.hub.settings
    if content.size > settings.max_package:
        raise HubError(f"流程包不能超过 {settings.max_package} 字节", code=codes.TOO_LARGE)
    limits = {"max_package": settings.max_package, "max_unpacked": settings.max_unpacked}
    checked = call.ask(native, "package_create", {**params, "limits": limits})
    digest = call.hub.store.put(content)
    _refuse_taken(call, home, params)
    row = Package(
        department_id=home.id,
        connection_id=native.id,
        name=params["packageName"],
        version=params["packageVersion"],
        digest=digest,
        size=content.size,
        reference=str(checked.get("packageId") or digest),
    )
    call.session.add(row)
    call.session.flush()
    return {"packageId": row.id}


def _refuse_taken(call: Call, home: Department, params: dict[str, Any]) -> None:
    name, version = params["packageName"], params["packageVersion"]
    same = (Package.department_id == home.id, Package.name == name, Package.version == version)
    refuse_taken(call, Package, f"流程包 {name} {version}", *same)


@serves(package.package_query)
def package_query(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """The packages of a department and those below it, each with an expiring download address."""
    statement = within_department(select(Package), Package, call, params.get("depId"), params.get("includeChildren") is False)
    rows, paging = page(call, statement, Package, params, search=(Package.name, Package.version))
    packages = [
        {
            "packageName": row.name,
            "packageId": row.id,
            "packageVersion": row.version,
            "packageUrl": signed_url(call, "package", row.id) if row.digest and not row.is_deleted else "",
            "depId": row.department_id,
            "isDeleted": row.is_deleted,
            "digest": row.digest,
            "size": row.size,
            "createTime": row.created_at,
        }
        for row in rows
    ]
    return {"packageList": packages, "packages": packages, **paging}
