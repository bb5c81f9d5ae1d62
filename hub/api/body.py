"""Reading a request: its headers (Table 1) and its body, JSON or multipart (errata E04, E05, E07, E08)."""
from __future__ import annotations

import io
import json
import math
from collections.abc import Callable
from typing import Any, BinaryIO, cast

from flask import Request
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

from config.settings import Settings
from hub.api.envelope import API_VERSION
from hub.call import Form, Source
from plugins import codes
from plugins.errors import HubError, InvalidInput
from plugins.files import FileContent

NOTED_HEADERS = ("content-type", "version", "token", "user-agent", "idempotency-key")
PIECE = 1 << 16


def discard_rest(request: Request, settings: Settings) -> None:
    """Read what nobody read of a large body, within reason: a client that is still sending would see a broken connection, not the answer."""
    small = request.content_length is not None and request.content_length <= PIECE
    if small or not request.environ.get("wsgi.input_terminated"):
        return
    stream, left = request.environ["wsgi.input"], settings.max_request * 2
    while left > 0 and (piece := stream.read(min(PIECE, left))):
        left -= len(piece)


def check_version(request: Request, settings: Settings) -> None:
    """Raises HubError: 10002 for another major version, 10006 for none in strict mode."""
    version = request.headers.get("version", "").strip()
    if not version:
        if settings.strict:
            raise InvalidInput("缺少请求头 version", code=codes.PARAMETER_MISSING)
        return
    parts = version.split(".")
    if len(parts) > 3 or not all(part.isascii() and part.isdecimal() and len(part) < 6 for part in parts) or parts[0] != API_VERSION[0]:
        raise InvalidInput(f"当前提供 {API_VERSION}", code=codes.VERSION_UNSUPPORTED)


def token(request: Request, settings: Settings) -> str | None:
    """The token that a request carries: in its header, or as a bearer's where a setting allows that (erratum E06)."""
    sent = request.headers.get("token")
    if sent is None and settings.accept_bearer:
        scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
        sent = bearer.strip() if scheme.lower() == "bearer" else None
    return sent


def source(request: Request, settings: Settings) -> Source:
    """Where a request comes from. The headers are those of Table 1 and the ones that tell clients apart."""
    return Source(
        kind="http",
        client_ip=request.remote_addr or "",
        base_url=settings.public_url or f"{request.scheme}://{request.host}{request.root_path}/",
        method=request.method,
        path=request.path,
        headers={name: request.headers[name][:255] for name in NOTED_HEADERS if name in request.headers},
        idempotency_key=request.headers.get("Idempotency-Key", ""),
    )


def reader(request: Request, settings: Settings) -> Callable[[], Any]:
    """A function that reads the body's parameters, as a dict or None for an empty body. It raises InvalidInput."""

    def read() -> Any:
        try:
            return content()
        except RequestEntityTooLarge as error:
            raise HubError(code=codes.TOO_LARGE) from error
        except BadRequest as error:
            raise InvalidInput("请求体不能读取") from error

    def content() -> Any:
        charset = request.mimetype_params.get("charset", "utf-8")
        if charset.lower().replace("_", "-") not in ("utf-8", "utf8"):
            raise InvalidInput("字符编码应为 utf-8")
        if request.mimetype == "multipart/form-data":
            if not request.mimetype_params.get("boundary"):
                raise InvalidInput("multipart/form-data 缺少 boundary")
            return _form(request)
        if request.content_length is not None and request.content_length > settings.max_json:
            raise HubError(code=codes.TOO_LARGE)
        body = request.get_data(cache=False)
        if not body or (body.isspace() and not settings.strict):
            return None
        if len(body) > settings.max_json:
            raise HubError(code=codes.TOO_LARGE)
        if request.mimetype != "application/json" and (request.mimetype or settings.strict):
            raise InvalidInput("content-type 应为 application/json;charset=utf-8")
        return _json(body)

    return read


def _json(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8"), parse_constant=_no_constant, parse_float=_finite, object_pairs_hook=_distinct)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("请求体不是有效的 JSON") from error


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _finite(digits: str) -> float:
    """A number that is one: 1e400 would be read as infinity."""
    number = float(digits)
    if math.isinf(number):
        raise ValueError(digits[:32])
    return number


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; one that has a key twice would mean different things to different readers."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise InvalidInput("请求体中有重复的参数")
    return found


def _form(request: Request) -> Form:
    params = Form()
    for key, values in request.form.lists():
        params[key] = values[0] if len(values) == 1 else values
    for key, file in request.files.items():
        params[key] = content_of(file)
    return params


def content_of(file: FileStorage) -> FileContent:
    """An uploaded file; it lives as long as its request."""
    stream = cast(BinaryIO, file.stream)
    size = stream.seek(0, io.SEEK_END)

    def fresh() -> BinaryIO:
        stream.seek(0)
        return cast(BinaryIO, io.BufferedReader(_Kept(stream)))

    return FileContent((file.filename or "").replace("\\", "/").rsplit("/", 1)[-1], size, fresh)


class _Kept(io.RawIOBase):
    """A view of a stream that leaves it open when it is closed itself, so that it can be read again."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()
