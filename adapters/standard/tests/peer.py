"""A fake peer for the tests, and calls to it."""
from __future__ import annotations

from typing import Any

from adapters.standard import ADAPTER, contract
from plugins.context import Context
from plugins.manager import LoadedAdapter
from plugins.testing import FakeVendor, context_for

CREDENTIALS = {"password": "Password-of-a-test-1", "secret": "Secret-of-a-test-1"}
LOADED = LoadedAdapter(ADAPTER)


def platform(server: FakeVendor, **options: Any) -> Context:
    """A context of a connection to a platform."""
    return context_for(ADAPTER, server.address, options={"timeout": 5, **contract.OPTIONS, **options}, credentials=CREDENTIALS)


def robot(server: FakeVendor, **options: Any) -> Context:
    """A context of a connection to a robot."""
    return context_for(ADAPTER, server.address, options={"timeout": 5, **contract.ROBOT, **options}, credentials=CREDENTIALS)


def call(ctx: Context, operation: str, **params: Any) -> dict[str, Any]:
    """Carry out an operation or hook."""
    return LOADED.call(operation, ctx, params)


def asked(server: FakeVendor) -> list[str]:
    """The addresses that were asked, without those of signing in."""
    return [seen.path for seen in server.requests if "authenticate" not in seen.path and "crypto" not in seen.path]
