"""Robot groups (clause 6.2.10.6 to 6.2.10.11)."""
from __future__ import annotations

from typing import Any

from adapters.standard.client import ask, supported
from adapters.standard.declared import declared
from adapters.standard.form import is_robot
from adapters.standard.forwarding import forwarded
from adapters.standard.home import department
from plugins import Context, hookimpl
from plugins.operations import robot_group as platform

robot_group_delete = forwarded(platform.robot_group_delete)
robot_group_update = forwarded(platform.robot_group_update)
robot_group_append = forwarded(platform.robot_group_append)
robot_group_remove = forwarded(platform.robot_group_remove)
robot_group_list = forwarded(platform.robot_group_list)


@hookimpl
def robot_group_create(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    """Create a robot group in the connection's department."""
    operation = supported(ctx, None if is_robot(ctx.connection) else declared(platform.robot_group_create))
    return ask(ctx, operation, {**params, "depId": params.get("depId") or department(ctx)})
