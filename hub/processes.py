"""Child processes of the supervisor: how they start, how they die with it, and how all that they started is ended.

Forked children share the memory of everything imported before; they are sessions of their own, so that Ctrl+C in a terminal reaches the
supervisor alone, which then stops its children in order.
"""
from __future__ import annotations

import ctypes
import fcntl
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, NoReturn

import psutil
import structlog

PR_SET_PDEATHSIG = 1
HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)

log = structlog.get_logger(__name__)


def die_with(parent: int) -> None:
    """Have the kernel send this process SIGTERM when ``parent``, the process that started it, dies by whatever cause.

    Linux only; elsewhere the children of a killed supervisor must be ended by hand. Leaves at once where the parent is dead already.
    """
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)


class Forked:
    """A child that runs a function of ours in a session of its own."""

    def __init__(self, main: Callable[[], object]) -> None:
        parent = os.getpid()
        sys.stdout.flush()
        sys.stderr.flush()
        self.returncode: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            _run(parent, main)

    def poll(self) -> int | None:
        """The exit status (negative: the signal that ended it), or None while the child runs. What it leaves behind ends with it."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
                kill_session(self.pid)
        return self.returncode


def _run(parent: int, main: Callable[[], object]) -> NoReturn:
    """The life of a forked child. It never returns into the parent's frames, whatever ``main`` does."""
    status = 1
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        for number in HANDLED:
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        die_with(parent)
        _detach_from_terminal()
        random.seed()
        main()
        status = 0
    except SystemExit as left:
        status = left.code if isinstance(left.code, int) else int(left.code is not None)
        if isinstance(left.code, str):
            log.error(left.code)
    except KeyboardInterrupt:
        status = 130
    except BaseException:
        log.exception("part failed")
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _detach_from_terminal() -> None:
    """Nothing to read, and what is printed goes to stderr: the supervisor's stdout carries its own few lines only."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)


def terminate(pid: int) -> None:
    """Ask one process to stop; one that has ended already is fine."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)


def kill_tree(pid: int) -> None:
    """Kill a child that still runs, with its whole session and whatever of its descendants is in a session of its own."""
    with suppress(psutil.NoSuchProcess):
        for descendant in psutil.Process(pid).children(recursive=True):
            _kill(descendant.pid)
    _kill(pid)
    kill_session(pid)


def kill_session(leader: int) -> None:
    """Kill what is left of a session whose leader has ended."""
    for pid in psutil.pids():
        if pid != leader and _session(pid) == leader:
            _kill(pid)


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:
        return None


def wait_until(condition: Callable[[], bool], seconds: float, sleep: Callable[[float], None] = time.sleep) -> bool:
    """Whether ``condition`` came true within so many seconds. ``sleep`` may raise to end the wait."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        sleep(0.02)
    return True


@contextmanager
def locked(path: Path) -> Iterator[IO[str]]:
    """The file, open and locked; waits for whoever has it locked. The end of the block or of the process frees it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        yield file
