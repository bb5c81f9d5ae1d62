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
from sqlalchemy.exc import SQLAlchemyError

from config.settings import Settings
from hub.core import Hub
from hub.machines import desktops, here, power, upgrades
from hub.machines.here import Here
from hub.machines.sampling import Sampler
from plugins.errors import HubError

STEP_INTERVAL = 1.0
LEASE_INTERVAL = 4.0

log = structlog.get_logger(__name__)


class MachineHost:
    """Does one step after the other, as long as it holds the machine's lease."""

    def __init__(self, hub: Hub, key: str) -> None:
        self._hub = hub
        self._key = key
        self._here: Here | None = None
        self._next_lease = 0.0
        self._sampler = Sampler()

    def step(self) -> None:
        """One round. A part that fails holds up none of the others."""
        if time.monotonic() >= self._next_lease:
            self._next_lease = time.monotonic() + LEASE_INTERVAL
            self._here = here.take(self._hub, self._key)
        if self._here is None:
            return
        self._try(self._sampler.step, self._here)
        self._try(desktops.step, self._here)
        self._try(_power_or_upgrades, self._here)

    def _try(self, part: Callable[[Here], object], where: Here) -> None:
        try:
            part(where)
        except (HubError, OSError, redis.RedisError, SQLAlchemyError) as error:
            log.warning("machine host: step broken off", part=part.__qualname__, error=f"{type(error).__name__}: {error}")

    def leave(self) -> None:
        """Give the machine back."""
        if self._here is not None:
            here.leave(self._here)


def _power_or_upgrades(where: Here) -> None:
    """One thing at a time: no upgrade begins while the machine is about to go down."""
    if not power.step(where):
        upgrades.step(where)


def main(settings: Settings) -> None:
    """Serve this machine until SIGTERM."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with here.host_key(settings) as key:
        hub = Hub(settings)
        host = MachineHost(hub, key)
        while not stop.wait(STEP_INTERVAL):
            try:
                host.step()
            except SQLAlchemyError as error:
                log.warning("machine host: no lease", error=f"{type(error).__name__}: {error}")
        host.leave()
        hub.db.dispose()
