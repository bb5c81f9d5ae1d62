"""The parts of the hub: what the supervisor runs as processes, and how it keeps one running."""
from __future__ import annotations

import importlib
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from config.settings import Settings
from hub.processes import kill_tree, terminate, wait_until

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 10.0
HEALTHY_AFTER = 30.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Part:
    """One process: its name and the function that it runs, called as ``main(settings, *arguments)``, until SIGTERM."""

    name: str
    main: str
    arguments: tuple[Any, ...] = ()

    def function(self) -> Callable[..., object]:
        """The function, its module imported."""
        module, name = self.main.split(":")
        function: Callable[..., object] = getattr(importlib.import_module(module), name)
        return function


@dataclass(frozen=True)
class Plan:
    """What a supervisor runs: ``warm`` in its own process, ``initialise`` once, the ``parts`` for as long as it runs itself.

    ``first_words`` stand before the secret that a first start makes.

    The web server is the first part: it starts first and stops first.
    """

    parts: tuple[Part, ...]
    initialise: Part
    warm: Part
    first_words: str = "first start: user admin, password"


def plan_of(settings: Settings) -> Plan:
    """The plan of a hub with these settings, or of a standalone robot, which has no vendor to call."""
    is_robot = settings.role == "robot"
    workers = 0 if is_robot else settings.workers
    return Plan(
        parts=(
            Part("web", "hub.web:main"),
            Part("scheduler", "hub.scheduler:main"),
            Part("robots", "hub.robots.host:main"),
            *(Part(f"worker-{number}", "hub.worker:main", (number,)) for number in range(1, workers + 1)),
            *(() if is_robot else _desktop(settings)),
        ),
        initialise=Part("initialise", "hub.bootstrap:initialise"),
        warm=Part("warm", "hub.parts:warm"),
        first_words="first start: robot secret" if is_robot else Plan.first_words,
    )


def _desktop(settings: Settings) -> tuple[Part, ...]:
    """The part that serves remote desktops, where that is wanted and this machine has what it takes."""
    if not settings.desktop_enabled:
        return ()
    from hub.screens.desktop import missing

    lacking = missing()
    if lacking:
        log.warning("remote desktops are not served", reason=lacking)
        return ()
    return (Part("desktop", "hub.screens.desktop_server:main"),)


def warm(settings: Settings) -> None:
    """Load what every part loads when it begins, so that the parts begin with it loaded, and share it.

    That is the adapters, the services, the mappers and the database's driver. Nothing is opened, and nothing kept but the modules.
    """
    from sqlalchemy import make_url
    from sqlalchemy.orm import configure_mappers

    from hub.serving import handlers
    from plugins.manager import discover

    discover()
    handlers()
    configure_mappers()
    make_url(settings.database).get_dialect().import_dbapi()


class Process(Protocol):
    """What the supervisor needs to know of a child."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None: ...


class Kept:
    """A part that is to run: starts it, and starts it again when it ends, after a pause that doubles while it keeps dying young."""

    def __init__(self, name: str, start: Callable[[], Process]) -> None:
        self.name = name
        self.start = start
        self.process: Process | None = None
        self.born = 0.0
        self.due = 0.0
        self.pause = FIRST_PAUSE

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.process is not None and self.process.poll() is None

    def step(self) -> float:
        """Start it if it should be running and is not. Returns the seconds until the next look; its end wakes the supervisor earlier.

        Raises what starting it raises the first time; later that counts as one more death.
        """
        if self.alive:
            return 1.0
        now = time.monotonic()
        if self.process is not None:
            log.warning("part ended, will start again", part=self.name, pid=self.process.pid, status=self.process.poll(), pause=self.pause)
            self._postpone(now)
        elif now >= self.due:
            self._start(now)
        return max(0.0, self.due - now)

    def _start(self, now: float) -> None:
        try:
            self.process = self.start()
        except Exception:
            if not self.born:
                raise
            log.exception("part cannot be started, will try again", part=self.name, pause=self.pause)
            self._postpone(now)
            return
        self.born = now
        log.info("part started", part=self.name, pid=self.process.pid)

    def _postpone(self, now: float) -> None:
        if now - self.born >= HEALTHY_AFTER:
            self.pause = FIRST_PAUSE
        self.process, self.due = None, now + self.pause
        self.pause = min(self.pause * 2, LONGEST_PAUSE)

    def terminate(self) -> None:
        """Ask it to stop. A stopped (SIGSTOP) process is woken, or it could not."""
        if self.process is not None and self.alive:
            terminate(self.process.pid)
            with suppress(ProcessLookupError):
                os.kill(self.process.pid, signal.SIGCONT)

    def kill(self) -> None:
        """End it and everything that it started."""
        if self.process is not None and self.alive:
            log.warning("part does not stop, killing it", part=self.name, pid=self.process.pid)
            kill_tree(self.process.pid)
            wait_until(lambda: not self.alive, 1)
