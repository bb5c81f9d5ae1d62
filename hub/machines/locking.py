"""Locking and unlocking the desktops of this machine's robots, at the wish of an operator (clause 5.1.3)."""
from __future__ import annotations

from typing import Any

from sqlalchemy import select

from hub import connections
from hub.core import Hub
from hub.database import now
from hub.machines import commands
from hub.machines.commands import DESKTOP, DONE, EXECUTING, FAILED
from hub.machines.here import Here
from hub.models import Connection, MachineCommand, Robot
from hub.tasks import lifecycle
from plugins.errors import HubError


def step(here: Here) -> None:
    """Carry out what is wanted, one after the other. What a dead host had begun is not begun again."""
    with here.hub.db.read() as session:
        wanted = [each for each in commands.open_on(session, here.machine_id) if each.kind in DESKTOP]
    for command in wanted:
        if command.state == EXECUTING:
            with here.hub.db.write() as session:
                commands.change(session, command, FAILED, result="执行期间主机中断")
            continue
        with here.hub.db.write() as session:
            begun = commands.change(session, command, EXECUTING, claimed_by=here.key, executed_at=now())
        if begun:
            command.state = EXECUTING
            _carry_out(here, command)


def _carry_out(here: Here, command: MachineCommand) -> None:
    with here.hub.db.read() as session:
        robot = session.get_one(Robot, command.robot_id)
    try:
        answer = set_lock(here.hub, robot, command.kind == "lock", command.trace_id)
    except HubError as error:
        with here.hub.db.write() as session:
            commands.change(session, command, FAILED, result=error.reason or error.message)
        return
    with here.hub.db.write() as session:
        commands.change(session, command, DONE, result=answer["detail"])
        task_id = session.scalar(select(Robot.task_id).where(Robot.id == robot.id))
        if task_id is not None and answer["changed"]:
            who = f"由 {command.requested_by} {DESKTOP[command.kind]}：{answer['detail']}"
            lifecycle.note(session, task_id, "locked" if command.kind == "lock" else "unlocked", who)


def set_lock(hub: Hub, robot: Robot, locked: bool, trace_id: str) -> dict[str, Any]:
    """Lock or unlock the robot's desktop through its adapter. Raises HubError, with the reason, where that is not possible."""
    with hub.db.read() as session:
        connection = session.get_one(Connection, robot.connection_id)
    params = {"isLocked": locked, "machineUsername": robot.machine_username or "", "desktopType": robot.desktop_type}
    return connections.ask(hub, connection, "desktop_lock", params, trace_id=trace_id)


def note_restored(hub: Hub) -> None:
    """Have the desktops locked again that dead runs of this machine have left unlocked, and note it in the timelines of their tasks."""
    with hub.db.read() as session:
        native = session.scalars(select(Connection).where(Connection.adapter == connections.NATIVE)).one()
    restored = connections.ask(hub, native, "desktop_restore", {}, trace_id="")["restored"]
    for each in restored:
        with hub.db.write() as session:
            lifecycle.note(session, int(each["taskId"]), "locked", each["detail"])
