"""Processes (clauses 6.2.5 and 6.3.4)."""
from __future__ import annotations

from typing import Any

from adapters.standard.client import ask
from adapters.standard.declared import declared
from adapters.standard.form import is_robot
from adapters.standard.forwarding import forwarded
from adapters.standard.home import department, robot_group
from plugins import Context, hookimpl
from plugins.operations import process as platform
from plugins.operations import robot_api_process as robot

process_activate_package_version = forwarded(
    platform.process_activate_package_version, robot.robot_api_process_activate_package_version
)
process_delete = forwarded(platform.process_delete, robot.robot_api_process_delete)
process_update = forwarded(platform.process_update, robot.robot_api_process_update)
process_list = forwarded(platform.process_list, robot.robot_api_process_list)


@hookimpl
def process_create(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    """Create a process; at a platform in the connection's department and for the connection's robot group."""
    if is_robot(ctx.connection):
        return ask(ctx, declared(robot.robot_api_process_create), params)
    needed: dict[str, Any] = {"isRecord": False, **params}
    needed["depId"] = params.get("depId") or department(ctx)
    needed["robotGroupId"] = params.get("robotGroupId") or robot_group(ctx)
    return ask(ctx, declared(platform.process_create), needed)
