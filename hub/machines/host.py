"""The host of this machine: a process beside the robots that tells the machine's figures and does what is wanted of the machine.

It is a child of the robot host. It alone acts on the machine's commands and upgrades: by its own settings, whatever a hub wants.
"""
from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable

import redis
import structlog
from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError

from hub.core import Hub
from hub.machines import here, locking, power, upgrades
from hub.machines.here import Here
from hub.machines.hotkeys import Hotkeys
from hub.machines.sampling import Sampler
from hub.models import MachineCommand, UpgradeItem
from hub.models.machine import OPEN
from hub.models.upgrade import UNFINISHED
from plugins.errors import HubError

STEP_INTERVAL = 1.0
LEASE_INTERVAL = 4.0
# SQLite uses an index of some rows only where a query repeats its condition, word for word.
IS_OPEN, IS_UNFINISHED = text(f"machine_command.{OPEN}"), text(f"upgrade_item.{UNFINISHED}")

log = structlog.get_logger(__name__)


class MachineHost:
    """Does one step after the other, as long as it holds the machine's lease."""

    def __init__(self, hub: Hub, key: str) -> None:
        self._hub = hub
        self._key = key
        self._here: Here | None = None
        self._next_lease = 0.0
        self._sampler = Sampler()
        self._hotkeys = Hotkeys()

    def step(self) -> None:
        """One round. A part that fails holds up none of the others."""
        if time.monotonic() >= self._next_lease:
            self._next_lease = time.monotonic() + LEASE_INTERVAL
            self._here = here.take(self._hub, self._key)
        if self._here is None:
            return
        self._try(self._sampler.step, self._here)
        self._try(self._hotkeys.step, self._here)
        self._try(_do_what_is_wanted, self._here)

    def _try(self, part: Callable[[Here], object], where: Here) -> None:
        try:
            part(where)
        except (HubError, OSError, redis.RedisError, SQLAlchemyError) as error:
            log.warning("machine host: step broken off", part=part.__qualname__, error=f"{type(error).__name__}: {error}")

    def leave(self) -> None:
        """Give the machine back."""
        self._hotkeys.close()
        if self._here is not None:
            here.leave(self._here)


def _do_what_is_wanted(where: Here) -> None:
    """Power and upgrades one at a time: nothing is installed while the machine is about to go down. Mostly, one query finds nothing to do."""
    commands = select(MachineCommand.id).where(MachineCommand.machine_id == where.machine_id, IS_OPEN)
    items = select(UpgradeItem.id).where(UpgradeItem.machine_id == where.machine_id, IS_UNFINISHED)
    with where.hub.db.rows() as connection:
        commanded, upgraded = connection.execute(select(commands.exists(), items.exists())).one()
    if commanded:
        locking.step(where)
    if not (commanded and power.step(where)) and upgraded:
        upgrades.step(where)


def main(hub: Hub) -> None:
    """Serve this machine until SIGTERM."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with here.host_key(hub.settings) as key:
        host = MachineHost(hub, key)
        while not stop.wait(STEP_INTERVAL):
            try:
                host.step()
            except SQLAlchemyError as error:
                log.warning("machine host: no lease", error=f"{type(error).__name__}: {error}")
        host.leave()
        hub.db.dispose()
