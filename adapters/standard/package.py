"""Process packages (clauses 6.2.4 and 6.3.3)."""
from __future__ import annotations

from typing import Any

from adapters.standard.client import ask
from adapters.standard.declared import declared
from adapters.standard.form import is_robot
from adapters.standard.forwarding import forwarded
from adapters.standard.home import department
from plugins import Context, hookimpl
from plugins.operations import package as platform
from plugins.operations import robot_api_package as robot

package_delete = forwarded(platform.package_delete, robot.robot_api_package_delete)
package_query = forwarded(platform.package_query, robot.robot_api_package_query)


@hookimpl
def package_create(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    """Upload one version of a process package, into the connection's department."""
    if is_robot(ctx.connection):
        return ask(ctx, declared(robot.robot_api_package_create), params)
    return ask(ctx, declared(platform.package_create), {**params, "depId": params.get("depId") or department(ctx)})
