"""The native robots of this machine: one process for each robot that the hub has for it, forked from one that has everything loaded.

Beside them runs the host of the machine itself, unless only one robot of a name is wanted.
"""
from __future__ import annotations

import gc
import os
import signal
import time
from collections.abc import Callable
from functools import partial
from select import select as select_ready
from types import FrameType

import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from config.settings import Settings
from hub.bootstrap import machine_name
from hub.connections import NATIVE
from hub.core import Hub
from hub.machines import host as machine_host
from hub.models import Connection, Machine, Robot
from hub.processes import Forked, kill_tree, terminate, wait_until
from hub.robots import worker as robot_worker
from hub.tasks import lifecycle
from hub.version import program_version

log = structlog.get_logger(__name__)

MACHINE = 0  # in the place of a robot's id: the process that serves the machine itself
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
        self._stop = False
        self._waker, self._wakeup = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def run(self) -> None:
        """Until SIGTERM."""
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(self._wakeup, warn_on_full_buffer=False)
        self._prepare()
        while not self._stop:
            try:
                self._reap()
                self._reconcile([*([MACHINE] if self._name is None else []), *robots_here(self._hub, self._name)])
            except SQLAlchemyError as error:
                log.warning("robots were not looked after", error=f"{type(error).__name__}: {error}")
            self._sleep()
        self._end_all()

    def _prepare(self) -> None:
        """Load and compile here, once, what every robot needs: their processes begin with it, and share the memory that it takes."""
        program_version()
        _ = self._hub.adapters, self._hub.vault
        lifecycle.rehearse(self._hub)
        robots_here(self._hub, self._name)
        gc.collect()
        gc.freeze()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._stop = True

    def _sleep(self) -> None:
        """Until the next look is due, or a signal comes: the end of a child among them."""
        if select_ready([self._waker], [], [], LOOK_INTERVAL)[0]:
            os.read(self._waker, 4096)

    def _reconcile(self, wanted: list[int]) -> None:
        self._hub.db.dispose()
        for robot_id in self._robots.keys() - set(wanted) - self._ending:
            self._ending.add(robot_id)
            terminate(self._robots[robot_id].pid)
        for robot_id in wanted:
            if robot_id not in self._robots and time.monotonic() >= self._failures.get(robot_id, (0, 0.0))[1]:
                self._robots[robot_id] = process = Forked(self._main_of(robot_id))
                log.info("machine host started" if robot_id == MACHINE else "robot started", robot_id=robot_id, pid=process.pid)

    def _main_of(self, robot_id: int) -> Callable[[], None]:
        if robot_id == MACHINE:
            return partial(machine_host.main, self._hub)
        return partial(robot_worker.main, self._hub, robot_id)

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
            if status and robot_id != MACHINE:
                self._tell_lost(robot_id)

    def _tell_lost(self, robot_id: int) -> None:
        """Note that a robot's process has died, and its task with it: nobody is to wait until its time is up."""
        robot_worker.tell_gone(self._hub, robot_id)
        robot_worker.clean_up_after(self._hub, robot_id, "机器人进程中断，任务失败")

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
