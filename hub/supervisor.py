"""`rpahub up`: one process that starts the parts of the hub, starts again what dies, and ends everything in order.

It opens no connection to the database and stays a single thread: it imports what the parts need once and forks them, so that they share
that memory and start in milliseconds. All else happens in its children.
"""
from __future__ import annotations

import gc
import http.client
import json
import os
import select
import signal
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from types import FrameType

import structlog

from config.logging import set_up
from config.redaction import redact_text
from config.settings import PREFIX, Settings
from hub.data_lock import DataLock
from hub.listening import reserve
from hub.parts import Kept, Part, Plan, Process, plan_of
from hub.processes import Forked, wait_until
from hub.redis_server import RedisServer, private_folder

SECONDS_FOR_WEB = 2.5
SECONDS_FOR_PARTS = 4.0
SECONDS_FOR_REDIS = 1.0
SLOW_START = 60.0
READY_PATH = "/api/ext/health/ready"

log = structlog.get_logger(__name__)


class StartFailed(Exception):
    """The hub cannot start; the message says why."""


class Stopped(Exception):
    """Somebody asked the supervisor to stop."""


class Supervisor:
    """One run of the hub. ``announce`` is told the few lines that are meant for whoever started it."""

    def __init__(
        self,
        settings: Settings,
        plan: Plan | None = None,
        announce: Callable[[str], None] = partial(print, flush=True),
    ) -> None:
        self.settings = settings
        self.plan = plan or plan_of(settings)
        self.announce = announce
        self.lock = DataLock(settings)
        self.redis = RedisServer(settings)
        self.kept: list[Kept] = []
        self.kept_redis: Kept | None = None
        self.waker, self.wakeup = socket.socketpair()
        self.stop_signals = 0
        self.ready = False
        self.began = time.monotonic()

    def run(self) -> None:
        """Start everything, keep it running until SIGINT or SIGTERM, stop everything.

        Raises AlreadyRunning, PortTaken, RedisServerError and StartFailed, after whatever had been started is stopped again.
        """
        self._make_folders()
        set_up(self.settings, "supervisor")
        self._listen_to_signals()
        with suppress(Stopped):
            self.lock.acquire(self._sleep)
            try:
                with reserve(self.settings.host, self.settings.port) as held:
                    self._use_port(held.getsockname()[1])
                    self._start()
                    self._keep()
            finally:
                self._stop()

    def _make_folders(self) -> None:
        if not self.settings.data.exists():
            private_folder(self.settings.data)
        private_folder(self.settings.run_folder)
        private_folder(self.settings.log_folder)

    def _use_port(self, port: int) -> None:
        """Tell everybody which port it is, also programs that read their settings from the environment."""
        self.settings = self.settings.model_copy(update={"port": port})
        os.environ[f"{PREFIX}PORT"] = str(port)
        self.lock.write_owner(self.address)

    @property
    def address(self) -> str:
        """Where the hub is reached from this machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.settings.host, self.settings.host)
        return f"http://[{host}]:{self.settings.port}" if ":" in host else f"http://{host}:{self.settings.port}"

    # Signals wake the supervisor from its sleep through a pipe; the two that ask it to stop end the sleep with Stopped.

    def _listen_to_signals(self) -> None:
        for end in (self.waker, self.wakeup):
            end.setblocking(False)
        signal.set_wakeup_fd(self.wakeup.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_stop_signal)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)

    def _on_stop_signal(self, number: int, frame: FrameType | None) -> None:
        self.stop_signals += 1

    def _sleep(self, seconds: float) -> None:
        self._doze(seconds)
        if self.stop_signals:
            raise Stopped

    def _doze(self, seconds: float) -> None:
        """Sleep for so long, or until a signal comes."""
        if select.select([self.waker], [], [], seconds)[0]:
            with suppress(BlockingIOError):
                self.waker.recv(4096)

    def _start(self) -> None:
        if self.settings.embedded_redis:
            self.kept_redis = Kept("redis", self._start_redis)
            self.kept_redis.step()
        functions = {part: part.function() for part in (self.plan.initialise, *self.plan.parts)}
        self.plan.warm.function()(self.settings)
        # What was imported is never garbage; left unmarked, its pages stay shared with the children.
        gc.collect()
        gc.freeze()
        if self.kept_redis is not None:
            self.redis.wait(sleep=self._sleep)
        self._initialise(functions[self.plan.initialise])
        self.kept = [Kept(part.name, partial(self._fork, part, functions[part])) for part in self.plan.parts]

    def _start_redis(self) -> Process:
        self.redis.start(keep_open=(self.lock.fd,))
        return self.redis

    def _fork(self, part: Part, function: Callable[..., object]) -> Process:
        def main() -> None:
            set_up(self.settings, part.name, terminal="warning")
            function(self.settings, *part.arguments)

        return Forked(main)

    def _initialise(self, function: Callable[..., object]) -> None:
        """Prepare the data in a child, so that no connection stays here, and tell the secret that it made, which comes by a pipe."""
        reader, writer = os.pipe()

        def main() -> None:
            set_up(self.settings, self.plan.initialise.name, terminal="critical")
            try:
                answer = {"secret": function(self.settings)}
            except Exception as error:
                log.exception("initialising failed")
                answer = {"error": redact_text(f"{type(error).__name__}: {error}".split("\n")[0])}
            os.write(writer, json.dumps(answer).encode())

        child = Kept(self.plan.initialise.name, lambda: Forked(main))
        self.kept = [child]
        child.step()
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            while child.alive:
                self._sleep(1)
            answer = json.loads(pipe.read() or "{}")
        if "secret" not in answer:
            why = answer.get("error", "the process that does it was ended")
            raise StartFailed(f"cannot prepare the data in {self.settings.data}: {why} (more in {self.settings.log_folder / 'hub.log'})")
        if answer["secret"] is not None:
            self.announce(f"{self.plan.first_words} {answer['secret']}")

    def _keep(self) -> None:
        warned = False
        while True:
            pauses = [each.step() for each in (*((self.kept_redis,) if self.kept_redis else ()), *self.kept)]
            if not self.ready and self._is_ready():
                self.ready = True
                log.info("ready", address=self.address, seconds=round(time.monotonic() - self.began, 2))
                self.announce(f"ready {self.address}")
            slow = time.monotonic() - self.began > SLOW_START
            if slow and not self.ready and not warned:
                warned = True
                log.warning("not ready yet", address=self.address + READY_PATH)
            self._sleep(min(*pauses, 1.0) if self.ready or slow else 0.05)

    def _is_ready(self) -> bool:
        """Whether the web server answers that the hub is ready. Asked directly: a proxy from the environment has no part in this."""
        host, port = self.address.removeprefix("http://").rsplit(":", 1)
        connection = http.client.HTTPConnection(host.strip("[]"), int(port), timeout=2)
        try:
            connection.request("GET", READY_PATH)
            answer = connection.getresponse()
            body = json.loads(answer.read() or b"{}")
            return answer.status == 200 and (not isinstance(body, dict) or body.get("resultCode", "00000") == "00000")
        except (OSError, ValueError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _stop(self) -> None:
        """End the web server, then the other parts, then Redis; whoever takes too long is killed. Takes less than eight seconds.

        A second signal shortens every wait to nothing, except for Redis, which gets its time to write to the disk.
        """
        begun = self.kept or self.kept_redis
        if begun:
            log.info("stopping")
        first, rest = self.kept[:1], self.kept[1:]
        self._end(first, SECONDS_FOR_WEB)
        self._end(rest, SECONDS_FOR_PARTS)
        if self.kept_redis is not None:
            self.redis.stop(SECONDS_FOR_REDIS)
        self.lock.release()
        if begun:
            log.info("stopped")

    def _end(self, kept: Sequence[Kept], seconds: float) -> None:
        for each in kept:
            each.terminate()
        wait_until(lambda: self.stop_signals > 1 or not any(each.alive for each in kept), seconds, self._doze)
        for each in kept:
            each.kill()
