"""What becomes of commands and upgrades whose machine is gone: the scheduler's part, for no robot may be held for ever."""
from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select

from hub.core import Hub
from hub.database import now
from hub.machines import commands, holds
from hub.machines.commands import DESKTOP, DONE, DRAINING, EXECUTING, FAILED, REQUESTED
from hub.machines.here import is_served
from hub.machines.power import TIME_TO_CANCEL
from hub.machines.upgrades import give_up_lost
from hub.models import Machine, MachineCommand
from hub.models.machine import OPEN_STATES

TIME_TO_BEGIN = timedelta(seconds=60)
TIME_TO_LOCK = timedelta(seconds=60)
TIME_TO_COME_BACK = timedelta(minutes=30)


def sweep_machines(hub: Hub) -> None:
    """One round."""
    with hub.db.read() as session:
        rows = session.execute(
            select(MachineCommand, Machine).join(Machine, Machine.id == MachineCommand.machine_id).where(MachineCommand.state.in_(OPEN_STATES))
        )
        found = [(command, is_served(hub, machine)) for command, machine in rows]
    for command, served in found:
        verdict = _verdict(hub, command, served, now())
        if verdict is not None:
            with hub.db.write() as session:
                commands.change(session, command, verdict[0], result=verdict[1])
    give_up_lost(hub)
    holds.release_forgotten(hub)


def _verdict(hub: Hub, command: MachineCommand, served: bool, moment: datetime) -> tuple[str, str] | None:
    """How a command that nobody ends any more has ended. A living host ends its own ones."""
    if served:
        return None
    if command.kind in DESKTOP:
        return (FAILED, "计算机上的主机没有响应") if moment - command.created_at > TIME_TO_LOCK else None
    if command.state == REQUESTED:
        return (FAILED, "计算机上没有运行中的主机") if moment - command.created_at > TIME_TO_BEGIN else None
    if command.state == DRAINING and command.drained_from is not None:
        patience = timedelta(seconds=command.timeout) + TIME_TO_CANCEL + TIME_TO_BEGIN
        return (FAILED, "等待任务结束期间计算机失去联系") if moment - command.drained_from > patience else None
    if command.state == EXECUTING and command.executed_at is not None:
        gone = moment - command.executed_at
        if command.kind == "shutdown":
            return (DONE, "计算机已关机") if gone > timedelta(seconds=hub.settings.robot_timeout) else None
        return (FAILED, "计算机重启后没有恢复联系") if gone > TIME_TO_COME_BACK else None
    return None
