"""Licences (clauses 6.2.16 and 6.3.8)."""
from __future__ import annotations

from typing import Any

from adapters.standard.client import ask
from adapters.standard.declared import declared
from adapters.standard.form import is_robot
from plugins import Context, hookimpl
from plugins.operations.license import license_info as platform_license_info
from plugins.operations.robot_api_license import robot_api_license_info as robot_license_info


@hookimpl
def license_info(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    """The licences of a platform; of a robot its own one, which it uses."""
    if not is_robot(ctx.connection):
        return ask(ctx, declared(platform_license_info), params)
    one = ask(ctx, declared(robot_license_info), {})
    return {"licenses": [{**one, "quantity": 1, "used_quantity": 1}] if one else []}
