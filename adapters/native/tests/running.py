"""Runs tasks with a stand-in for the hub's side, and looks at processes."""
from __future__ import annotations

import io
import threading
import time
import zipfile
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from adapters.native.task import task_run
from plugins import Connection, Context, FileContent, NotFound


class FakeRun:
    """The hub's side of a run, kept in lists."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []
        self.times: list[datetime | None] = []
        self.steps: list[tuple[float | None, str | None]] = []
        self.pauses: list[bool] = []
        self.commands: list[str] = []
        self.screens: list[tuple[bool, bool, str]] = []
        self.recordings: list[tuple[bytes, datetime, datetime, dict[str, Any]]] = []
        self.frames: list[bytes] = []
        self.is_watched = False
        self.line_steps: list[str | None] = []
        self.answers: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {}
        self.events: list[tuple[str, str]] = []

    def hide(self, text: str) -> str:
        return text

    def log(self, level: str, message: str, at: datetime | None = None, step: str | None = None) -> None:
        self.lines.append((level, message))
        self.times.append(at)
        self.line_steps.append(step)

    def progress(self, percent: float | None = None, step: str | None = None) -> None:
        self.steps.append((percent, step))

    def command(self, timeout: float = 0.0) -> str | None:
        return self.commands.pop(0) if self.commands else None

    def paused(self, is_paused: bool) -> None:
        self.pauses.append(is_paused)

    def screen(self, has_display: bool, is_recording: bool, reason: str = "") -> None:
        self.screens.append((has_display, is_recording, reason))

    def recording(self, content: FileContent, *, started_at: datetime, ended_at: datetime, manifest: Mapping[str, Any]) -> None:
        self.recordings.append((content.read(), started_at, ended_at, dict(manifest)))

    def watched(self) -> bool:
        return self.is_watched

    def frame(self, image: bytes) -> None:
        self.frames.append(image)

    def ask(self, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        if operation not in self.answers:
            raise NotFound(operation)
        return self.answers[operation](dict(params))

    def event(self, name: str, detail: str = "") -> None:
        self.events.append((name, detail))

    def texts(self, level: str | None = None) -> list[str]:
        return [message for each, message in list(self.lines) if level in (None, each)]


class Going:
    """A task that runs in a thread of its own, as in a robot."""

    def __init__(self, folder: Path, files: dict[str, str], **params: Any) -> None:
        self.run = FakeRun()
        self.answer: dict[str, Any] = {}
        self._thread = threading.Thread(target=lambda: self.answer.update(execute(folder, files, self.run, **params)), daemon=True)
        self._thread.start()

    def wait(self) -> dict[str, Any]:
        self._thread.join(20)
        assert self.answer, "the task has not ended"
        return self.answer


def package(files: dict[str, str]) -> FileContent:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return FileContent.of(buffer.getvalue(), "p.zip")


def execute(
    folder: Path, files: dict[str, str], run: FakeRun | None = None, *, inputs: dict[str, str] | None = None, **params: Any
) -> dict[str, Any]:
    content = package(files)
    context = Context(Connection("native", "native"), folder=folder, run=run or FakeRun())
    given = {
        "taskId": "41", "processName": "对账", "robotName": "r1", "package": content, "packageDigest": content.digest(),
        "inParameters": [{"name": name, "value": value} for name, value in (inputs or {}).items()], "logLevel": "info", "maxRunTime": 0,
    }
    return task_run(context, given | params)


def until(condition: Callable[[], Any], patience: float = 10.0) -> Any:
    """The first true answer of ``condition``."""
    deadline = time.monotonic() + patience
    while not (value := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)
    return value


def number_from(path: Path) -> int:
    """The process number that a process has written into a file."""
    return until(lambda: int(path.read_text()) if path.exists() and path.read_text().endswith("\n") else 0)


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def zombies() -> set[int]:
    """This process's children that are dead and have not been waited for."""
    return {child.pid for child in psutil.Process().children() if child.status() == psutil.STATUS_ZOMBIE}


# Starts a daemon that has left the session, the parent and, if told so, the environment; it writes its number and sleeps.
DAEMON = """
import os, sys, time
def daemon(path, wipe):
    if os.fork():
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    code = "import os,sys,time,signal\\nsignal.signal(15, signal.SIG_IGN)\\n"
    code += "open(sys.argv[1],'w').write(f'{os.getpid()}\\\\n')\\ntime.sleep(600)"
    os.execve(sys.executable, [sys.executable, "-c", code, path], {} if wipe else dict(os.environ))
"""
