"""Task logs (clause 6.2.11.1)."""
from __future__ import annotations

from typing import Any

from sqlalchemy import select

from hub import connections
from hub.call import Call
from hub.models import Connection, Task, TaskLog
from hub.paging import through
from hub.scope import find
from hub.serving import serves
from hub.tasks import lifecycle
from plugins.fields import LOG_LEVELS
from plugins.operations import robot_api_task_log, task_log

MOST_LINES = 50_000


@serves(task_log.task_log_query, robot_api_task_log.robot_api_task_log_query)
def task_log_query(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """The lines of a task's log; of a task that still runs on a vendor's platform, as that platform has them now.

    ``logLevel`` is exact, as printed, unless ``logLevelMode`` is min (erratum E61). At most 50,000 lines at once; ``afterSeq`` goes on.
    """
    row = find(call, Task, params["taskId"], deleted=True)
    connection = call.session.get_one(Connection, row.connection_id)
    is_live = row.state in lifecycle.STARTED and row.reference is not None
    if is_live and connections.adapter_of(call.hub, connection).implements("task_log_query"):
        answer = call.ask(connection, "task_log_query", {"taskId": row.reference})
        lines = [{**line, "seq": seq} for seq, line in enumerate(answer.get("logs", []), 1)]
        return {"taskId": row.id, "logs": [line for line in lines if _wanted(line, params)][: params.get("limit") or MOST_LINES]}
    statement = select(TaskLog).where(TaskLog.task_id == row.id).order_by(TaskLog.seq)
    levels = _levels(params)
    if levels:
        statement = statement.where(TaskLog.level.in_(levels))
    if params.get("keyword"):
        statement = statement.where(TaskLog.message.icontains(params["keyword"], autoescape=True))
    if params.get("startTime"):
        statement = statement.where(TaskLog.logged_at >= params["startTime"])
    if params.get("endTime"):
        statement = statement.where(TaskLog.logged_at <= through(params["endTime"]))
    if params.get("afterSeq"):
        statement = statement.where(TaskLog.seq > params["afterSeq"])
    lines = [
        {"logTime": line.logged_at, "logLevel": line.level, "message": line.message, "seq": line.seq, "stepId": line.step}
        for line in call.session.scalars(statement.limit(min(params.get("limit") or MOST_LINES, MOST_LINES)))
    ]
    return {"taskId": row.id, "logs": lines}


def _levels(params: dict[str, Any]) -> tuple[str, ...]:
    level = params.get("logLevel")
    if not level:
        return ()
    return LOG_LEVELS[LOG_LEVELS.index(level) :] if params.get("logLevelMode") == "min" else (level,)


def _wanted(line: dict[str, Any], params: dict[str, Any]) -> bool:
    levels = _levels(params)
    at = line.get("logTime")
    return (
        (not levels or line.get("logLevel") in levels)
        and (params.get("keyword") or "").lower() in str(line.get("message", "")).lower()
        and line["seq"] > (params.get("afterSeq") or 0)
        and not (at and params.get("startTime") and at < params["startTime"])
        and not (at and params.get("endTime") and at > through(params["endTime"]))
    )
