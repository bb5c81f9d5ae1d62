"""The commands to machines: their state changes, each a compare-and-set that stands in the audit log."""
from __future__ import annotations

from typing import Any

import structlog
from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Session

from hub.database import now
from hub.machines import holds
from hub.models import AuditEntry, MachineCommand
from hub.models.machine import OPEN_STATES
from plugins import codes

REQUESTED, DRAINING, EXECUTING = OPEN_STATES
DONE, REFUSED, FAILED, CANCELLED = "done", "refused", "failed", "cancelled"
STATES = (*OPEN_STATES, DONE, REFUSED, FAILED, CANCELLED)
CANCELLABLE = (REQUESTED, DRAINING)
POWER = {"reboot": "重启", "shutdown": "关机"}
DESKTOP = {"lock": "锁屏", "unlock": "解锁"}
KINDS = (*POWER, *DESKTOP)
LONGEST_RESULT = 1000

log = structlog.get_logger(__name__)


def holder(command: MachineCommand) -> str:
    """The mark on the robots that a command holds."""
    return f"{holds.COMMAND}:{command.id}"


def open_on(session: Session, machine_id: int) -> list[MachineCommand]:
    """The commands to a machine that have not ended, oldest first."""
    statement = select(MachineCommand).where(MachineCommand.machine_id == machine_id, MachineCommand.state.in_(OPEN_STATES))
    return list(session.scalars(statement.order_by(MachineCommand.id)))


def change(session: Session, command: MachineCommand, state: str, **values: Any) -> bool:
    """Bring a command from the state that it was read in to another. False when somebody else was faster. An ended one holds no robot."""
    if state not in OPEN_STATES:
        values["ended_at"] = now()
    if values.get("result"):
        values["result"] = values["result"][:LONGEST_RESULT]
    statement = update(MachineCommand).where(MachineCommand.id == command.id, MachineCommand.state == command.state)
    changed = session.execute(statement.values(state=state, **values).execution_options(synchronize_session=False))
    assert isinstance(changed, CursorResult)
    if changed.rowcount != 1:
        return False
    if state not in OPEN_STATES:
        holds.release(session, holder(command))
    session.add(_audited(command, state, values.get("result")))
    log.warning("machine command", command_id=command.id, kind=command.kind, machine_id=command.machine_id, state=state, result=values.get("result"))
    return True


def _audited(command: MachineCommand, state: str, result: str | None) -> AuditEntry:
    subject = {"commandId": command.id, "machineId": command.machine_id, "robotId": command.robot_id, "state": state, "result": result}
    return AuditEntry(
        trace_id=command.trace_id,
        operation=f"machine_{command.kind}",
        actor=command.requested_by,
        client_ip="",
        subject={name: value for name, value in subject.items() if value is not None},
        result_code=(codes.ILLEGAL_STATE if state in (REFUSED, FAILED) else codes.OK).value,
    )
