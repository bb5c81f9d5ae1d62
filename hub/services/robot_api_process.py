"""A robot's own interface: its processes (clause 6.3.4)."""
from __future__ import annotations

from typing import Any

from sqlalchemy import select

from hub.call import Call
from hub.models import Process
from hub.paging import page
from hub.scope import visible
from hub.serving import serves
from plugins.operations import robot_api_process

SORTABLE = {"processId": Process.id, "processName": Process.name}


@serves(robot_api_process.robot_api_process_list)
def robot_api_process_list(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """The processes that were made on the robot."""
    statement = visible(select(Process), Process, call)
    rows, paging = page(call, statement, Process, params, search=(Process.name, Process.remark), sortable=SORTABLE)
    found = [{"processId": row.id, "processName": row.name, "remark": row.remark, "isDeleted": row.is_deleted} for row in rows]
    return {"processes": found, **paging}
