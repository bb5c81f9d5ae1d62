"""The native robots of this machine: one process for each robot that the hub has for it, forked from one that has everything loaded."""
from __future__ import annotations

import signal
import threading
import time
from functools import partial
from types import FrameType

import structlog
from sqlalchemy import select

from config.settings import Settings
from hub import robot_worker
from hub.bootstrap import machine_name
from hub.connections import NATIVE
from hub.core import Hub
from hub.models import Connection, Machine, Robot
from hub.processes import Forked, kill_tree, terminate, wait_until

log = structlog.get_logger(__name__)

LOOK_INTERVAL = 1.0
LONGEST_PAUSE = 30.0
STOP_WITHIN = 5.0


def robots_here(hub: Hub, name: str | None = None) -> list[int]:
    """The native robots of this machine that are to run, or the one called ``name``."""
    statement = (
        select(Robot.id)
        .join(Connection, Connection.id == Robot.connection_id)
        .join(Machine, Machine.id == Robot.machine_id)
        .where(Connection.adapter == NATIVE, Machine.name == machine_name(hub.settings))
        .where(Robot.is_deleted.is_(False), Robot.is_enabled.is_(True), Robot.is_stopped.is_(False))
        .order_by(Robot.id)
    )
    if name is not None:
        statement = statement.where(Robot.name == name)
    with hub.db.read() as session:
        return list(session.scalars(statement))


class RobotHost:
    """Keeps the processes of the robots as the database wants them: new robots begin, stopped ones end, dead ones begin again.

    A robot that is to end finishes the task that it has, and is not asked twice: that would mean at once.
    """

    def __init__(self, settings: Settings, name: str | None = None) -> None:
        self._settings = settings
        self._name = name
        self._hub = Hub(settings)
        self._robots: dict[int, Forked] = {}
        self._ending: set[int] = set()
        self._failures: dict[int, tuple[int, float]] = {}
        self._stop = threading.Event()

    def run(self) -> None:
        """Until SIGTERM."""
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        while not self._stop.is_set():
            self._reap()
            self._reconcile(robots_here(self._hub, self._name))
            self._stop.wait(LOOK_INTERVAL)
        self._end_all()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._stop.set()

    def _reconcile(self, wanted: list[int]) -> None:
        self._hub.db.dispose()
        for robot_id in self._robots.keys() - set(wanted) - self._ending:
            self._ending.add(robot_id)
            terminate(self._robots[robot_id].pid)
        for robot_id in wanted:
            if robot_id not in self._robots and time.monotonic() >= self._failures.get(robot_id, (0, 0.0))[1]:
                self._robots[robot_id] = Forked(partial(robot_worker.main, self._settings, robot_id))

    def _reap(self) -> None:
        for robot_id, process in list(self._robots.items()):
            status = process.poll()
            if status is None:
                continue
            del self._robots[robot_id]
            count = self._failures.get(robot_id, (0, 0.0))[0] + 1 if status else 0
            self._failures[robot_id] = (count, time.monotonic() + min(LONGEST_PAUSE, 0.2 * 2**count) if status else 0.0)
            was_told = robot_id in self._ending
            (log.info if was_told else log.warning)("robot process ended", robot_id=robot_id, status=status)
            self._ending.discard(robot_id)

    def _end_all(self) -> None:
        for process in self._robots.values():
            terminate(process.pid)
        wait_until(lambda: all(process.poll() is not None for process in self._robots.values()), STOP_WITHIN)
        for process in self._robots.values():
            if process.poll() is None:
                kill_tree(process.pid)


def main(settings: Settings, name: str | None = None) -> None:
    """Run the native robots of this machine until SIGTERM."""
    RobotHost(settings, name).run()
