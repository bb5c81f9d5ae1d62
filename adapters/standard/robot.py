"""Robots (clause 6.2.10.1 to 6.2.10.5)."""
from __future__ import annotations

from typing import Any

from adapters.standard.client import ask, supported
from adapters.standard.declared import declared
from adapters.standard.form import is_robot
from adapters.standard.forwarding import forwarded
from adapters.standard.home import department
from plugins import Context, hookimpl
from plugins.operations import robot as platform

robot_delete = forwarded(platform.robot_delete)
robot_update = forwarded(platform.robot_update)
robot_query = forwarded(platform.robot_query)
robot_list = forwarded(platform.robot_list)


@hookimpl
def robot_create(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    """Create a robot on one of the platform's machines, in the connection's department."""
    operation = supported(ctx, None if is_robot(ctx.connection) else declared(platform.robot_create))
    return ask(ctx, operation, {**params, "depId": params.get("depId") or department(ctx)})
