"""Unlocks a desktop for a run and locks it again afterwards, whatever becomes of the run.

Before a desktop is unlocked, a note in the runtime's folder says for which run. Several runs may share a desktop: the last one locks it. The
notes of dead runs are taken over by whoever finds them first: the run's guard, the next run, or the hub.
"""
from __future__ import annotations

import fcntl
import json
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from adapters.native import sessions
from adapters.native.leftovers import boot_id, process_lives
from adapters.native.sessions import Desktop
from plugins import Context, HubError, Run, hookimpl
from plugins.errors import Conflict

FOLDER = "unlocked"
LIVE, RESTORED = ".json", ".locked"
logger = logging.getLogger(__name__)


@contextmanager
def unlocked(base: Path, run: Run, run_id: str, params: dict[str, Any]) -> Iterator[None]:
    """Have the desktop unlocked for the block, where the robot is to. Raises HubError when it stays locked."""
    if not params.get("isAutoUnlockEnabled"):
        yield
        return
    desktop = sessions.desktop_of(params.get("machineUsername") or "")
    if desktop is None:
        run.log("info", f"自动解锁：{sessions.NO_SESSION}")
        yield
        return
    note = base / FOLDER / f"{run_id}{LIVE}"
    _unlock(base, desktop, note, run, str(params["taskId"]))
    try:
        yield
    finally:
        _lock(base, desktop, note, run)


def _unlock(base: Path, desktop: Desktop, note: Path, run: Run, task_id: str) -> None:
    with _alone(base):
        is_locked = desktop.is_locked()
        if is_locked is False and not _others(note, desktop.key):
            return  # It was open before any run came, and stays so.
        me = {"owner": os.getpid(), "ownerStart": psutil.Process().create_time()}
        draft = note.with_suffix(".part")
        draft.write_text(json.dumps({"key": desktop.key, "taskId": task_id, "machine": socket.gethostname(), "boot": boot_id(), **me}), "utf-8")
        draft.replace(note)
        if is_locked is not False:
            try:
                desktop.set_locked(False)
            except HubError as error:
                note.unlink()
                run.event("unlock_failed", error.reason)
                raise HubError(f"无法解锁桌面：{error.reason}", code=error.code) from error
            run.event("unlocked", f"任务开始前解锁会话 {desktop.key}")
            run.log("info", f"已解锁桌面会话 {desktop.key}")


def _lock(base: Path, desktop: Desktop, note: Path, run: Run) -> None:
    with _alone(base):
        if not note.exists():
            return
        if _others(note, desktop.key):
            note.unlink()
            return
        try:
            desktop.set_locked(True)
        except HubError as error:  # The note stays: whoever looks next tries again.
            run.event("lock_failed", error.reason)
            run.log("error", f"任务结束后未能重新锁屏：{error.reason}")
            return
        note.unlink()
        run.event("locked", f"任务结束后重新锁定会话 {desktop.key}")
        run.log("info", f"已重新锁定桌面会话 {desktop.key}")


def lock_after_dead_runs(base: Path, dead: str = "") -> None:
    """Lock what dead runs have left unlocked; their notes stay, marked, until the hub has asked for them. ``dead`` is a run known to be so."""
    if not (base / FOLDER).is_dir():
        return
    with _alone(base):
        for path, note in _notes(base):
            if note["machine"] != socket.gethostname() or (path.stem != dead and process_lives(note)):
                continue
            detail = f"任务的执行进程中断后重新锁定会话 {note['key']}"
            if note["boot"] == boot_id() and not _others(path, note["key"]):
                try:
                    sessions.by_key(note["key"]).set_locked(True)
                except HubError as error:
                    detail = f"任务的执行进程中断后未能锁定会话 {note['key']}：{error.reason}"
            marked = path.with_suffix(RESTORED)
            path.write_text(json.dumps({**note, "detail": detail}), "utf-8")
            path.replace(marked)


@hookimpl
def desktop_restore(ctx: Context, params: dict) -> dict:
    """Lock what is left, and tell of all that was locked since this was last asked for."""
    restored: list[dict[str, str]] = []
    if ctx.folder is not None and (ctx.folder / FOLDER).is_dir():
        lock_after_dead_runs(ctx.folder)
        with _alone(ctx.folder):
            for path in sorted((ctx.folder / FOLDER).glob(f"*{RESTORED}")):
                note = json.loads(path.read_text("utf-8"))
                if note["machine"] == socket.gethostname():
                    restored.append({"taskId": note["taskId"], "detail": note["detail"]})
                    path.unlink()
    return {"restored": restored}


@hookimpl
def desktop_lock(ctx: Context, params: dict) -> dict:
    """Lock or unlock the session of the robot's user."""
    desktop = sessions.desktop_of(params.get("machineUsername") or "")
    if desktop is None:
        raise Conflict(sessions.NO_SESSION)
    wanted = bool(params["isLocked"])
    word = "锁定" if wanted else "解锁"
    if desktop.is_locked() is wanted:
        return {"changed": False, "detail": f"会话 {desktop.key} 已{word}"}
    desktop.set_locked(wanted)
    return {"changed": True, "detail": f"已{word}会话 {desktop.key}"}


@contextmanager
def _alone(base: Path) -> Iterator[None]:
    """Only one process of this machine looks after desktops at a time."""
    (base / FOLDER).mkdir(mode=0o700, parents=True, exist_ok=True)
    with (base / FOLDER / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _notes(base: Path) -> list[tuple[Path, dict[str, Any]]]:
    found = []
    for path in sorted((base / FOLDER).glob(f"*{LIVE}")):
        try:
            found.append((path, json.loads(path.read_text("utf-8"))))
        except ValueError:  # The machine lost its power over it: nobody can tell what it was for.
            logger.warning("%s cannot be read", path)
            path.unlink(missing_ok=True)
    return found


def _others(mine: Path, key: str) -> bool:
    """Whether another live run has the same desktop unlocked."""
    notes = _notes(mine.parent.parent)
    return any(path != mine and note["key"] == key and note["machine"] == socket.gethostname() and process_lives(note) for path, note in notes)
