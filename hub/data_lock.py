"""One `rpahub up` on one data folder: a lock that lives as long as any process of the run does.

The lock is an flock on ``data/run/lock``, inherited by every part. So after the supervisor was killed, the next one cannot start a second
Redis or scheduler beside parts that are still on their way out.
"""
from __future__ import annotations

import fcntl
import json
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
import structlog

from config.settings import Settings
from hub.processes import wait_until

SECONDS_FOR_LEFTOVERS = 8.0
CLOCK_TOLERANCE = 10.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Owner:
    """Who runs on a data folder. ``started`` (seconds since 1970) tells a process from a later one with the same id."""

    pid: int
    started: float
    address: str

    @property
    def alive(self) -> bool:
        """Whether that very process still runs."""
        try:
            process = psutil.Process(self.pid)
            # The start is reckoned from the clock, which may have been set since.
            same = abs(process.create_time() - self.started) < CLOCK_TOLERANCE
            return same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False


class AlreadyRunning(Exception):
    """Another supervisor has the data folder."""

    def __init__(self, data: Path, owner: Owner | None) -> None:
        who = f"process {owner.pid}, {owner.address}" if owner else "unknown process"
        super().__init__(f"rpahub runs on {data} already ({who})")
        self.owner = owner


class DataLock:
    """The lock of one data folder."""

    def __init__(self, settings: Settings) -> None:
        self.data = settings.data
        self.path = settings.run_folder / "lock"
        self.fd = -1

    def acquire(self, sleep: Callable[[float], None] = time.sleep) -> None:
        """Take the lock. Raises AlreadyRunning.

        The parts of a supervisor that was killed get a few seconds to end, then they are killed as well.
        """
        self.fd = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        if self._take():
            return
        owner = self._read()
        if owner is not None and not owner.alive:
            log.warning("waiting for the parts of a killed run", pid=owner.pid)
            if wait_until(self._take, SECONDS_FOR_LEFTOVERS, sleep):
                return
            for leftover in self._holders():
                log.warning("killing a part of a killed run", pid=leftover)
                with suppress(ProcessLookupError):
                    os.kill(leftover, signal.SIGKILL)
            if wait_until(self._take, 2, sleep):
                return
        os.close(self.fd)
        self.fd = -1
        raise AlreadyRunning(self.data, owner)

    def _take(self) -> bool:
        try:
            fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _holders(self) -> list[int]:
        """The other processes that have the lock file open, which they inherited."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.pid != os.getpid() and any(each.path == str(self.path) for each in process.open_files()):
                    found.append(process.pid)
        return found

    def write_owner(self, address: str) -> None:
        """Say in the lock file who has it and where it listens."""
        owner = Owner(os.getpid(), psutil.Process().create_time(), address)
        os.ftruncate(self.fd, 0)
        os.pwrite(self.fd, json.dumps(asdict(owner)).encode(), 0)

    def _read(self) -> Owner | None:
        try:
            return Owner(**json.loads(self.path.read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def release(self) -> None:
        """Give the lock back."""
        os.ftruncate(self.fd, 0)
        os.close(self.fd)


def running(settings: Settings) -> Owner | None:
    """Who runs on the data folder now, if anybody does."""
    owner = DataLock(settings)._read()
    return owner if owner is not None and owner.alive else None
