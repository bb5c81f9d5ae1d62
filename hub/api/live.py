"""Streams of live views behind signed, expiring addresses: the log as Server-Sent Events, the display as Motion JPEG or picture by picture.

A stream occupies a thread of the web server for as long as it lasts, so there are few of them, and none outlives its view.
"""
from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import redis
import structlog
from flask import Blueprint, Response, request
from sqlalchemy import select

from hub import auth
from hub.core import Hub
from hub.models import Task, TaskLog
from hub.screens.live import View, signed_part, view_of
from hub.tasks import lifecycle
from hub.tasks.screen import watch
from plugins import codes
from plugins.errors import HubError, Refused

PREFIX = "/api/ext/live"
BOUNDARY = "picture"
LOG_INTERVAL = 0.5
PICTURE_INTERVAL = 0.25
SIGN_OF_LIFE = 5.0
FIRST_PICTURE = 8.0
BATCH = 500
FIRST_LINES = 200

log = structlog.get_logger(__name__)


def blueprint(hub: Hub) -> Blueprint:
    """GET /api/ext/live/<kind>/<id>?sign=… where ``kind`` is log, frames or frame."""
    live = Blueprint("live", __name__)
    places = threading.BoundedSemaphore(min(hub.settings.live_streams, max(1, hub.settings.web_threads // 2)))

    @live.get(f"{PREFIX}/<any(log, frames, frame):kind>/<live_id>")
    def stream(kind: str, live_id: str) -> Response:
        if not hub.vault.verify(signed_part(kind, live_id), request.args.get("sign", "")):
            raise Refused("实时查看地址无效或已过期")
        view = _open(hub, live_id)
        if view is None:
            raise Refused("实时查看已关闭")
        if kind == "frame":
            with Place(places):
                return _prepared(Response(_picture(hub, view), mimetype="image/jpeg"))
        pieces = _pictures(hub, live_id, view) if kind == "frames" else _lines(hub, live_id, view, _last_seen(hub, view))
        return _streamed(places, pieces, f"multipart/x-mixed-replace; boundary={BOUNDARY}" if kind == "frames" else "text/event-stream")

    return live


class Place:
    """A place among the few streams, given back once however often that is asked for. Raises HubError (10601) when none is free."""

    def __init__(self, places: threading.BoundedSemaphore) -> None:
        if not places.acquire(blocking=False):
            raise HubError("同时进行的实时查看过多", code=codes.RATE_LIMITED, retry_after=5)
        self._release: Callable[[], None] | None = places.release
        self._lock = threading.Lock()

    def give_back(self) -> None:
        """The stream has ended."""
        with self._lock:
            release, self._release = self._release, None
        if release is not None:
            release()

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        self.give_back()


def _streamed(places: threading.BoundedSemaphore, pieces: Iterator[bytes], mimetype: str) -> Response:
    place = Place(places)

    def until_closed() -> Iterator[bytes]:
        with place:
            yield from pieces

    response = _prepared(Response(until_closed(), content_type=mimetype))
    response.call_on_close(place.give_back)
    return response


def _prepared(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"  # nginx would hold the stream back
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _open(hub: Hub, live_id: str) -> View | None:
    """The view, as long as it is open and its viewer signed in. Redis being away ends it."""
    try:
        view = view_of(hub, live_id)
        return view if view is not None and auth.is_live(hub, view.token) else None
    except redis.RedisError as error:
        log.warning("a live view ends", error=str(error))
        return None


def _last_seen(hub: Hub, view: View) -> int:
    """After which line the log goes on: the one that a browser names when it comes back, else a little before the end."""
    given = request.headers.get("Last-Event-ID", "")
    if given.isdecimal() and given.isascii() and len(given) < 19:
        return int(given)
    with hub.db.read() as session:
        last = session.scalar(select(TaskLog.seq).where(TaskLog.task_id == view.task_id).order_by(TaskLog.seq.desc()).limit(1))
    return max(0, (last or 0) - FIRST_LINES)


def _lines(hub: Hub, live_id: str, view: View, seen: int) -> Iterator[bytes]:
    """The lines of the log as they come, until the task has ended and all are sent."""
    yield b"retry: 2000\n\n"
    quiet_since = time.monotonic()
    while _open(hub, live_id) is not None:
        with hub.db.read() as session:
            state = session.scalar(select(Task.state).where(Task.id == view.task_id))
            newer = select(TaskLog).where(TaskLog.task_id == view.task_id, TaskLog.seq > seen).order_by(TaskLog.seq).limit(BATCH)
            rows = list(session.scalars(newer))
        if rows:
            seen, quiet_since = rows[-1].seq, time.monotonic()
            yield b"".join(_event("log", _shown(hub, row), row.seq) for row in rows)
        elif state in lifecycle.ENDED:
            yield _event("end", {"taskState": state})
            return
        else:
            if time.monotonic() - quiet_since > SIGN_OF_LIFE:
                quiet_since = time.monotonic()
                yield b": alive\n\n"
            time.sleep(LOG_INTERVAL)


def _shown(hub: Hub, row: TaskLog) -> dict[str, Any]:
    at = row.logged_at.astimezone(hub.zone)
    return {"seq": row.seq, "time": at.strftime("%Y-%m-%d %H:%M:%S"), "level": row.level, "message": row.message}


def _event(name: str, data: dict[str, Any], number: int | None = None) -> bytes:
    line = f"id: {number}\n" if number is not None else ""
    return f"{line}event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def _pictures(hub: Hub, live_id: str, view: View) -> Iterator[bytes]:
    """Each new picture; now and then the last one again, so that a viewer who has left is noticed."""
    shown, sent_at = b"", time.monotonic()
    while _open(hub, live_id) is not None and _is_running(hub, view):
        picture = _newest(hub, view) or shown
        if picture and (picture != shown or time.monotonic() - sent_at > SIGN_OF_LIFE):
            shown, sent_at = picture, time.monotonic()
            yield b"--%s\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n" % (BOUNDARY.encode(), len(picture), picture)
        time.sleep(PICTURE_INTERVAL)
    yield f"--{BOUNDARY}--\r\n".encode()


def _picture(hub: Hub, view: View) -> bytes:
    """The newest picture; the first one takes a moment. Raises HubError (11001) where none comes."""
    deadline = time.monotonic() + FIRST_PICTURE
    while time.monotonic() < deadline:
        picture = _newest(hub, view)
        if picture is not None:
            return picture
        if not _is_running(hub, view):
            break
        time.sleep(PICTURE_INTERVAL)
    raise HubError("任务没有可显示的画面", code=codes.ROBOT_STATE)


def _newest(hub: Hub, view: View) -> bytes | None:
    try:
        return watch(hub, view.run_key)
    except redis.RedisError as error:
        log.warning("no pictures while redis is away", error=str(error))
        return None


def _is_running(hub: Hub, view: View) -> bool:
    with hub.db.read() as session:
        row = session.execute(select(Task.state, Task.run_key).where(Task.id == view.task_id)).first()
    return row is not None and row.run_key == view.run_key and row.state in lifecycle.STARTED
