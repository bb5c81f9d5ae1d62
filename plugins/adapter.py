"""The one named object of an adapter: ``ADAPTER`` in its package's ``__init__``."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Literal

from plugins.fields import Record


@dataclass(frozen=True)
class Claim:
    """What robots that run here can do on one kind of system. ``state``: proven (by the tests, as ``note`` says), unproved, or no."""

    feature: str
    system: str
    state: Literal["proven", "unproved", "no"]
    note: str


@dataclass(frozen=True)
class Adapter:
    """What an adapter is.

    ``form``: the fields of a connection; those declared ``secret`` are stored encrypted and never shown.
    ``modules``: where its ``@hookimpl`` functions stand, one module for each resource.
    ``cannot``: operations that the vendor's API has no way to do, each with the reason, in Chinese as it is shown to callers.
    ``not_yet``: operations that the vendor's API could do and the adapter does not, each with what is missing, in Chinese. An operation
    that the hub cannot answer itself is implemented or stands in one of the two: no gap is silent.
    ``claims``: what its own robots can do on which systems, shown in the capability matrix; for adapters that execute processes themselves.
    ``certainty``: how well the vendor's answers are known (confirmed, documented, unconfirmed), shown in the capability matrix.
    """

    name: str
    title: str
    modules: tuple[ModuleType, ...]
    form: type[Record] = Record
    cannot: Mapping[str, str] = field(default_factory=dict)
    not_yet: Mapping[str, str] = field(default_factory=dict)
    claims: tuple[Claim, ...] = ()
    needs_address: bool = True
    certainty: str = "confirmed"
    source: str = ""
