"""Operations by the functions that declare them."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from plugins.operation import Operation


def declared(function: Callable[..., Any]) -> Operation:
    """The declaration behind an operation's function."""
    found: Operation = function.__operation__  # type: ignore[attr-defined]
    return found
