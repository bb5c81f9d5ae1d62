"""The text form of hotkeys: ``<ctrl>+<alt>+r``, ``<shift>+<f5>``."""
from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType

from plugins.errors import InvalidInput

MODIFIERS = ("ctrl", "alt", "shift", "cmd")
# Our word -> the name of the key in X11, https://www.x.org/releases/current/doc/xproto/x11protocol.html#keysym_encoding
NAMED = MappingProxyType(
    {
        "space": "space", "enter": "Return", "tab": "Tab", "esc": "Escape", "backspace": "BackSpace", "insert": "Insert", "delete": "Delete",
        "home": "Home", "end": "End", "page_up": "Page_Up", "page_down": "Page_Down", "up": "Up", "down": "Down", "left": "Left", "right": "Right",
        "pause": "Pause", **{f"f{number}": f"F{number}" for number in range(1, 25)},
    }
)  # fmt: skip
PLAIN = re.compile("[a-z0-9]")
FUNCTION = re.compile(r"f\d+")


@dataclass(frozen=True)
class Hotkey:
    """A key, by its name in X11, with the modifiers that are held down with it."""

    modifiers: frozenset[str]
    key: str


def parse(text: str) -> Hotkey:
    """The hotkey of a text. Raises InvalidInput (10007); a key without a modifier must be a function key, or typing would trigger it."""
    *held, last = (part.strip().lower() for part in text.split("+"))
    modifiers = [part[1:-1] for part in held if part[:1] == "<" and part[-1:] == ">"]
    name = last[1:-1] if last[:1] == "<" and last[-1:] == ">" else ""
    key = NAMED.get(name) if name else last if PLAIN.fullmatch(last) else None
    if key is None or len(modifiers) != len(held) or not set(modifiers) <= set(MODIFIERS) or len(set(modifiers)) != len(modifiers):
        raise InvalidInput(f"快捷键 {text[:64]} 无效，应如 <ctrl>+<alt>+r，修饰键为 {'、'.join(MODIFIERS)}")
    if not set(modifiers) - {"shift"} and not FUNCTION.fullmatch(name):
        raise InvalidInput(f"快捷键 {text[:64]} 应包含 ctrl、alt 或 cmd，否则正常输入会触发它")
    return Hotkey(frozenset(modifiers), key)
