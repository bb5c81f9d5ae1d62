"""The one way in: every call, whoever makes it (HTTP, console, command line, scheduler), goes through here.

Reads and checks the parameters, finds out who calls, lets the service answer, ends the transaction, sends the jobs off, and turns whatever
was raised into the standard's codes.
"""
from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from marshmallow import ValidationError
from sqlalchemy.exc import IntegrityError

from hub import auth
from hub.call import ANONYMOUS, Call, Caller
from hub.core import Hub
from hub.serving import Handler, full_catalogue, handlers
from hub.tasks import relay
from plugins import codes
from plugins.codes import Code
from plugins.errors import HubError, InvalidInput, NotSupported
from plugins.fields import Problem, Record
from plugins.operation import Operation

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Answer:
    """What the caller gets: a code, a message, and the data in the words of the operation's response."""

    code: Code
    message: str
    data: dict[str, Any] = field(default_factory=dict)
    retry_after: float | None = None
    warnings: tuple[str, ...] = ()


def new_trace_id() -> str:
    """A trace id: 32 hexadecimal digits, as W3C trace context has them."""
    return secrets.token_hex(16)


class Dispatcher:
    """All operations with their schemas and handlers."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.catalogue = full_catalogue()
        self._handlers: Mapping[str, Handler] = handlers()
        mode = {"strict": hub.settings.strict, "zone": ZoneInfo(hub.settings.time_zone)}
        self._requests: dict[str, Record] = {each.name: each.request(**mode) for each in self.catalogue}
        self._responses: dict[str, Record] = {each.name: each.response(**mode) for each in self.catalogue}

    def serves(self, operation: Operation) -> bool:
        """Whether the hub answers the operation (rather than "not supported")."""
        return operation.name in self._handlers

    def call(
        self,
        operation: Operation,
        raw: Any,
        *,
        token: str | None = None,
        caller: Caller | None = None,
        trace_id: str = "",
        base_url: str = "",
        client_ip: str = "",
    ) -> Answer:
        """Carry out an operation for the holder of ``token``, or for ``caller`` when the hub itself calls. Never raises."""
        trace_id = trace_id or new_trace_id()
        with structlog.contextvars.bound_contextvars(trace_id=trace_id, operation=operation.name):
            call = Call(self.hub, operation, caller or ANONYMOUS, trace_id, base_url, client_ip)
            try:
                if caller is None and not operation.public:
                    call.caller = auth.caller_of(self.hub, token)
                params, warnings = self.read(operation, raw() if callable(raw) else raw)
                data = self._carry_out(call, params)
                return Answer(codes.OK, codes.OK.zh, self._responses[operation.name].dump(data), warnings=warnings)
            except HubError as error:
                if error.code.status >= 500:
                    log.warning("call failed", code=str(error.code), reason=error.reason)
                return Answer(error.code, error.message, retry_after=error.retry_after)
            except IntegrityError as error:
                log.warning("two calls met", error=str(error.orig))
                return Answer(codes.DUPLICATE, codes.DUPLICATE.zh)
            except Exception:
                log.exception("call broke")
                return Answer(codes.SERVER_STATE, f"{codes.SERVER_STATE.zh}，跟踪标识 {trace_id}")

    def read(self, operation: Operation, raw: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
        """The checked parameters of an operation, and the unknown ones that were ignored (erratum E26). Raises InvalidInput."""
        schema = self._requests[operation.name]
        raw = {} if raw is None else raw
        if not isinstance(raw, dict):
            raise InvalidInput("请求体应为 JSON 对象")
        unknown = tuple(sorted(str(key) for key in raw.keys() - schema.load_fields.keys()))
        if unknown and schema.strict:
            raise InvalidInput(f"未知参数 {'、'.join(unknown)[:200]}")
        try:
            return schema.load(raw), unknown
        except ValidationError as error:
            raise _invalid(error) from error

    def _carry_out(self, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        handler = self._handlers.get(call.operation.name)
        if handler is None:
            raise NotSupported(f"本平台当前版本未提供{call.operation.title}接口")
        try:
            data = handler(call, params)
        except BaseException as error:
            call.finish(error)
            raise
        call.finish()
        relay.send(self.hub, call.jobs)
        return data


def _invalid(error: ValidationError) -> InvalidInput:
    """The first problem as the answer; all of them in its text. Missing comes before empty before wrong."""
    found = [(path, text) for path, text in _flatten(error.normalized_messages())]
    order = {codes.PARAMETER_MISSING.value: 0, codes.PARAMETER_EMPTY.value: 1}
    found.sort(key=lambda each: order.get(_code(each[1]).value, 2))
    text = "；".join(f"{path} {text}" for path, text in found[:10])
    return InvalidInput(text, code=_code(found[0][1]))


def _code(text: str) -> Code:
    return text.code if isinstance(text, Problem) else codes.PARAMETER_TYPE


def _flatten(messages: Any, path: str = "") -> list[tuple[str, str]]:
    if isinstance(messages, dict):
        return [pair for key, value in messages.items() for pair in _flatten(value, f"{path}.{key}" if path else str(key))]
    if isinstance(messages, list):
        return [pair for value in messages for pair in _flatten(value, path)]
    return [(path, messages)]
