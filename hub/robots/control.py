"""Starting and stopping robots (clauses 6.3.1.2 and 6.3.1.3): what is wanted of one is written, and its machine follows within seconds.

A vendor's robot is told through its adapter.
"""
from __future__ import annotations

from contextlib import suppress

from sqlalchemy import update

from hub import connections
from hub.call import Call
from hub.models import Connection, Robot
from hub.services.task_control import task_cancel
from plugins import codes
from plugins.errors import Conflict, NotSupported


def connection_of(call: Call, row: Robot) -> Connection:
    """The connection that a robot belongs to."""
    return call.session.get_one(Connection, row.connection_id)


def start(call: Call, row: Robot) -> None:
    """Let a robot run; one that runs goes on (erratum E67). Raises Conflict (11001) for a disabled one."""
    if not row.is_enabled:
        raise Conflict("机器人已停用", code=codes.ROBOT_STATE)
    connection = connection_of(call, row)
    if connections.runs_here(call.hub, connection):
        want(call, row, is_stopped=False)
    else:
        call.ask(connection, "robot_api_start", {"robotId": row.reference})


def stop(call: Call, row: Robot, force: bool | None = None) -> None:
    """End a robot once its task has ended, or ``force`` has cancelled that."""
    connection = connection_of(call, row)
    if connections.runs_here(call.hub, connection):
        want(call, row, is_stopped=True)
        end_task(call, row, force)
    else:
        call.ask(connection, "robot_api_stop", {"robotId": row.reference})


def want(call: Call, row: Robot, **wanted: bool) -> None:
    """Write what is wanted of a robot of ours. Raises NotSupported for a vendor's, which has its own ways."""
    connection = connection_of(call, row)
    if not connections.runs_here(call.hub, connection):
        raise NotSupported("该机器人由厂商平台管理，请在厂商平台上操作")
    call.session.execute(update(Robot).where(Robot.id == row.id).values(**wanted))
    call.session.refresh(row)  # It may have taken a task meanwhile.


def end_task(call: Call, row: Robot, force: bool | None) -> None:
    """Cancel the task that a robot runs, where that is asked for. One that has just ended is no trouble."""
    if force and row.task_id is not None:
        with suppress(Conflict):
            task_cancel(call, {"taskId": row.task_id})
