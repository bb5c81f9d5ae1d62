"""Process packages (clause 6.2.4)."""
from __future__ import annotations

from typing import Any

from sqlalchemy import select

from hub import connections
from hub.api.downloads import signed_url
from hub.binding import platform_of
from hub.call import Call
from hub.connections import NATIVE
from hub.models import Connection, Department, Package, Process, Task, Trigger
from hub.paging import page
from hub.resource import ask_platform, dates, refuse_taken
from hub.scope import find, within_department
from hub.services.trigger import refuse_in_use
from hub.serving import serves
from hub.tasks import lifecycle
from plugins import codes
from plugins.errors import Conflict, HubError
from plugins.operations import package


@serves(package.package_create)
def package_create(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """The content is checked by the platform it is for, stored under its digest, and never changes (erratum E70)."""
    home = find(call, Department, params["depId"])
    return add(call, params, home.id, platform_of(call, params, home).id, "package_create")


def add(call: Call, params: dict[str, Any], department_id: int, connection_id: int, operation: str) -> dict[str, Any]:
    """Check a package by the platform that it is for (``operation``), store its content, and note it: for a robot that calls, as its own."""
    _refuse_taken(call, department_id, params)
    content = params["package"]
    settings = call.hub.settings
    if content.size > settings.max_package:
        raise HubError(f"流程包不能超过 {settings.max_package} 字节", code=codes.TOO_LARGE)
    limits = {"max_package": settings.max_package, "max_unpacked": settings.max_unpacked}
    connection = call.session.get_one(Connection, connection_id)
    runs_here = connections.runs_here(call.hub, connection)
    told = {name: params[name] for name in ("packageName", "packageVersion", "package")}
    checked = call.ask(connection, "package_create" if runs_here else operation, {**told, "limits": limits})
    digest = call.hub.store.put(content)
    _refuse_taken(call, department_id, params)
    _hold_contents(call)
    if not call.hub.store.has(digest):
        call.hub.store.put(content)
    row = Package(
        department_id=department_id,
        local_robot_id=call.caller.robot_id,
        connection_id=connection_id,
        name=params["packageName"],
        version=params["packageVersion"],
        digest=digest,
        size=content.size,
        reference=str(checked.get("packageId") or digest),
    )
    call.session.add(row)
    call.session.flush()
    return {"packageId": row.id}


def _refuse_taken(call: Call, department_id: int, params: dict[str, Any]) -> None:
    name, version, robot_id = params["packageName"], params["packageVersion"], call.caller.robot_id
    same = (Package.department_id == department_id, Package.local_robot_id == robot_id, Package.name == name, Package.version == version)
    refuse_taken(call, Package, f"流程包 {name} {version}", *same)


def _hold_contents(call: Call) -> None:
    """Let one call at a time decide whether a content is needed: it must not be removed while another package of it is being made.

    Contents are shared by the packages of all platforms, so that all calls wait for one row.
    """
    call.session.execute(select(Connection.id).where(Connection.adapter == NATIVE).with_for_update())


@serves(package.package_delete)
def package_delete(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Refused (10503) while a process has the package active, an active trigger names it, or a task with it has not ended (erratum E70).

    Its content goes when no other package has the same.
    """
    remove(call, params["packageId"], "package_delete")
    return {}


def remove(call: Call, package_id: int, operation: str) -> None:
    """Delete a package that nothing uses, at its platform first by ``operation``."""
    row = _unused(call, package_id)
    if ask_platform(call, row, operation, {"packageId": row.reference}):
        row = _unused(call, package_id)
    _hold_contents(call)
    row.is_deleted = True
    call.session.flush()
    same = select(Package.id).where(Package.digest == row.digest, Package.is_deleted.is_(False)).limit(1)
    if row.digest and call.session.scalar(same) is None:
        call.hub.store.remove(row.digest)


def _unused(call: Call, package_id: int) -> Package:
    row = find(call, Package, package_id)
    active = select(Process.id).where(Process.package_id == row.id, Process.is_deleted.is_(False)).limit(1)
    if call.session.scalar(active) is not None:
        raise Conflict("流程包是流程当前激活的版本", code=codes.IN_USE)
    refuse_in_use(call, Trigger.package_id == row.id)
    unfinished = select(Task.id).where(lifecycle.IS_ACTIVE, Task.state.in_(lifecycle.ACTIVE), Task.package_id == row.id).limit(1)
    if call.session.scalar(unfinished) is not None:
        raise Conflict("有未结束的任务正在使用该流程包", code=codes.IN_USE)
    return row


@serves(package.package_query)
def package_query(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """The packages of a department and those below it, each with an expiring download address."""
    statement = within_department(select(Package), Package, call, params.get("depId"), params.get("includeChildren") is False)
    sortable = {"packageId": Package.id, "packageName": Package.name, "packageVersion": Package.version, "depId": Package.department_id}
    rows, paging = page(call, statement, Package, params, search=(Package.name, Package.version), sortable=sortable)
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
            **dates(row),
        }
        for row in rows
    ]
    return {"packageList": packages, "packages": packages, **paging}
