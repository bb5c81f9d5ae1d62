"""The hub's side of a task that runs in this process: its log, its progress, its lease, its commands."""
from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any, get_args

import redis
import structlog
from sqlalchemy import insert

from hub.core import Hub
from hub.database import now
from hub.models import Task, TaskLog
from hub.tasks import lifecycle
from hub.tasks.asking import Asking, secrets_in
from hub.tasks.lifecycle import Claim
from hub.tasks.screen import Screen, State
from plugins.context import Command
from plugins.files import FileContent
from plugins.masking import Masks

log = structlog.get_logger(__name__)

FLUSH_INTERVAL = 0.25
LAST_TRIES = 8
LINES = TaskLog.metadata.tables[TaskLog.__tablename__]
LONGEST_LINE = 32_768
LONGEST_STEP = 128
LONGEST_EVENT = 16
COMMAND_TTL = 3600


def command_key(run_key: str) -> str:
    """The Redis list that carries commands to a run."""
    return f"rpahub:command:{run_key}"


def send_command(hub: Hub, run_key: str, command: Command) -> bool:
    """Hand a command to a run. When Redis is away this gives False; a cancellation is found in the row at the next renewal of the lease."""
    try:
        with hub.redis.pipeline() as pipe:
            pipe.rpush(command_key(run_key), command)
            pipe.expire(command_key(run_key), COMMAND_TTL)
            pipe.execute()
    except redis.RedisError as error:
        log.warning("command was not handed over", command=command, error=str(error))
        return False
    return True


class TaskRun:
    """Implements plugins.context.Run over the task's row. A thread writes what has come together, a few times a second at most.

    The lease is renewed by the same writes. When the row says that the run is no longer ours, "cancel" is given out as its last command.
    """

    def __init__(self, hub: Hub, claim: Claim) -> None:
        self._hub = hub
        self._claim = claim
        self._screen = Screen(hub, claim.task.id, claim.run_key)
        self._lock = threading.Lock()
        self._lines: list[tuple[datetime, str, str, str | None]] = []
        self._asking = Asking(hub, claim)
        self._masks = Masks()
        self._seq = 0
        self._progress: float | None = None
        self._step: str | None = None
        self._state: str | None = None
        self._events: list[tuple[str, str]] = []
        self._cancel = threading.Event()
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._next_lease = 0.0
        self._renewal = hub.settings.task_lease / 4
        self._writer = threading.Thread(target=self._write_on, name=f"task-{claim.task.id}-writer", daemon=True)
        self._schedule_lease()

    def __enter__(self) -> TaskRun:
        self._writer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._wake.set()
        self._writer.join()
        self._asking.close()

    def ask(self, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Let the hub carry out an operation; see plugins.context.Run."""
        answer = self._asking.ask(operation, params)
        for secret in secrets_in(operation, answer):
            self._masks.add(secret)
        return answer

    def hide(self, text: str) -> str:
        """The text without the secrets that the run was told."""
        return self._masks.hide(text)

    def log(self, level: str, message: str, at: datetime | None = None, step: str | None = None) -> None:
        """Add one line to the task log."""
        message = self.hide(message)
        if len(message) > LONGEST_LINE:
            message = f"{message[:LONGEST_LINE]}…（已截断，共 {len(message)} 个字符）"
        with self._lock:
            self._lines.append((at or now(), level, message.replace("\x00", "\ufffd"), self.hide(step)[:LONGEST_STEP] if step else None))
        self._wake.set()

    def progress(self, percent: float | None = None, step: str | None = None) -> None:
        """Note how far the run is."""
        with self._lock:
            if percent is not None:
                self._progress = min(100.0, max(0.0, float(percent)))
            if step is not None:
                self._step = self.hide(step)[:255]
        self._wake.set()

    def paused(self, is_paused: bool) -> None:
        """Note that the run has come to a halt, or goes on."""
        with self._lock:
            self._state = "paused" if is_paused else "running"
        self._wake.set()

    def screen(self, has_display: bool, is_recording: bool, reason: str = "") -> None:
        """Note what there is to see of the run."""
        self._screen.tell(State(has_display, is_recording, reason))

    def recording(self, content: FileContent, *, started_at: datetime, ended_at: datetime, manifest: Mapping[str, Any]) -> None:
        """Store a recording; see plugins.context.Run."""
        self._screen.keep(content, started_at, ended_at, manifest)

    def watched(self) -> bool:
        """Whether somebody watches."""
        return self._screen.is_watched()

    def frame(self, image: bytes) -> None:
        """Show a picture."""
        self._screen.show(image)

    def event(self, name: str, detail: str = "") -> None:
        """Note an event of the run."""
        with self._lock:
            self._events.append((name[:LONGEST_EVENT], detail))
        self._wake.set()

    def command(self, timeout: float = 0.0) -> Command | None:
        """The next command; see plugins.context.Run."""
        if self._cancel.is_set():
            return "cancel"
        key = command_key(self._claim.run_key)
        try:
            found = self._hub.patient_redis.blpop([key], timeout=timeout) if timeout > 0 else self._hub.patient_redis.lpop(key)
        except redis.RedisError:
            return "cancel" if self._cancel.wait(timeout) else None
        word = (found[1] if isinstance(found, (list, tuple)) else found) or b""
        text = word.decode() if isinstance(word, bytes) else str(word)
        if text in get_args(Command):
            return text  # type: ignore[return-value]
        return "cancel" if self._cancel.is_set() else None

    def _write_on(self) -> None:
        while not self._stop.is_set():
            self._wake.wait(timeout=max(0.05, self._next_lease - time.monotonic()))
            self._wake.clear()
            self._write()
            self._stop.wait(FLUSH_INTERVAL)
        for _ in range(LAST_TRIES):
            if self._write():
                return
            time.sleep(FLUSH_INTERVAL)

    def _write(self) -> bool:
        """Write what has come together; whether that went well."""
        with self._lock:
            lines, self._lines = self._lines, []
            events, self._events = self._events, []
            progress, step, state = self._progress, self._step, self._state
            self._progress = self._step = self._state = None
        if not (lines or events or progress is not None or step or state or time.monotonic() >= self._next_lease):
            return True
        task_id = self._claim.task.id
        try:
            with self._hub.db.write() as session:
                ours = lifecycle.confirm(
                    session, task_id, self._claim.run_key, self._hub.settings.task_lease, progress=progress, step=step, state=state
                )
                if ours:
                    for name, detail in events:
                        lifecycle.note(session, task_id, name, detail)
                    rows = [
                        {"task_id": task_id, "seq": self._seq + index, "logged_at": at, "level": level, "message": message, "step": of_line}
                        for index, (at, level, message, of_line) in enumerate(lines, 1)
                    ]
                    if rows:  # By the table: a chatty process says thousands of lines a second, and each would be an object.
                        session.execute(insert(LINES), rows)
                    task = session.get_one(Task, task_id)
                    if task.cancel_requested_at is not None:
                        self._cancel.set()
        except Exception:
            log.exception("run could not be written, will try again", task_id=task_id)
            with self._lock:
                self._lines[:0] = lines
                self._events[:0] = events
                self._progress = progress if self._progress is None else self._progress
                self._step, self._state = self._step or step, self._state or state
            return False
        self._schedule_lease()
        if ours:
            self._seq += len(lines)
        else:
            log.warning("run was given up by the hub", task_id=task_id)
            self._cancel.set()
        return True

    def _schedule_lease(self) -> None:
        self._next_lease = time.monotonic() + self._renewal
