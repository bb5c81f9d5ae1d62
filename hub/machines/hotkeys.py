"""The hotkey triggers of this machine's robots (clause 5.1.3): a key on its desktop starts a task, as the robot itself would start it."""
from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from select import select as select_ready
from typing import Any

import structlog
from sqlalchemy import select

from hub.connections import NATIVE
from hub.database import now
from hub.dispatch import Dispatcher
from hub.machines.here import Here
from hub.machines.keyboard import Keyboard, NoKeyboard
from hub.models import Connection, Department, Robot
from hub.robots import hotkeys
from hub.robots.hotkeys import Hotkey
from hub.robots.local_triggers import fire
from plugins.errors import InvalidInput

LOOK_INTERVAL = 5.0
RETRY_INTERVAL = 60.0
# A key that is held down is pressed again and again, and a nervous finger twice.
DEBOUNCE = 1.0

Wanted = Mapping[Hotkey, tuple[int, dict[str, Any]]]

log = structlog.get_logger(__name__)


class Hotkeys:
    """Keeps what is registered as the robots want it, and starts tasks from a thread of its own."""

    def __init__(self) -> None:
        self._next_look = 0.0
        self._wanted: Wanted = {}
        self._listener: _Listener | None = None

    def step(self, where: Here) -> None:
        """Look what is wanted, if it is time. Says in the log why hotkeys cannot be had, when something changes or after a while."""
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + LOOK_INTERVAL
        wanted = _wanted(where)
        alive = self._listener is not None and self._listener.is_alive()
        if wanted == self._wanted and (alive or not wanted):
            return
        self.close()
        self._wanted = wanted
        if wanted:
            self._listen(where)

    def _listen(self, where: Here) -> None:
        try:
            self._listener = _Listener(where, Keyboard(), self._wanted)
        except NoKeyboard as error:
            log.warning("hotkeys are not registered", reason=str(error), hotkeys=len(self._wanted))
            self._next_look = time.monotonic() + RETRY_INTERVAL
            return
        self._listener.start()

    def close(self) -> None:
        """Let go of the keyboard."""
        if self._listener is not None:
            self._listener.stop()
            self._listener = None


def _wanted(where: Here) -> dict[Hotkey, tuple[int, dict[str, Any]]]:
    """The active hotkey triggers of the robots of this machine; of two with the same key the first robot's counts."""
    statement = (
        select(Robot.id, Robot.schedules)
        .join(Connection, Connection.id == Robot.connection_id)
        .where(Connection.adapter == NATIVE, Robot.machine_id == where.machine_id, Robot.schedules.is_not(None))
        .where(Robot.is_deleted.is_(False), Robot.is_enabled.is_(True))
        .order_by(Robot.id)
    )
    with where.hub.db.rows() as connection:
        rows = connection.execute(statement).all()
    found: dict[Hotkey, tuple[int, dict[str, Any]]] = {}
    for robot_id, triggers in rows:
        for each in triggers or ():
            if each.get("type") != "hotkey" or not each.get("isActivated", True):
                continue
            try:
                found.setdefault(hotkeys.parse(each.get("hotkey") or ""), (robot_id, each))
            except InvalidInput as error:
                log.warning("hotkey is not registered", robot_id=robot_id, trigger=each.get("name"), reason=error.reason)
    return found


class _Listener(threading.Thread):
    """Waits for keys. The connection to the display belongs to this thread alone."""

    def __init__(self, where: Here, keyboard: Keyboard, wanted: Wanted) -> None:
        super().__init__(name="hotkeys", daemon=True)
        self._where, self._keyboard, self._wanted = where, keyboard, wanted
        self._waker, self._wakeup = os.pipe()
        self._last: dict[Hotkey, float] = {}

    def stop(self) -> None:
        """End the thread."""
        os.close(self._wakeup)
        self.join()
        os.close(self._waker)

    def run(self) -> None:
        try:
            for refused in self._keyboard.register(self._wanted):
                log.warning("hotkey cannot be had on this desktop", trigger=self._wanted[refused][1]["name"])
            log.info("hotkeys are registered", hotkeys=len(self._wanted))
            dispatcher = Dispatcher(self._where.hub)
            while True:
                for hotkey in self._keyboard.pressed():
                    if self._counts(hotkey):
                        self._fire(dispatcher, *self._wanted[hotkey])
                if self._waker in select_ready([self._keyboard.fileno(), self._waker], [], [])[0]:
                    self._keyboard.close()
                    return
        except (self._keyboard.lost, OSError) as error:
            log.warning("the desktop is gone, hotkeys with it", error=str(error))

    def _counts(self, hotkey: Hotkey) -> bool:
        moment, last = time.monotonic(), self._last.get(hotkey)
        self._last[hotkey] = moment
        return last is None or moment - last > DEBOUNCE

    def _fire(self, dispatcher: Dispatcher, robot_id: int, trigger: dict[str, Any]) -> None:
        with self._where.hub.db.read() as session:
            row = session.execute(
                select(Robot, Department.path).join(Department, Department.id == Robot.department_id).where(Robot.id == robot_id)
            ).first()
        if row is not None:
            fire(dispatcher, row[0], row[1], trigger, now(), "hotkey")
