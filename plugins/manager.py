"""Finds the adapters, checks each against the operations, and calls them.

One pluggy manager for each adapter: a call goes to one vendor, and one vendor's mistake cannot reach another's hooks.
"""
from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import entry_points
from typing import Any, Literal

import pluggy

from plugins import hooks
from plugins.adapter import Adapter
from plugins.context import Context
from plugins.errors import ConfigurationError, NotSupported, VendorError
from plugins.markers import PROJECT
from plugins.operation import Catalogue, Operation, modules_of

ENTRY_POINTS = "rpa_hub.adapters"
STANDARD = "plugins.operations"

Support = Literal["native", "emulated", "cannot", "not yet"]

# What an adapter that executes processes itself does by ``task_run``: it obeys the commands and reports the lines of its run.
BY_RUNNING = frozenset({"task_create", "task_cancel", "task_pause", "task_resume", "task_log_query", "video_query"})


class LoadedAdapter:
    """An adapter with its hooks, checked: no unknown hook, no wrong argument, no operation implemented twice."""

    def __init__(self, adapter: Adapter) -> None:
        self.adapter = adapter
        self.name = adapter.name
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(hooks)
        for module in modules_of(STANDARD):
            self._manager.add_hookspecs(module)
        try:
            for module in adapter.modules:
                self._manager.register(module)
            self._manager.check_pending()
        except pluggy.PluginValidationError as error:
            raise ConfigurationError(f"adapter {adapter.name}: {error}") from error
        for name, caller in vars(self._manager.hook).items():
            if not name.startswith("_") and len(caller.get_hookimpls()) > 1:
                raise ConfigurationError(f"adapter {adapter.name}: {name} is implemented more than once")
        for title, names in (("cannot", adapter.cannot), ("not_yet", adapter.not_yet)):
            wrong = sorted(name for name in names if not hasattr(self._manager.hook, name) or self.implements(name))
            if wrong:
                raise ConfigurationError(f"adapter {adapter.name}: '{title}' names {wrong} wrongly")
        both = sorted(adapter.cannot.keys() & adapter.not_yet.keys())
        if both:
            raise ConfigurationError(f"adapter {adapter.name}: {both} stand in 'cannot' and in 'not_yet'")

    def implements(self, name: str) -> bool:
        """Whether the adapter itself answers the operation or hook ``name``."""
        caller = getattr(self._manager.hook, name, None)
        return bool(caller and caller.get_hookimpls())

    def support(self, operation: Operation) -> tuple[Support, str]:
        """How the operation is answered for this vendor, and the reason where it is not."""
        if self.implements(operation.name) or (operation.name in BY_RUNNING and self.implements("task_run")):
            return "native", ""
        reason = self.adapter.cannot.get(operation.name, "")
        if operation.emulated:
            return "emulated", reason
        return ("cannot", reason) if reason else ("not yet", self.adapter.not_yet.get(operation.name, ""))

    def call(self, name: str, ctx: Context, params: Mapping[str, Any]) -> dict[str, Any]:
        """Let the adapter carry out an operation. Raises NotSupported, with the reason, where it has no such implementation."""
        if not self.implements(name):
            raise NotSupported(self.adapter.cannot.get(name, f"{self.adapter.title} 未提供该操作"))
        answer = getattr(self._manager.hook, name)(ctx=ctx, params=dict(params))
        if not isinstance(answer, dict):
            raise VendorError(f"适配器 {self.name} 对 {name} 未返回结果")
        return answer


class Adapters(Mapping[str, LoadedAdapter]):
    """All adapters of a program by name."""

    def __init__(self, adapters: Iterable[Adapter]) -> None:
        self._loaded: dict[str, LoadedAdapter] = {}
        for adapter in adapters:
            if adapter.name in self._loaded:
                raise ConfigurationError(f"two adapters are called {adapter.name}")
            self._loaded[adapter.name] = LoadedAdapter(adapter)

    def __getitem__(self, name: str) -> LoadedAdapter:
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._loaded)

    def __len__(self) -> int:
        return len(self._loaded)


def discover(package: str = "adapters") -> Adapters:
    """The adapters in the folders of ``package``, and those that other distributions offer through the entry-point group."""
    found = [
        importlib.import_module(f"{package}.{info.name}")
        for info in pkgutil.iter_modules(importlib.import_module(package).__path__)
        if info.ispkg
    ]
    adapters = []
    for module in found:
        if not isinstance(getattr(module, "ADAPTER", None), Adapter):
            raise ConfigurationError(f"{module.__name__} has no ADAPTER object")
        adapters.append(module.ADAPTER)
    for entry in entry_points(group=ENTRY_POINTS):
        adapter = entry.load()
        if not isinstance(adapter, Adapter):
            raise ConfigurationError(f"entry point {entry.name} does not name an Adapter")
        adapters.append(adapter)
    return Adapters(adapters)


def standard_catalogue() -> Catalogue:
    """The 100 operations of the standard."""
    return Catalogue.of_packages(STANDARD)
