"""Processes (clause 6.2.5)."""
from __future__ import annotations

from typing import Any

from sqlalchemy import select

from hub.call import Call
from hub.connections import NATIVE
from hub.models import Connection, Department, Package, Process, RobotGroup
from hub.paging import page
from hub.resource import platform_names, refuse_taken
from hub.scope import find, within_department
from hub.serving import serves
from plugins.errors import InvalidInput
from plugins.operations import process


@serves(process.process_create)
def process_create(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """A process of the native robots; those of vendor platforms are imported."""
    home = find(call, Department, params["depId"])
    group = find(call, RobotGroup, params["robotGroupId"])
    name = params["processName"]
    refuse_taken(call, Process, f"流程 {name}", Process.department_id == home.id, Process.name == name)
    native = call.session.scalars(select(Connection).where(Connection.adapter == NATIVE)).one()
    row = Process(
        department_id=home.id,
        connection_id=native.id,
        name=params["processName"],
        remark=params.get("remark"),
        robot_group_id=group.id,
        is_record=params["isRecord"],
    )
    call.session.add(row)
    call.session.flush()
    return {"processId": row.id}


@serves(process.process_activate_package_version)
def process_activate_package_version(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """From now on the process runs this package, with these parameters where a task names no others. Running tasks keep theirs."""
    row = find(call, Process, params["processId"])
    chosen = find(call, Package, params["packageId"])
    if chosen.connection_id != row.connection_id:
        raise InvalidInput("流程包与流程不属于同一平台")
    row.package_id = chosen.id
    if params.get("inParameters") is not None:
        row.in_parameters = distinct(params["inParameters"])
    return {}


@serves(process.process_list)
def process_list(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """The processes of a department and those below it, of all platforms."""
    statement = within_department(select(Process), Process, call, params.get("depId"), params.get("includeChildren") is False)
    rows, paging = page(call, statement, Process, params, search=(Process.name, Process.remark))
    platforms = platform_names(call, rows)
    processes = [
        {
            "processId": row.id,
            "depId": row.department_id,
            "processName": row.name,
            "remark": row.remark,
            "robotGroupId": row.robot_group_id,
            "isRecord": row.is_record,
            "isDeleted": row.is_deleted,
            "activePackageId": row.package_id,
            "adapter": platforms[row.connection_id],
        }
        for row in rows
    ]
    return {"processes": processes, **paging}


def distinct(parameters: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The parameters, refused when a name stands twice (erratum E62)."""
    names = [each["name"] for each in parameters]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidInput(f"参数名重复：{'、'.join(twice)[:200]}")
    return [{"name": each["name"], "value": each.get("value", "")} for each in parameters]
