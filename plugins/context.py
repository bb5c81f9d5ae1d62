"""What an adapter is told about a call, and the handle of a run that it carries out itself."""
from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol

from plugins.files import FileContent

Command = Literal["cancel", "pause", "resume", "record", "stop-recording"]


@dataclass(frozen=True)
class Connection:
    """One configured vendor platform. ``options`` and ``credentials`` have the keys of the adapter's connection form."""

    name: str
    adapter: str
    address: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)


class Run(Protocol):
    """The hub's side of a task that an adapter executes in this very process (``task_run``). All methods may be called from any thread."""

    def hide(self, text: str) -> str:
        """The text without the secrets that ``ask`` has told the run."""

    def log(self, level: str, message: str, at: datetime | None = None, step: str | None = None) -> None:
        """Add one line to the task log: ``level`` is trace, debug, info, warn or error; ``at`` is aware, now by default.

        ``step`` is the step that the line was said in.
        """

    def progress(self, percent: float | None = None, step: str | None = None) -> None:
        """Report how far the run is (0 to 100) and the name of the present step."""

    def command(self, timeout: float = 0.0) -> Command | None:
        """The next command for the run, waiting at most ``timeout`` seconds for it. "cancel" is also sent when the hub has given the run up."""

    def paused(self, is_paused: bool) -> None:
        """Report that the run has really come to a halt, or goes on again."""

    def screen(self, has_display: bool, is_recording: bool, reason: str = "") -> None:
        """Report whether the run has a display of its own and whether that is being recorded; if not, why, in Chinese."""

    def recording(self, content: FileContent, *, started_at: datetime, ended_at: datetime, manifest: Mapping[str, Any]) -> None:
        """Hand over a finished recording; it is stored when this returns. Raises HubError where it cannot be.

        ``manifest`` is what the robot says of it: ``key`` (names it for good: handed over twice it is stored once), ``part`` (which one of
        the run), ``display`` (width, height, depth), ``framesPerSecond``, ``isOverlaid``, ``isInterrupted``.
        """

    def watched(self) -> bool:
        """Whether somebody wants to see the display at this moment. Cheap enough to be asked several times a second."""

    def frame(self, image: bytes) -> None:
        """Show those who watch a picture of the display (JPEG)."""

    def ask(self, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Let the hub carry out one of its operations for the run: those by which a process gets at credentials, assets, queue items and files.

        They are carried out with the rights of the run's robot, and for this task. Secrets in the answer are plain, and hidden in the task's
        log from then on; ``content``, where the answer has one, is a FileContent. Raises HubError.
        """

    def event(self, name: str, detail: str = "") -> None:
        """Note something that happened to the run in the task's timeline: ``name`` is a word of at most 16 letters, such as "unlocked"."""


class Keeper(Protocol):
    """Small texts that all processes of the hub share for a while, kept as secrets are: a vendor's token, a cursor."""

    def get(self, name: str) -> str | None:
        """What is kept under a name; None where there is nothing (any more)."""

    def put(self, name: str, value: str, seconds: float) -> None:
        """Keep a text for so long. It may be forgotten earlier."""


@dataclass(frozen=True)
class Context:
    """The first argument of every hook.

    ``trace_id`` follows the call through hub, worker and vendor; send it along where the vendor's API has a place for it.
    ``memo`` lives as long as the process, one for each connection: a client or a token may be kept there, under ``lock``.
    ``keeper`` holds what all processes shall share, where there is one: jobs run in processes of their own, whose ``memo`` ends with them.
    ``folder`` is a private, writable folder of the adapter on this machine. ``run`` is set for ``task_run`` only.
    """

    connection: Connection
    trace_id: str = ""
    actor: str = ""
    folder: Path | None = None
    memo: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    lock: Any = field(default_factory=threading.RLock, repr=False, compare=False)
    keeper: Keeper | None = field(default=None, repr=False, compare=False)
    run: Run | None = field(default=None, repr=False, compare=False)
