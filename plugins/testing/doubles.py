"""Stand-ins for the hub's side of the seam."""
from __future__ import annotations

import queue
import threading
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from plugins.adapter import Adapter
from plugins.context import Command, Connection, Context, Run
from plugins.errors import HubError, NotSupported
from plugins.files import FileContent


class FakeRun:
    """The handle of a run (``plugins.context.Run``) that keeps what was reported and gives out the commands that a test puts in."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, datetime | None]] = []
        self.reports: list[tuple[float | None, str | None]] = []
        self.halts: list[bool] = []
        self.screens: list[tuple[bool, bool, str]] = []
        self.recordings: list[tuple[bytes, datetime, datetime, dict[str, Any]]] = []
        self.frames: list[bytes] = []
        self.is_watched = False
        self.answers: dict[str, dict[str, Any] | HubError] = {}
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.events: list[tuple[str, str]] = []
        self._commands: queue.Queue[Command] = queue.Queue()
        self._lock = threading.Lock()

    def send(self, command: Command) -> None:
        """Have the run told ``command`` when it next asks."""
        self._commands.put(command)

    def hide(self, text: str) -> str:
        """The text as it is: no test tells this run a secret."""
        return text

    def log(self, level: str, message: str, at: datetime | None = None, step: str | None = None) -> None:
        """Keep a line."""
        with self._lock:
            self.lines.append((level, message, at))

    def progress(self, percent: float | None = None, step: str | None = None) -> None:
        """Keep a report."""
        with self._lock:
            self.reports.append((percent, step))

    def command(self, timeout: float = 0.0) -> Command | None:
        """The next command, waiting up to ``timeout`` seconds for it."""
        try:
            return self._commands.get(timeout=timeout) if timeout > 0 else self._commands.get_nowait()
        except queue.Empty:
            return None

    def paused(self, is_paused: bool) -> None:
        """Keep whether the run stands still."""
        with self._lock:
            self.halts.append(is_paused)

    def screen(self, has_display: bool, is_recording: bool, reason: str = "") -> None:
        """Keep what is said of the display."""
        with self._lock:
            self.screens.append((has_display, is_recording, reason))

    def recording(self, content: FileContent, *, started_at: datetime, ended_at: datetime, manifest: Mapping[str, Any]) -> None:
        """Keep a recording."""
        with self._lock:
            self.recordings.append((content.read(), started_at, ended_at, dict(manifest)))

    def watched(self) -> bool:
        """What the test has set."""
        return self.is_watched

    def frame(self, image: bytes) -> None:
        """Keep a picture."""
        with self._lock:
            self.frames.append(image)

    def ask(self, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """The answer that a test has put down for the operation; one that it has not is refused."""
        with self._lock:
            self.asked.append((operation, dict(params)))
        answer = self.answers.get(operation, NotSupported(operation))
        if isinstance(answer, HubError):
            raise answer
        return answer

    def event(self, name: str, detail: str = "") -> None:
        """Keep an event."""
        with self._lock:
            self.events.append((name, detail))


def context_for(
    adapter: Adapter,
    address: str = "",
    *,
    options: Mapping[str, Any] | None = None,
    credentials: Mapping[str, str] | None = None,
    folder: Path | None = None,
    run: Run | None = None,
    trace_id: str = "trace-of-a-test",
) -> Context:
    """A context as the hub makes it, for a connection called "test"."""
    connection = Connection("test", adapter.name, address, dict(options or {}), dict(credentials or {}))
    return Context(connection, trace_id=trace_id, actor="tester", folder=folder, run=run)
