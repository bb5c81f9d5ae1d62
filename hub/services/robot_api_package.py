"""A robot's own interface: its process packages (clause 6.3.3)."""
from __future__ import annotations

from typing import Any

from sqlalchemy import select

from hub.call import Call
from hub.models import Package
from hub.paging import page
from hub.robots.interface import own_robot
from hub.scope import visible
from hub.services.package import add, remove
from hub.serving import serves
from plugins.operations import robot_api_package

SORTABLE = {"packageId": Package.id, "packageName": Package.name, "packageVersion": Package.version}


@serves(robot_api_package.robot_api_package_create)
def robot_api_package_create(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """A package of the robot alone; checked and kept as the platform's are."""
    robot = own_robot(call)
    return add(call, params, robot.department_id, robot.connection_id, "robot_api_package_create")


@serves(robot_api_package.robot_api_package_delete)
def robot_api_package_delete(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Refused (10503) while a process has it active or a task with it has not ended."""
    remove(call, params["packageId"], "robot_api_package_delete")
    return {}


@serves(robot_api_package.robot_api_package_query)
def robot_api_package_query(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """The packages that were uploaded to the robot, and where their contents lie on this machine."""
    statement = visible(select(Package), Package, call)
    rows, paging = page(call, statement, Package, params, search=(Package.name, Package.version), sortable=SORTABLE)
    packages = [
        {
            "packageId": row.id,
            "packageName": row.name,
            "packageVersion": row.version,
            "packagePath": call.hub.store.path(row.digest) if row.digest and not row.is_deleted else "",
            "isDeleted": row.is_deleted,
            "digest": row.digest,
        }
        for row in rows
    ]
    return {"packages": packages, **paging}
