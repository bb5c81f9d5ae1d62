"""Keeping the robots of a machine from new tasks for a while.

The mark is of its own: whoever lifts it undoes no pause that a person wanted. A robot with the mark can claim no task, whatever its worker has
taken from a queue already, so that a machine without running tasks stays without.
"""
from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from hub import connections
from hub.call import Call, Caller
from hub.connections import NATIVE
from hub.core import Hub
from hub.database import now
from hub.dispatch import Dispatcher
from hub.models import Connection, MachineCommand, Robot, Task, UpgradeItem
from hub.models.machine import OPEN_STATES
from hub.models.upgrade import UNFINISHED_STATES
from hub.scope import visible
from hub.tasks import lifecycle
from hub.tasks.running import send_command
from plugins import codes
from plugins.errors import Refused

COMMAND, UPGRADE = "command", "upgrade"


@dataclass(frozen=True)
class Running:
    """A task that runs on a robot of a machine."""

    task_id: int
    robot_id: int
    robot_name: str
    state: str


def hold(session: Session, machine_id: int, holder: str) -> None:
    """Keep the machine's native robots from new tasks; again and again, as robots may be added meanwhile."""
    native = select(Connection.id).where(Connection.adapter == NATIVE)
    free = (Robot.machine_id == machine_id, Robot.held_by.is_(None), Robot.is_deleted.is_(False), Robot.connection_id.in_(native))
    statement = update(Robot).where(*free).values(held_by=holder, updated_at=Robot.updated_at)
    session.execute(statement.execution_options(synchronize_session=False))


def release(session: Session, holder: str) -> None:
    """Let the robots that this one holds take tasks again."""
    statement = update(Robot).where(Robot.held_by == holder).values(held_by=None, updated_at=Robot.updated_at)
    session.execute(statement.execution_options(synchronize_session=False))


def release_forgotten(hub: Hub) -> None:
    """Free the robots whose holder has ended, however that came about."""
    with hub.db.read() as session:
        holders = list(session.scalars(select(Robot.held_by).where(Robot.held_by.is_not(None)).distinct()))
        forgotten = [each for each in holders if each and not _is_open(session, each)]
    for holder in forgotten:
        with hub.db.write() as session:
            release(session, holder)


def _is_open(session: Session, holder: str) -> bool:
    kind, _, key = holder.partition(":")
    if kind == COMMAND:
        return session.scalar(select(MachineCommand.id).where(MachineCommand.id == int(key), MachineCommand.state.in_(OPEN_STATES))) is not None
    return session.scalar(select(UpgradeItem.id).where(UpgradeItem.id == int(key), UpgradeItem.state.in_(UNFINISHED_STATES))) is not None


def running_tasks(session: Session, machine_id: int) -> list[Running]:
    """The tasks that run on robots of a machine, of whatever platform."""
    statement = (
        select(Task.id, Robot.id, Robot.name, Task.state)
        .join(Robot, Robot.id == Task.robot_id)
        .where(lifecycle.IS_ACTIVE, Task.state.in_(lifecycle.STARTED), Task.run_key.is_not(None), Robot.machine_id == machine_id)
        .order_by(Task.id)
    )
    return [Running(*row) for row in session.execute(statement)]


def cancel_running(hub: Hub, running: list[Running], actor: str, why: str) -> None:
    """Have these tasks cancelled, each once; their ends are not waited for."""
    for each in running:
        with hub.db.write() as session:
            wanted = update(Task).where(Task.id == each.task_id, Task.state.in_(lifecycle.STARTED), Task.cancel_requested_at.is_(None))
            row = session.scalar(wanted.values(cancel_requested_at=now()).returning(Task).execution_options(synchronize_session=False))
            if row is None:
                continue
            lifecycle.note(session, row.id, "cancelling", why)
            connection = session.get_one(Connection, row.connection_id)
        if connections.adapter_of(hub, connection).implements("task_run"):
            send_command(hub, row.run_key or "", "cancel")
        else:
            dispatcher = Dispatcher(hub)
            caller = Caller(actor, permissions=frozenset({"*"}))
            dispatcher.call(dispatcher.catalogue["task_cancel"], {"taskId": row.id}, caller=caller)


def robots_of(session: Session, machine_id: int) -> list[Robot]:
    """The robots of a machine, of whatever platform."""
    return list(session.scalars(select(Robot).where(Robot.machine_id == machine_id, Robot.is_deleted.is_(False)).order_by(Robot.id)))


def refuse_shared(call: Call, machine_id: int) -> None:
    """Raise Refused (30001) where robots of others are on the machine: what ends their tasks is not for this caller."""
    there = select(Robot.id).where(Robot.machine_id == machine_id, Robot.is_deleted.is_(False))
    seen = set(call.session.scalars(visible(there, Robot, call)))
    if set(call.session.scalars(there)) - seen:
        raise Refused("计算机上有其他部门的机器人", code=codes.NO_PERMISSION)


def native_robots_of(session: Session, machine_id: int) -> list[Robot]:
    """The robots of a machine that its host runs."""
    native = set(session.scalars(select(Connection.id).where(Connection.adapter == NATIVE)))
    return [each for each in robots_of(session, machine_id) if each.connection_id in native]
