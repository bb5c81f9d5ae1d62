"""All processes of one run, wherever they have hidden: found, stopped for a pause, and ended.

A process belongs to a run when one of these holds:

* it is in the session that the run's first process leads;
* its environment carries the run's mark (``RPA_RUN_ID``), which daemons inherit;
* it descends from one that belongs to the run;
* it was orphaned and handed to this process, which is a "child subreaper": so come daemons that wiped their environment.

The first process is not reaped (waited for) before the last look, so that its number, which names the session, cannot be given to
another process in the meantime.
"""
from __future__ import annotations

import ctypes
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

MARK = "RPA_RUN_ID"
GRACE = 3.0
LEFTOVER_GRACE = 0.5
POLL = 0.03
ROUNDS = 100
LOOKS = 3
MOST_REAPED = 10_000
CLOCK_SLACK = 2.0
SETTLED = 3.0
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
GONE = (psutil.NoSuchProcess, psutil.ZombieProcess)
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ended:
    """What came of ending a run: how many processes were found, and the numbers of those that are still there."""

    found: int
    left: tuple[int, ...] = ()


class ProcessTree:
    """The processes of the run ``run_id``, whose first one is ``leader``. ``since`` is that one's start as psutil tells it.

    ``seconds_of_dead`` is the processor time of those that were handed to this process and have ended.
    """

    def __init__(self, run_id: str, leader: int | None, since: float) -> None:
        self.run_id = run_id
        self.leader = leader
        self.since = since
        self.seconds_of_dead = 0.0
        self._orphans: set[int] = set()
        self._strangers: set[int] = set()

    @classmethod
    def of(cls, run_id: str, leader: int) -> ProcessTree:
        """The tree of a process that this one has just started and not yet waited for."""
        return cls(run_id, leader, psutil.Process(leader).create_time())

    def glance(self) -> list[psutil.Process]:
        """Those alive at this moment, but for rare cases: who was no part of the run a while after its start is not looked at again."""
        self._strangers.intersection_update(psutil.pids())
        return self.find(self._strangers)

    def find(self, strangers: Collection[int] = ()) -> list[psutil.Process]:
        """Those alive at this moment. ``strangers`` are known to be none of them."""
        own, own_session = os.getpid(), os.getsid(0)
        members: dict[int, psutil.Process] = {}
        others: dict[int, tuple[psutil.Process, int]] = {}
        for process, parent, session, mark in self._candidates(strangers):
            orphan = parent == own and session != own_session and mark is None
            if session == self.leader or mark == self.run_id or orphan:
                members[process.pid] = process
                if parent == own and process.pid != self.leader:
                    self._orphans.add(process.pid)
            else:
                others[process.pid] = (process, parent)
        while found := [pid for pid, (_, parent) in others.items() if parent in members or parent == self.leader]:
            members.update((pid, others.pop(pid)[0]) for pid in found)
        settled = time.time() - SETTLED  # A younger one may still become what it is going to be.
        self._strangers.update(pid for pid, (process, _) in others.items() if process.create_time() < settled)
        return list(members.values())

    def _candidates(self, strangers: Collection[int]) -> Iterator[tuple[psutil.Process, int, int, str | None]]:
        """Live processes that are not older than the run: process, parent, session and mark."""
        own = os.getpid()
        for process in psutil.process_iter():
            try:
                if process.pid == own or process.pid in strangers:
                    continue
                if process.create_time() < self.since - CLOCK_SLACK:
                    self._strangers.add(process.pid)
                    continue
                with process.oneshot():
                    status, parent = process.status(), process.ppid()
                if status != psutil.STATUS_ZOMBIE:
                    yield process, parent, os.getsid(process.pid), _mark(process)
            except (*GONE, psutil.AccessDenied, ProcessLookupError, PermissionError):
                continue

    def reap_orphans(self) -> None:
        """Let go of the dead that were handed to this process; a long run may produce many. Some other code's children are not touched."""
        for pid in list(self._orphans):
            if self._reap(pid):
                self._orphans.discard(pid)
        if self.leader is None:
            return
        for _ in range(MOST_REAPED):
            try:
                dead = os.waitid(os.P_PGID, self.leader, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if dead is None or dead.si_pid == self.leader:
                return
            self._reap(dead.si_pid)

    def _reap(self, pid: int) -> bool:
        """Let go of a dead child; whether there is nothing more to do about it."""
        try:
            gone, _, usage = os.wait4(pid, os.WNOHANG)
        except ChildProcessError:
            return True
        if gone == pid:
            self.seconds_of_dead += usage.ru_utime + usage.ru_stime
        return gone == pid

    def end(self, grace: float = GRACE) -> Ended:
        """SIGTERM to all, SIGKILL to those alive after ``grace`` seconds, until several looks in a row find none.

        One look is not enough where something was found: a process that forks and exits all the time may slip through it.
        """
        members = self.find()
        found = {process.pid for process in members}
        if members:
            self._send(members, signal.SIGTERM)
            self._send(members, signal.SIGCONT)  # A stopped process would not see the SIGTERM.
        deadline = time.monotonic() + grace
        while members and time.monotonic() < deadline:
            time.sleep(POLL)
            members = self.find()
            found.update(process.pid for process in members)
        self._send(members, signal.SIGKILL)
        quiet = LOOKS if not found else 0
        for _ in range(ROUNDS):
            if quiet >= LOOKS:
                break
            time.sleep(POLL)
            members = self.find()
            found.update(process.pid for process in members)
            self._send(members, signal.SIGKILL)
            quiet = 0 if members else quiet + 1
        return Ended(len(found), tuple(process.pid for process in members))

    def pause(self) -> bool:
        """SIGSTOP to all. True once a look finds none that still runs."""
        for _ in range(ROUNDS):
            running = [process for process in self.find() if not _is_stopped(process)]
            if not running:
                return True
            self._send(running, signal.SIGSTOP)
            time.sleep(POLL / 10)
        return False

    def resume(self) -> None:
        """SIGCONT to all."""
        self._send(self.find(), signal.SIGCONT)

    def _send(self, members: list[psutil.Process], number: int) -> None:
        """Signal the first process's group at one stroke, which no fork escapes, and each member outside of it for itself.

        Nobody is signalled twice: Robot Framework takes a second SIGTERM as the order to drop everything.
        """
        if self.leader is not None:
            try:
                os.killpg(self.leader, number)
            except (ProcessLookupError, PermissionError):
                logger.debug("process group %d is gone", self.leader)
        for process in members:
            try:
                if self.leader is None or os.getpgid(process.pid) != self.leader:
                    process.send_signal(number)
            except (*GONE, psutil.AccessDenied, ProcessLookupError):
                continue  # It has ended; one that may not be touched is still there at the next look, and is reported.


Limit = tuple[int, tuple[int, int]]


def start(
    command: list[str], cwd: Path, environment: dict[str, str], *, is_python: bool = False, limits: Sequence[Limit] = ()
) -> subprocess.Popen[bytes]:
    """Start the first process of a run, in a session of its own; it is killed when the calling thread ends.

    ``is_python``: the program is an interpreter, so that it will start. ``limits`` are the kernel's: resource, soft and hard limit.

    Raises OSError when the program cannot be started.
    """
    tie = shutil.which("setpriv") if is_python and not limits and sys.platform == "linux" else None
    if tie is not None:
        # It spares the copy of this process's memory that preexec_fn costs. Other programs may fail to start, which setpriv would tell late.
        command = [tie, "--pdeathsig", "KILL", *command]
    return subprocess.Popen(
        command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True, preexec_fn=None if tie else _prepared(limits),
    )


def adopt_orphans() -> None:
    """Make this process the one that orphans among its descendants are handed to. Linux only; elsewhere orphans need the mark."""
    if sys.platform == "linux":
        _prctl()(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _prepared(limits: Sequence[Limit]) -> Callable[[], None] | None:
    """What the forked child does before it becomes the program: it is tied to its parent's life, and limited, before it can start others.

    All is prepared here: between fork and exec no lock may be taken.
    """
    if sys.platform != "linux":
        return None
    import resource

    limit = resource.setrlimit
    prctl, parent, getppid, leave, kill = _prctl(), os.getpid(), os.getppid, os._exit, int(signal.SIGKILL)

    def prepare() -> None:
        prctl(PR_SET_PDEATHSIG, kill, 0, 0, 0)
        for number, values in limits:
            limit(number, values)
        if getppid() != parent:  # It died before the call above.
            leave(127)

    return prepare


def _prctl() -> Callable[..., int]:
    """The system call, through PyDLL: it keeps the interpreter lock, which nobody could give back in a forked child."""
    prctl = ctypes.PyDLL(None).prctl
    prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]
    return prctl


def _mark(process: psutil.Process) -> str | None:
    """The run that the process says it belongs to, if it says so."""
    try:
        environment = process.environ()
        if not environment:
            if not process.cmdline():
                return "not started"  # It is becoming its program at this very moment, and has neither yet.
            environment = process.environ()
    except (psutil.AccessDenied, OSError):
        return None
    if MARK not in environment and environment == psutil.Process().environ():
        return "not started"  # Forked by this process a moment ago, and not yet the program that it will be.
    return environment.get(MARK)


def _is_stopped(process: psutil.Process) -> bool:
    try:
        return process.status() in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)
    except GONE:
        return True
