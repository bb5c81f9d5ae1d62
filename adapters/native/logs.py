"""What a process says becomes the task log as it is said: its output line by line, its events record by record, within bounds."""
from __future__ import annotations

import json
import logging
import math
import os
import selectors
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import IO, Any

from adapters.native.outputs import clean
from adapters.native.tracebacks import SILENCE, TRACEBACK, Tracebacks
from plugins import Run
from plugins.fields import LOG_LEVELS

LONGEST_LINE = 16 * 1024
LONGEST_MESSAGE = 5000
LONGEST_EVENT = 64 * 1024
LONGEST_STEP = 128
MOST_LINES = 200_000
MOST_BYTES = 64 << 20
READ = 64 * 1024
logger = logging.getLogger(__name__)


class TaskLog:
    """The log of one run: drops what is below the task's level and, after a notice, what is beyond the bounds of one task.

    ``step`` is the present step, under which a line is said.
    """

    def __init__(self, run: Run, level: str | None) -> None:
        self._run = run
        self._least = LOG_LEVELS.index(level) if level in LOG_LEVELS else LOG_LEVELS.index("info")
        self._lock = threading.Lock()
        self._lines = 0
        self._bytes = 0
        self._failures = 0
        self.dropped = 0
        self.step: str | None = None

    @property
    def level(self) -> str:
        """The least level that is kept."""
        return LOG_LEVELS[self._least]

    def hide(self, text: str) -> str:
        """The text without the secrets that the run was told. Before anything is cut: half of a secret is not known as one."""
        return self._run.hide(text)

    def write(self, level: str, message: str, at: datetime | None = None) -> None:
        """Add one line that a process has said."""
        if LOG_LEVELS.index(level) < self._least:
            return
        with self._lock:
            self._lines += 1
            self._bytes += len(message)
            full = self._lines > MOST_LINES or self._bytes > MOST_BYTES
            self.dropped += full
        if not full:
            self._send(level, message, at)
        elif self.dropped == 1:
            self.tell("warn", f"任务日志已达上限（{MOST_LINES} 行或 {MOST_BYTES >> 20} MiB），之后的输出不再记录")

    def tell(self, level: str, message: str) -> None:
        """Add a line of the runtime itself: neither level nor bounds hold it back."""
        self._send(level, message, None)

    def _send(self, level: str, message: str, at: datetime | None) -> None:
        """A log that cannot be written must not stop the work: the process would block on its full pipe. The program log says so, once."""
        try:
            self._run.log(level, clean(message), at, self.step)
        except Exception:  # Whatever the hub's log store raises.
            self._failures += 1
            if self._failures == 1:
                logger.exception("the task log cannot be written")


class Lines:
    """Cuts a byte stream into lines, each piece at most ``LONGEST_LINE`` bytes long, and hands each on as text."""

    def __init__(self, take: Callable[[str], None], longest: int = LONGEST_LINE, hide: Callable[[str], str] = str) -> None:
        self._take = take
        self._hide = hide
        self._longest = longest
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Take in what was read; ``b""`` is the end, and hands on a last line that has no newline."""
        if not data:
            rest, self._rest = self._rest, b""
            if rest:
                self._hand_on(rest)
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._hand_on(line)
        if len(self._rest) > 2 * self._longest:  # A secret may be on its way: its begin is not handed on before its end has come.
            self._rest = self._hand_on_full(self._rest, held=self._longest)

    def _hand_on(self, line: bytes) -> None:
        self._take(as_text(self._hand_on_full(line).rstrip(b"\r")))

    def _hand_on_full(self, line: bytes, held: int = 0) -> bytes:
        """Hand on full pieces, never cutting a UTF-8 character in two; gives what remains."""
        if len(line) > self._longest:  # Half of a secret is not known as one.
            line = self._hide(line.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
        while len(line) > self._longest + held:
            cut = self._longest
            while cut > self._longest - 4 and line[cut] & 0xC0 == 0x80:
                cut -= 1
            self._take(as_text(line[:cut]))
            line = line[cut:]
        return line


def as_text(line: bytes) -> str:
    """UTF-8; else GB18030, as older Chinese programs write; else UTF-8 with replacement characters."""
    for encoding in ("utf-8", "gb18030"):
        try:
            return line.decode(encoding)
        except UnicodeDecodeError:
            continue
    return line.decode("utf-8", "replace")


class Events:
    """The records of the event pipe, one JSON object a line: log, progress and failure (docs/packages.md)."""

    def __init__(self, log: TaskLog) -> None:
        self._log = log
        self._bad = 0
        self._lock = threading.Lock()
        self._progress: tuple[float | None, str | None] = (None, None)
        self._reported: tuple[float | None, str | None] = (None, None)
        self._is_told = self._is_step_told = False
        self.failure = ""

    def take(self, line: str) -> None:
        """Act on one line of the pipe. A bad one is reported once and otherwise ignored."""
        if not line.strip():
            return
        try:
            record = json.loads(line)
            kinds = {"log": self._take_log, "progress": self._take_progress, "failure": self._take_failure}
            kinds[record["event"]](record)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
            self._bad += 1
            if self._bad == 1:
                self._log.tell("warn", f"事件管道收到无法识别的内容：{self._log.hide(line)[:200]}")

    def _take_log(self, record: dict[str, Any]) -> None:
        level = str(record.get("level", "info")).lower()
        at = record.get("at")
        moment = datetime.fromtimestamp(float(at), UTC) if at is not None else None
        message = self._log.hide(clean(str(record["message"])))
        for line in [message] if TRACEBACK in message else message.splitlines() or [""]:
            for start in range(0, len(line) or 1, LONGEST_MESSAGE):
                self._log.write(level if level in LOG_LEVELS else "info", line[start:start + LONGEST_MESSAGE], moment)

    def _take_progress(self, record: dict[str, Any]) -> None:
        """What a process says itself counts more than what is seen of it: from then on for the percentage, and for the present task's step.

        What is seen (``automatic``) never goes back; ``begins`` marks the beginning of a task.
        """
        percent, step = record.get("percent"), record.get("step")
        number = None if percent is None else min(max(float(percent), 0.0), 100.0)
        if number is not None and not math.isfinite(number):
            raise ValueError("not a number")
        with self._lock:
            last_percent, last_step = self._progress
            if record.get("automatic"):
                if number is not None:
                    number = None if self._is_told else max(number, last_percent or 0.0)
                self._is_step_told = self._is_step_told and not record.get("begins")
                step = None if self._is_step_told else step
            else:
                self._is_told = self._is_told or number is not None
                self._is_step_told = self._is_step_told or step is not None
            step = last_step if step is None else self._log.hide(clean(str(step)))[:LONGEST_STEP]
            self._progress = (last_percent if number is None else number, step)
            self._log.step = step

    def _take_failure(self, record: dict[str, Any]) -> None:
        self.failure = self.failure or clean(str(record["message"]))

    @property
    def step(self) -> str | None:
        """The present step, as the process reported it last."""
        with self._lock:
            return self._progress[1]

    def report_progress(self, run: Run) -> None:
        """Tell the hub the present progress if it has changed. Called a few times a second, however often the process reports."""
        with self._lock:
            changed = self._progress != self._reported
            self._reported = percent, step = self._progress
        if changed:
            run.progress(percent, step)


class Pump:
    """One thread that reads standard output (info), standard error (warn) and the event pipe of a run until all are closed.

    Meanwhile it also calls ``serve`` whenever somebody knocks at the socket ``door``.
    """

    def __init__(
        self,
        log: TaskLog,
        events: Events,
        out: IO[bytes],
        err: IO[bytes],
        event_reader: int,
        door: socket.socket | None = None,
        serve: Callable[[], None] | None = None,
    ) -> None:
        self._log = log
        self._out, self._err = Tracebacks(log, "info"), Tracebacks(log, "warn")
        self._stop_at = math.inf
        self._heard = time.monotonic()
        self._selector = selectors.DefaultSelector()
        self._selector.register(out, selectors.EVENT_READ, Lines(self._out.take, hide=log.hide))
        self._selector.register(err, selectors.EVENT_READ, Lines(self._err.take, hide=log.hide))
        self._selector.register(event_reader, selectors.EVENT_READ, Lines(events.take, LONGEST_EVENT))
        self._streams = 3
        if door is not None:
            self._selector.register(door, selectors.EVENT_READ, serve)
        self._thread = threading.Thread(target=self._read_all, name="task-output", daemon=True)
        self._thread.start()

    @property
    def last_error(self) -> str:
        """What standard error said last; an exception on standard output where that was none, as some runners print theirs there."""
        return self._err.last if self._err.last == self._err.exception else self._out.exception or self._err.last

    def _read_all(self) -> None:
        while self._streams and time.monotonic() < self._stop_at:
            ready = self._selector.select(timeout=SILENCE if self._out.is_open or self._err.is_open else 1.0)
            for key, _ in ready:
                if isinstance(key.data, Lines):
                    self._read(key)
                else:
                    key.data()
            if not ready:
                self._close_blocks()
        for key in list(self._selector.get_map().values()):
            if isinstance(key.data, Lines):
                key.data.feed(b"")
        self._close_blocks()
        self._selector.close()

    def _close_blocks(self) -> None:
        self._out.close()
        self._err.close()

    def _read(self, key: selectors.SelectorKey) -> None:
        try:
            data = os.read(key.fd, READ)
        except BlockingIOError:  # The event pipe does not block; another reader was faster.
            return
        key.data.feed(data)
        self._heard = time.monotonic()
        if not data:
            self._selector.unregister(key.fileobj)
            self._streams -= 1

    def finish(self, patience: float) -> None:
        """Wait for the end of the output; for ``patience`` seconds of silence, should a process that cannot be ended hold it open."""
        self._heard = time.monotonic()
        while self._thread.is_alive() and time.monotonic() - self._heard < patience:
            self._thread.join(0.1)
        self._stop_at = 0.0
        self._thread.join()
