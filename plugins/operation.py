"""An operation: one call of the standard, declared once.

``@operation`` turns a function without a body into the declaration from which the route, the validation, the OpenAPI entry, the pluggy
hook specification, the row of the capability matrix and the contract test are made. All operations have one signature,
``(ctx, params) -> dict``.
"""
from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import MappingProxyType, ModuleType
from typing import Any, Literal

from plugins.fields import Record
from plugins.markers import hookspec

Side = Literal["platform", "robot", "ext"]
Params = dict[str, Any]
Answer = dict[str, Any]


class Nothing(Record):
    """无: an operation without parameters, or without a result."""


@dataclass(frozen=True)
class Operation:
    """One declared operation.

    ``emulated``: the hub itself can answer on behalf of a vendor that has no such call (it is the system of record, or stands in).
    ``printed``: the address that the standard prints where another operation has it; there it answers whoever it is for (erratum E27).
    ``public``: needs no token (erratum E01). ``writes``: changes something, so that its session takes the write lock.
    """

    name: str
    code: str
    clause: str
    title: str
    path: str
    request: type[Record]
    response: type[Record]
    summary: str
    emulated: bool = True
    public: bool = False
    writes: bool = True
    hook: bool = True
    printed: str = ""
    function: Callable[..., Any] = field(repr=False, compare=False, default=lambda ctx, params: {})

    @property
    def side(self) -> Side:
        """Whose address it has: platform (clause 6.2), robot (6.3) or ext (the hub's own)."""
        return self.path.split("/")[2]  # type: ignore[return-value]

    @property
    def resource(self) -> str:
        """The resource in the address, as a Python name; the robot itself where the address names none (``/api/robot/start``)."""
        parts = self.path.strip("/").split("/")
        return parts[2].replace("-", "_") if len(parts) > 3 else parts[1]

    @property
    def creates(self) -> bool:
        """Whether success is answered with 201 (erratum E10)."""
        return self.path.endswith("/create")


READING = ("query", "list", "info", "health", "codes", "changelog")


def operation(
    code: str,
    path: str,
    *,
    clause: str,
    title: str,
    request: type[Record] = Nothing,
    response: type[Record] = Nothing,
    emulated: bool = True,
    public: bool = False,
    writes: bool | None = None,
    hook: bool = True,
    printed: str = "",
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare an operation. The decorated function gives its name, its docstring is published.

    ``hook=False`` marks an operation of the hub alone, which no adapter implements.
    """

    def declare(function: Callable[..., Any]) -> Callable[..., Any]:
        declared = Operation(
            name=function.__name__,
            code=code,
            clause=clause,
            title=title,
            path=path,
            request=request,
            response=response,
            summary=(function.__doc__ or "").strip(),
            emulated=emulated,
            public=public,
            writes=(path.rsplit("/", 1)[-1] not in READING) if writes is None else writes,
            hook=hook,
            printed=printed,
            function=function,
        )
        function.__operation__ = declared  # type: ignore[attr-defined]
        return hookspec(firstresult=True)(function) if hook else function

    return declare


def declared_in(module: ModuleType) -> Iterator[Operation]:
    """The operations that a module declares itself (imported ones do not count), in the order of declaration."""
    for value in vars(module).values():
        found = getattr(value, "__operation__", None)
        if found is not None and value.__module__ == module.__name__:
            yield found


class Catalogue:
    """All operations that a program serves, by name and by address."""

    def __init__(self, operations: Iterator[Operation] | list[Operation]) -> None:
        by_name: dict[str, Operation] = {}
        by_path: dict[str, Operation] = {}
        for each in operations:
            if each.name in by_name or each.path in by_path:
                raise ValueError(f"operation declared twice: {each.name} {each.path}")
            by_name[each.name] = by_path[each.path] = each
        self.by_name = MappingProxyType(by_name)
        self.by_path = MappingProxyType(by_path)

    def __iter__(self) -> Iterator[Operation]:
        return iter(self.by_name.values())

    def __len__(self) -> int:
        return len(self.by_name)

    def __getitem__(self, name: str) -> Operation:
        return self.by_name[name]

    @classmethod
    def of_packages(cls, *packages: str) -> Catalogue:
        """Every operation declared in the modules of the named packages, sorted by code."""
        found = [each for module in modules_of(*packages) for each in declared_in(module)]
        return cls(sorted(found, key=lambda each: ("PRX".index(each.code[0]), each.code, each.path)))


def modules_of(*packages: str) -> list[ModuleType]:
    """The modules of the named packages, imported."""
    return [
        importlib.import_module(f"{package}.{info.name}")
        for package in packages
        for info in sorted(pkgutil.iter_modules(importlib.import_module(package).__path__), key=lambda info: info.name)
    ]
