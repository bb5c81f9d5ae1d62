"""Hotkeys on an X11 desktop. Only the registered combinations are delivered to this program: what else is typed it never sees."""
from __future__ import annotations

import os
from collections.abc import Iterable
from importlib import import_module
from typing import Any

from hub.robots.hotkeys import Hotkey

MASKS = {"ctrl": "ControlMask", "alt": "Mod1Mask", "shift": "ShiftMask", "cmd": "Mod4Mask"}
# A combination counts whether Caps Lock and Num Lock are on or not.
LOCKS = ("LockMask", "Mod2Mask")


class NoKeyboard(Exception):
    """Hotkeys cannot be registered here; the message says why."""


class Keyboard:
    """A connection to the display that the environment names. Raises NoKeyboard."""

    def __init__(self) -> None:
        if not os.environ.get("DISPLAY"):
            raise NoKeyboard("there is no desktop: DISPLAY is not set")
        try:
            self._x, self._xk, self._error = (import_module(f"Xlib.{name}") for name in ("X", "XK", "error"))
            display = import_module("Xlib.display")
        except ImportError as error:
            raise NoKeyboard("the extra [hotkey] is not installed") from error
        try:
            self._display = display.Display()
        except (OSError, self._error.DisplayError, self._error.ConnectionClosedError) as error:
            raise NoKeyboard(f"the display {os.environ['DISPLAY']} does not answer: {error}") from error
        self._root = self._display.screen().root
        self._grabbed: dict[tuple[int, int], Hotkey] = {}

    def fileno(self) -> int:
        """For ``select``."""
        return int(self._display.fileno())

    def register(self, wanted: Iterable[Hotkey]) -> set[Hotkey]:
        """Listen to these and to no others. Gives those that cannot be had: another program has them, or there is no such key."""
        for code, mask in self._grabbed:
            for variant in self._variants(mask):
                self._root.ungrab_key(code, variant)
        self._grabbed.clear()
        return {each for each in wanted if not self._grab(each)}

    def _grab(self, hotkey: Hotkey) -> bool:
        code = self._display.keysym_to_keycode(self._xk.string_to_keysym(hotkey.key))
        mask = sum(getattr(self._x, MASKS[each]) for each in hotkey.modifiers)
        refused = self._error.CatchError(self._error.BadAccess)
        for variant in self._variants(mask) if code else ():
            self._root.grab_key(code, variant, False, self._x.GrabModeAsync, self._x.GrabModeAsync, onerror=refused)
        self._display.sync()
        if not code or refused.get_error() is not None:
            return False
        self._grabbed[code, mask] = hotkey
        return True

    def pressed(self) -> list[Hotkey]:
        """The hotkeys that were pressed since the last call; does not wait."""
        found = []
        while self._display.pending_events():
            event: Any = self._display.next_event()
            if event.type == self._x.KeyPress:
                state = event.state & ~sum(getattr(self._x, each) for each in LOCKS) & 0xFF
                hotkey = self._grabbed.get((event.detail, state))
                found += [hotkey] if hotkey else []
        return found

    def close(self) -> None:
        """Give all back."""
        self._display.close()

    @property
    def lost(self) -> type[Exception]:
        """What is raised when the display is gone."""
        gone: type[Exception] = self._error.ConnectionClosedError
        return gone

    def _variants(self, mask: int) -> list[int]:
        first, second = (getattr(self._x, each) for each in LOCKS)
        return [mask, mask | first, mask | second, mask | first | second]
