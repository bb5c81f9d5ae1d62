"""The ways in which a vendor's server misbehaves, and the errors that must come of them."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from plugins import codes
from plugins.codes import Code
from plugins.errors import Conflict, HubError, NotFound, NotSupported, Unreachable, VendorError, VendorTimeout
from plugins.testing.vendor import FakeVendor, HangUp, Reply, Seen


@dataclass(frozen=True)
class Fault:
    """One kind of misbehaviour. ``errors`` are the classes that may come of it; ``code`` the only code, where there is only one."""

    name: str
    act: Callable[[FakeVendor, Seen], Reply]
    errors: tuple[type[HubError], ...]
    code: Code | None = None
    retry_after: float | None = None
    may_answer: bool = False


def _echo(status: int, **headers: str) -> Callable[[FakeVendor, Seen], Reply]:
    """An error answer that repeats the whole request, as helpful servers do: with the credentials in it."""

    def act(vendor: FakeVendor, seen: Seen) -> Reply:
        body = seen.content.decode("utf-8", "replace")
        text = f"request failed: {seen.method} {seen.path} {dict(seen.query)} {dict(seen.headers)} {body}"
        request = {"path": seen.path, "query": [list(pair) for pair in seen.query], "headers": dict(seen.headers), "body": body}
        answer = {"code": "E-STORM", "message": text, "request": request}
        return Reply(answer, status, {name.replace("_", "-"): value for name, value in headers.items()})

    return act


def _plain(body: object, **options: object) -> Callable[[FakeVendor, Seen], Reply]:
    return lambda vendor, seen: Reply(body, **options)  # type: ignore[arg-type]


def _silence(vendor: FakeVendor, seen: Seen) -> Reply:
    vendor.released.wait(20)
    raise HangUp(reset=False)


def _reset(vendor: FakeVendor, seen: Seen) -> Reply:
    raise HangUp(reset=True)


def _hang_up(vendor: FakeVendor, seen: Seen) -> Reply:
    raise HangUp(reset=False)


HTML = b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>"
ANY = (HubError,)

REFUSED = Fault("a refused connection", _hang_up, (Unreachable,), codes.ADAPTER_UNREACHABLE)

FAULTS: tuple[Fault, ...] = (
    Fault("silence", _silence, (VendorTimeout,), codes.VENDOR_TIMEOUT),
    Fault("reset", _reset, (Unreachable,), codes.ADAPTER_UNREACHABLE),
    Fault("hang up", _hang_up, (Unreachable,), codes.ADAPTER_UNREACHABLE),
    # The connection's credentials are no business of the caller, whose own token and rights are in order: never 10001 or 30001.
    Fault("401", _echo(401), (VendorError,), codes.VENDOR_ERROR),
    Fault("403", _echo(403), (VendorError,), codes.VENDOR_ERROR),
    # Where a vendor's code for "no such thing" is missing, it is the address that there is none of.
    Fault("404", _echo(404), (NotFound, NotSupported, VendorError)),
    Fault("409", _echo(409), (Conflict, VendorError)),
    Fault("429", _echo(429, Retry_After="7"), ANY, codes.RATE_LIMITED, retry_after=7.0),
    Fault("500", _echo(500), (VendorError,)),
    Fault("503", _echo(503), (VendorError,)),
    Fault("HTML", _plain(HTML, headers={"Content-Type": "text/html"}), (VendorError,)),
    Fault("HTML error", _plain(HTML, status=502, headers={"Content-Type": "text/html"}), (VendorError,)),
    Fault("cut JSON", _plain(b'{"id": "a", "items": [{"na'), (VendorError,)),
    Fault("cut content", _plain(b'{"id": "a"', length=500), (VendorError,)),
    Fault("redirect", _plain({}, status=302, headers={"Location": "http://127.0.0.2:9/elsewhere"}), (VendorError,)),
    # Valid JSON of a shape that nobody promised. An operation that does not look at the answer may well succeed.
    Fault("null", _plain(None), ANY, may_answer=True),
    Fault("list of numbers", _plain([1, None, "x"]), ANY, may_answer=True),
    Fault("bare text", _plain("text"), ANY, may_answer=True),
    Fault("strange object", _plain({"id": [], "status": {}, "data": 7, "value": "x", "items": None}), ANY, may_answer=True),
    Fault("list of strange objects", _plain([{"id": {}, "name": 5, "status": "x"}]), ANY, may_answer=True),
)
