"""Which function answers which operation."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from hub.call import Call
from hub.robots import standalone
from plugins.manager import STANDARD
from plugins.operation import Catalogue, declared_in, modules_of

Handler = Callable[[Call, dict[str, Any]], dict[str, Any]]

SERVICES = "hub.services"
EXTENSIONS = "hub.extensions"


def serves(*operations: Callable[..., Any]) -> Callable[[Handler], Handler]:
    """Mark a service function as the one that answers a declared operation, or several that mean the same on the platform and on a robot."""

    def mark(handler: Handler) -> Handler:
        handler.__serves__ = tuple(each.__operation__.name for each in operations)  # type: ignore[attr-defined]
        return handler

    return mark


def full_catalogue() -> Catalogue:
    """The standard's operations and the hub's own."""
    return Catalogue.of_packages(STANDARD, EXTENSIONS)


def catalogue_of(role: str) -> Catalogue:
    """The operations that a program in this role has: all of them, or those of a standalone robot."""
    catalogue = full_catalogue()
    return Catalogue([each for each in catalogue if standalone.serves(each)]) if role == "robot" else catalogue


def handlers() -> Mapping[str, Handler]:
    """The handler of each operation that the hub answers, by the operation's name. Raises ValueError when two claim one."""
    found: dict[str, Handler] = {}
    pairs = [
        (name, value)
        for module in modules_of(SERVICES)
        for value in vars(module).values()
        if hasattr(value, "__serves__") and value.__module__ == module.__name__
        for name in value.__serves__
    ]
    pairs += [(each.name, each.function) for module in modules_of(EXTENSIONS) for each in declared_in(module)]
    for name, handler in pairs:
        if name in found:
            raise ValueError(f"operation {name} is served twice")
        found[name] = handler
    return MappingProxyType(found)
