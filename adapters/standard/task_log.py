"""Task logs (clauses 6.2.11.1 and 6.3.7.1)."""
from __future__ import annotations

from typing import Any

from adapters.standard.client import ask
from adapters.standard.declared import declared
from adapters.standard.form import is_robot
from plugins import Context, VendorError, hookimpl
from plugins.operations.robot_api_task_log import robot_api_task_log_query
from plugins.operations.task_log import task_log_query as platform_task_log_query

AT_ONCE = 5000
MOST = 1_000_000


@hookimpl
def task_log_query(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    """The lines of a log, oldest first. From a peer that numbers them they are fetched piece by piece; others give all at once."""
    operation = declared(robot_api_task_log_query if is_robot(ctx.connection) else platform_task_log_query)
    wanted = params.get("limit") or MOST
    lines: list[dict[str, Any]] = []
    after = params.get("afterSeq") or 0
    while len(lines) < wanted:
        asked = {**params, "limit": min(AT_ONCE, wanted - len(lines)), **({"afterSeq": after} if after else {})}
        found = ask(ctx, operation, asked, shown=declared(platform_task_log_query).response).get("logs", [])
        fresh = [line for line in found if line.get("seq", after + 1) > after]
        lines += fresh
        if len(fresh) < asked["limit"] or "seq" not in fresh[-1]:
            return {"logs": lines}
        after = fresh[-1]["seq"]
    if params.get("limit"):
        return {"logs": lines[:wanted]}
    raise VendorError(f"任务日志超过 {MOST} 行")
