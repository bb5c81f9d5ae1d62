"""The one shape of every answer: ``{resultCode, message, data}`` (clause 6.1.1.5), also of those that never reached an operation."""
from __future__ import annotations

import math
from typing import Any

import structlog
from flask import Flask, Response, current_app, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound, RequestEntityTooLarge

from hub.dispatch import Answer, new_trace_id
from hub.history import INTERFACE_VERSION
from plugins import codes
from plugins.errors import HubError

API_VERSION = INTERFACE_VERSION
CONTENT_TYPE = "application/json;charset=utf-8"
TRACE_HEADER = "x-trace-id"

log = structlog.get_logger(__name__)


def trace_id() -> str:
    """The trace id of this request: the caller's, where it sent a well-formed one, else a new one."""
    if "trace_id" not in g:
        sent = request.headers.get(TRACE_HEADER, "")
        g.trace_id = sent if 8 <= len(sent) <= 64 and sent.isascii() and sent.replace("-", "").isalnum() else new_trace_id()
    return str(g.trace_id)


def respond(answer: Answer, created: bool = False) -> Response:
    """The answer as an HTTP response."""
    settings = current_app.extensions["hub"].settings
    status = 201 if created and answer.code is codes.OK else answer.code.status
    response = envelope(answer.code.value, answer.message, answer.data, 200 if settings.http_always_200 else status)
    if answer.retry_after is not None:
        response.headers["Retry-After"] = str(math.ceil(answer.retry_after))
    if answer.warnings:
        response.headers["warnings"] = ",".join(answer.warnings).encode("unicode_escape").decode()[:1000]
    return response


def envelope(code: str, message: str, data: dict[str, Any], status: int) -> Response:
    """A response in the standard's shape."""
    body = {"resultCode": code, "message": message, "data": data, "traceId": trace_id()}
    response = Response(current_app.json.dumps(body), status, content_type=CONTENT_TYPE)
    response.headers["version"] = API_VERSION
    response.headers[TRACE_HEADER] = trace_id()
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def refusal(error: HubError) -> Response:
    """An error as an HTTP response."""
    return respond(Answer(error.code, error.message, retry_after=error.retry_after))


def register_error_handlers(app: Flask) -> None:
    """Have whatever Flask itself refuses, and whatever breaks, answered in the envelope."""
    app.register_error_handler(HTTPException, on_http_exception)
    app.register_error_handler(HubError, refusal)
    app.register_error_handler(Exception, _on_exception)


def on_http_exception(error: HTTPException) -> Response | HTTPException:
    """The answer to what Flask or Werkzeug refused. Redirects pass untouched."""
    status = error.code or 500
    if status < 400:
        return error
    if isinstance(error, NotFound):
        response = envelope(codes.NOT_FOUND.value, f"接口不存在：{request.path[:200]}", {}, 404)
    elif isinstance(error, MethodNotAllowed):
        allowed = "、".join(sorted((error.valid_methods and set(error.valid_methods) - {"HEAD", "OPTIONS"}) or {"POST"}))
        response = envelope(codes.PARAMETER_TYPE.value, f"请求方法不支持，应使用 {allowed}", {}, 405)
    elif isinstance(error, RequestEntityTooLarge):
        response = envelope(codes.TOO_LARGE.value, codes.TOO_LARGE.zh, {}, 400)
    elif status < 500:
        response = envelope(codes.PARAMETER_TYPE.value, f"请求无法处理（HTTP {status}）", {}, status)
    else:
        response = envelope(codes.SERVER_STATE.value, f"{codes.SERVER_STATE.zh}，跟踪标识 {trace_id()}", {}, 500)
    for name, value in error.get_headers():
        if name.lower() in ("allow", "retry-after", "www-authenticate"):
            response.headers[name] = value
    return response


def _on_exception(error: Exception) -> Response:
    log.error("request broke", trace_id=trace_id(), path=request.path, exc_info=error)
    return envelope(codes.SERVER_STATE.value, f"{codes.SERVER_STATE.zh}，跟踪标识 {trace_id()}", {}, 500)
