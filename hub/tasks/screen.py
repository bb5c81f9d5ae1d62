"""What there is to see of a run, between the process that carries it out and those that ask: all of it in Redis, none of it for long.

The run says whether it has a display and is being recorded. Whoever wants to see pictures keeps a mark alive; the run sends pictures as long
as it finds the mark, wherever the two are.
"""
from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import redis
import structlog

from hub.core import Hub
from hub.screens import recordings
from hub.screens.recordings import Film
from plugins.files import FileContent

log = structlog.get_logger(__name__)

STATE_TTL = 60
STATE_INTERVAL = 20.0
WATCH_TTL = 5
WATCH_INTERVAL = 1.0
FRAME_TTL = 10
LARGEST_FRAME = 4 << 20


@dataclass(frozen=True)
class State:
    """What a run has said last: whether it has a display, whether that is recorded, and if not, why."""

    has_display: bool = False
    is_recording: bool = False
    reason: str = ""


class Screen:
    """The run's side. No failure of Redis is the run's: it is as if nobody watched."""

    def __init__(self, hub: Hub, task_id: int, run_key: str) -> None:
        self._hub = hub
        self._task_id = task_id
        self._run_key = run_key
        self._lock = threading.Lock()
        self._state: State | None = None
        self._next_look = 0.0
        self._next_state = 0.0
        self._is_watched = False

    def tell(self, state: State) -> None:
        """Say what there is to see."""
        with self._lock:
            self._state = state
            self._next_state = 0.0
        self._say()

    def _say(self) -> None:
        with self._lock:
            if self._state is None or time.monotonic() < self._next_state:
                return
            self._next_state = time.monotonic() + STATE_INTERVAL
            text = json.dumps(asdict(self._state))
        try:
            self._hub.redis.set(_state_key(self._run_key), text, ex=STATE_TTL)
        except redis.RedisError as error:
            log.warning("the display of a run is not announced", task_id=self._task_id, error=str(error))

    def is_watched(self) -> bool:
        """Whether somebody watches; Redis is asked once a second at most."""
        if time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + WATCH_INTERVAL
            self._say()
            try:
                self._is_watched = bool(self._hub.redis.exists(_watch_key(self._run_key)))
            except redis.RedisError:
                self._is_watched = False
        return self._is_watched

    def show(self, image: bytes) -> None:
        """Show a picture."""
        if len(image) > LARGEST_FRAME:
            return
        try:
            self._hub.redis.set(_frame_key(self._run_key), image, ex=FRAME_TTL)
        except redis.RedisError as error:
            log.warning("a picture is not shown", task_id=self._task_id, error=str(error))

    def keep(self, content: FileContent, started_at: datetime, ended_at: datetime, manifest: Mapping[str, Any]) -> None:
        """Store a recording of the run. Raises HubError where it cannot be stored."""
        recordings.store(self._hub, self._task_id, Film(content, started_at, ended_at, manifest))


def state_of(hub: Hub, run_key: str) -> State:
    """What a run has said last; nothing to see where it has said nothing. Raises redis.RedisError."""
    found = hub.redis.get(_state_key(run_key))
    return State(**json.loads(found)) if isinstance(found, bytes) else State(reason="任务未使用虚拟桌面")


def watch(hub: Hub, run_key: str) -> bytes | None:
    """Ask a run for pictures for the next seconds; gives the newest that there is. Raises redis.RedisError."""
    with hub.redis.pipeline() as pipe:
        pipe.set(_watch_key(run_key), b"1", ex=WATCH_TTL)
        pipe.get(_frame_key(run_key))
        found = pipe.execute()[1]
    return found if isinstance(found, bytes) else None


def _state_key(run_key: str) -> str:
    return f"rpahub:screen:{run_key}"


def _watch_key(run_key: str) -> str:
    return f"rpahub:watching:{run_key}"


def _frame_key(run_key: str) -> str:
    return f"rpahub:frame:{run_key}"
