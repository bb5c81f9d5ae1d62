"""The one way in: every call, whoever makes it (HTTP, console, command line, scheduler), goes through here.

Reads and checks the parameters, finds out who calls, lets the service answer, ends the transaction, sends the jobs off, and turns whatever
was raised into the standard's codes.
"""
from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from marshmallow import ValidationError
from sqlalchemy.exc import IntegrityError

from hub import auth, idempotency, rights
from hub.audit import subject_of
from hub.call import ANONYMOUS, INTERNAL, Call, Caller, Form, Source
from hub.calllog import Noted
from hub.core import Hub
from hub.database import now
from hub.models import AuditEntry
from hub.serving import Handler, catalogue_of, handlers
from hub.tasks import relay
from plugins import codes
from plugins.codes import Code
from plugins.errors import HubError, InvalidInput, NotSupported, Refused
from plugins.fields import Problem, Record, Upload
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
        self.catalogue = catalogue_of(hub.settings.role)
        self._handlers: Mapping[str, Handler] = handlers()
        self._for_robots = {each.printed: each for each in self.catalogue if each.printed}
        self._permissions = {each.name: rights.permission_of(each) for each in self.catalogue}
        strict, zone = hub.settings.strict, ZoneInfo(hub.settings.time_zone)
        self._requests: dict[str, Record] = {each.name: each.request(strict=strict, zone=zone) for each in self.catalogue}
        self._forms = {
            name: type(each)(strict=strict, zone=zone, form=True)
            for name, each in self._requests.items()
            if any(isinstance(one, Upload) for one in each.fields.values())
        }
        self._responses: dict[str, Record] = {each.name: each.response(strict=strict, zone=zone) for each in self.catalogue}

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
        source: Source = INTERNAL,
        check: Callable[[], None] | None = None,
    ) -> Answer:
        """Carry out an operation for the holder of ``token``, or for ``caller`` when the hub itself calls. Never raises.

        ``raw`` is what was sent, or a function that reads it; ``check`` is asked first, and may refuse by raising HubError.
        """
        called_at, began = now(), time.perf_counter()
        call = Call(self.hub, operation, caller or ANONYMOUS, trace_id or new_trace_id(), source)
        progress = _Progress()
        with structlog.contextvars.bound_contextvars(trace_id=call.trace_id, operation=operation.name):
            answer = self._answer(call, raw, token, caller is not None, check, progress)
        self.hub.calls.note(
            Noted(
                called_at=called_at,
                trace_id=call.trace_id,
                operation=call.operation.name,
                source=source,
                caller=call.caller,
                schema=self._requests[call.operation.name],
                request=progress.request,
                status=answer.code.status,
                result_code=answer.code.value,
                message=answer.message,
                response_schema=self._responses[call.operation.name],
                response=answer.data,
                duration=(time.perf_counter() - began) * 1000,
                audit=self._audit_of_failure(call, progress, answer),
            )
        )
        return answer

    def _answer(
        self, call: Call, raw: Any, token: str | None, known: bool, check: Callable[[], None] | None, progress: _Progress
    ) -> Answer:
        try:
            if check is not None:
                check()
            if not known:
                self._admit(call, token)
            operation = call.operation
            if operation.side == "robot" and not operation.public and call.caller.robot_id is None:
                raise Refused("该接口应使用机器人的 token", code=codes.NO_PERMISSION)
            progress.request = raw() if callable(raw) else raw
            params, warnings = self.read(operation, progress.request)
            data = self._once(call, params) if idempotency.wanted(call) else self._carry_out(call, params)
            return Answer(codes.OK, codes.OK.zh, data, warnings=warnings)
        except HubError as error:
            if error.code.status >= 500:
                log.warning("call failed", code=str(error.code), reason=error.reason)
            return Answer(error.code, error.message, retry_after=error.retry_after)
        except IntegrityError as error:
            log.warning("two calls met", error=str(error.orig))
            return Answer(codes.DUPLICATE, codes.DUPLICATE.zh)
        except Exception:
            log.exception("call broke")
            return Answer(codes.SERVER_STATE, f"{codes.SERVER_STATE.zh}，跟踪标识 {call.trace_id}")

    def _admit(self, call: Call, token: str | None) -> None:
        """Find out who calls and whether it may: token, address, rate, permission. Raises HubError.

        Whoever has no good token uses up the limit of the address, so that tokens cannot be tried out faster than calls be made.
        """
        settings, operation, ip = self.hub.settings, call.operation, call.source.client_ip
        of_address = (f"ip:{ip}", settings.rate_limit_ip)
        if operation.public:
            # Who changes something without a token signs in, or tries to; public keys may be read at the common rate.
            self.hub.limiter.check([of_address, (f"login:{ip}", settings.rate_limit_login if operation.writes else 0)])
            return
        try:
            call.caller = caller = auth.caller_of(self.hub, token, ip)
        except Refused:
            self.hub.limiter.check([of_address])
            raise
        self.hub.limiter.check(
            [
                of_address,
                (f"client:{caller.key}", caller.rate_limit or settings.rate_limit_client),
                (f"client:{caller.key}:{operation.name}", settings.rate_limit_operation),
            ]
        )
        if caller.robot_id is not None:
            call.operation = operation = self._for_robots.get(operation.path, operation)
        if not rights.allows(caller.permissions, self._permissions[operation.name]):
            raise Refused(code=codes.NO_PERMISSION)

    def _audit_of_failure(self, call: Call, progress: _Progress, answer: Answer) -> AuditEntry | None:
        """What the audit log says of a change that failed; one that succeeded stands there by its own transaction."""
        if answer.code is codes.OK or not call.operation.writes:
            return None
        return call.audit_entry(subject_of(progress.request, self._requests[call.operation.name]), answer.code.value)

    def read(self, operation: Operation, raw: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
        """The checked parameters of an operation, and the unknown ones that were ignored (erratum E26). Raises InvalidInput."""
        schema = self._requests[operation.name]
        raw = {} if raw is None else raw
        if isinstance(raw, Form):
            schema = self._forms.get(operation.name, schema)
        if not isinstance(raw, dict):
            raise InvalidInput("请求体应为 JSON 对象")
        unknown = tuple(sorted(str(key) for key in raw.keys() - schema.load_fields.keys()))
        if unknown and schema.strict:
            raise InvalidInput(f"未知参数 {'、'.join(unknown)[:200]}")
        try:
            return schema.load(raw), unknown
        except ValidationError as error:
            raise _invalid(error) from error

    def _once(self, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        """The answer that was given before to this idempotency key, or that of carrying the call out now."""
        kept = idempotency.find(call, params)
        if kept is not None:
            return kept
        try:
            return self._carry_out(call, params)
        except (HubError, IntegrityError):
            # Of two calls with one key at the same time, the slower one is undone and gets the answer of the other.
            kept = idempotency.find(call, params)
            if kept is None:
                raise
            return kept

    def _carry_out(self, call: Call, params: dict[str, Any]) -> dict[str, Any]:
        """Let the service answer, and give the answer in the words of the operation's response."""
        operation = call.operation
        handler = self._handlers.get(operation.name)
        if handler is None:
            raise NotSupported(f"本平台当前版本未提供{operation.title}接口")
        try:
            data = self._responses[operation.name].dump(handler(call, params))
            if operation.writes:
                subject = subject_of(params, self._requests[operation.name]) | subject_of(data, self._responses[operation.name])
                call.session.add(call.audit_entry(subject, codes.OK.value))
                if idempotency.wanted(call):
                    idempotency.keep(call, params, data)
        except BaseException as error:
            call.finish(error)
            raise
        call.finish()
        relay.send(self.hub, call.jobs)
        return data


@dataclass
class _Progress:
    """How far a call has come, for the log."""

    request: Any = None


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
