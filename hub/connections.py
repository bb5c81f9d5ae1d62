"""Calls to the vendor platforms: from a connection's row to its adapter and back."""
from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import structlog

from hub.machines.keeper import SealedKeeper
from hub.models import Connection
from plugins import context
from plugins.errors import ConfigurationError, HubError, VendorError
from plugins.manager import LoadedAdapter

if TYPE_CHECKING:
    from hub.core import Hub

NATIVE = "native"
log = structlog.get_logger(__name__)


class Memory:
    """What adapters remember of their connections in this process; forgotten when a connection is changed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._contexts: dict[int, tuple[Any, context.Context]] = {}

    def context(self, hub: Hub, connection: Connection) -> context.Context:
        """The lasting context of a connection, made anew when its row has changed."""
        with self._lock:
            stamp, kept = self._contexts.get(connection.id, (None, None))
            if kept is None or stamp != connection.updated_at:
                kept = new_context(hub, connection)
                self._contexts[connection.id] = (connection.updated_at, kept)
            return kept


def new_context(hub: Hub, connection: Connection) -> context.Context:
    """A fresh context of a connection, which remembers nothing."""
    return context.Context(
        connection=context.Connection(
            name=connection.name,
            adapter=connection.adapter,
            address=connection.address,
            options={"timeout": hub.settings.vendor_timeout, **connection.options},
            credentials=open_credentials(hub, connection),
        ),
        folder=hub.settings.data / "adapters" / connection.adapter / str(connection.id or "new"),
        keeper=SealedKeeper(hub, connection) if connection.id else None,
    )


def adapter_of(hub: Hub, connection: Connection) -> LoadedAdapter:
    """The adapter that a connection names. Raises HubError (20001) when it is not installed any more."""
    try:
        return hub.adapters[connection.adapter]
    except KeyError as error:
        raise HubError(f"适配器 {connection.adapter} 未安装") from error


def runs_here(hub: Hub, connection: Connection) -> bool:
    """Whether robots of ours execute the connection's tasks, rather than a vendor's platform."""
    return adapter_of(hub, connection).implements("task_run")


def ask(
    hub: Hub,
    connection: Connection,
    operation: str,
    params: Mapping[str, Any],
    *,
    trace_id: str,
    actor: str = "",
    run: context.Run | None = None,
) -> dict[str, Any]:
    """Let the connection's adapter carry out an operation.

    Raises only HubError: what an adapter should not have let through becomes 20104, with the trace in the hub's own log.
    """
    ctx = replace(hub.memory.context(hub, connection), trace_id=trace_id, actor=actor, run=run)
    return _call(adapter_of(hub, connection), operation, ctx, params)


def try_out(hub: Hub, connection: Connection, *, trace_id: str) -> dict[str, Any]:
    """Check a connection that is not stored yet. Raises HubError when it does not work."""
    return _call(adapter_of(hub, connection), "connection_check", replace(new_context(hub, connection), trace_id=trace_id), {})


def _call(adapter: LoadedAdapter, operation: str, ctx: context.Context, params: Mapping[str, Any]) -> dict[str, Any]:
    if ctx.folder is not None:
        ctx.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        return adapter.call(operation, ctx, params)
    except HubError as error:
        if error.raw is not None:
            log.info("vendor answered with an error", connection=ctx.connection.name, operation=operation, code=str(error.code), raw=error.raw)
        raise
    except Exception as error:
        log.exception("adapter failed", connection=ctx.connection.name, operation=operation)
        raise VendorError(f"适配器 {adapter.name} 处理 {operation} 时出错") from error


def seal_credentials(hub: Hub, credentials: Mapping[str, str]) -> str:
    """Credentials as they are stored."""
    return hub.vault.seal(json.dumps(dict(credentials)), "connection") if credentials else ""


def open_credentials(hub: Hub, connection: Connection) -> dict[str, str]:
    """The credentials of a connection, in plain text: for its adapter only."""
    if not connection.sealed_credentials:
        return {}
    try:
        return dict(json.loads(hub.vault.open(connection.sealed_credentials, "connection")))
    except ConfigurationError as error:
        raise HubError("连接凭据无法解密，请检查主密钥") from error
