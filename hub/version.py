"""The version of this program."""
from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version


@cache
def program_version() -> str:
    """The version as it was installed when this program began, so that an upgrade under its feet does not count; "" from its source."""
    try:
        return version("rpahub")
    except PackageNotFoundError:
        return ""
