"""A robot's own interface: its processes (clause 6.3.4)."""
from __future__ import annotations

from typing import Any

from sqlalchemy import select

from hub.call import Call
from hub.models import Package, Process
from hub.paging import page
from hub.resource import dates, refuse_blank, refuse_taken, take_over
from hub.robots.interface import own_robot, tell_own
from hub.scope import find, visible
from hub.services.process import activate, remove
from hub.serving import serves
from plugins.operations import robot_api_process

COLUMNS = {"processName": "name", "remark": "remark"}
SORTABLE = {"processId": Process.id, "processName": Process.name}


@serves(robot_api_process.robot_api_process_create)
def robot_api_process_create(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """A process of the robot alone: no other robot runs it, and the platform's lists do not show it."""
    _refuse_taken(call, params["processName"])
    made = tell_own(call, "robot_api_process_create", params)
    robot = own_robot(call)
    row = Process(department_id=robot.department_id, connection_id=robot.connection_id, local_robot_id=robot.id)
    row.reference = str(made["processId"]) if made else None
    take_over(row, params, COLUMNS)
    call.session.add(row)
    call.session.flush()
    return {"processId": row.id}


def _refuse_taken(call: Call, name: str, but: int | None = None) -> None:
    same = (Process.local_robot_id == call.caller.robot_id, Process.name == name)
    refuse_taken(call, Process, f"流程 {name}", *same, but=but)


@serves(robot_api_process.robot_api_process_activate_package_version)
def robot_api_process_activate_package_version(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """As on the platform: from now on the process runs this package."""
    process, package = find(call, Process, params["processId"]), find(call, Package, params["packageId"])
    given = {"processId": process.reference, "packageId": package.reference, "inParameters": params.get("inParameters") or []}
    tell_own(call, "robot_api_process_activate_package_version", given)
    return activate(call, params)


@serves(robot_api_process.robot_api_process_update)
def robot_api_process_update(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Changes what was sent."""
    refuse_blank(params, "processName")
    row = find(call, Process, params["processId"])
    if params.get("processName"):
        _refuse_taken(call, params["processName"], but=row.id)
    tell_own(call, "robot_api_process_update", {**params, "processId": row.reference})
    take_over(find(call, Process, params["processId"]), params, COLUMNS)
    return {}


@serves(robot_api_process.robot_api_process_delete)
def robot_api_process_delete(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Its waiting tasks are cancelled; what runs finishes."""
    remove(call, params["processId"], "robot_api_process_delete")
    return {}


@serves(robot_api_process.robot_api_process_list)
def robot_api_process_list(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """The processes that were made on the robot."""
    statement = visible(select(Process), Process, call)
    rows, paging = page(call, statement, Process, params, search=(Process.name, Process.remark), sortable=SORTABLE)
    found = [
        {
            "processId": row.id,
            "processName": row.name,
            "remark": row.remark,
            "isDeleted": row.is_deleted,
            "activePackageId": row.package_id,
            "inParameters": row.in_parameters,
            **dates(row),
        }
        for row in rows
    ]
    return {"processes": found, **paging}
