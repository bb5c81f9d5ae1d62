"""The HTTP client against a real, badly behaved server on the loopback interface."""
from __future__ import annotations

import gzip
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from plugins import (
    Adapter,
    ConfigurationError,
    Conflict,
    Connection,
    HubError,
    InvalidInput,
    Unreachable,
    VendorError,
    VendorTimeout,
    codes,
)
from plugins.complaint import Complaint
from plugins.http import HttpClient, shared
from plugins.login import Login, Ticket
from plugins.normalise import ErrorTable
from plugins.redaction import redacted
from plugins.testing import FAULTS, FakeVendor, Reply, Seen, context_for


@pytest.fixture
def vendor() -> Iterator[FakeVendor]:
    with FakeVendor() as server:
        server.on("GET", "/thing", {"ok": True})
        yield server


def client(vendor: FakeVendor, **options: object) -> HttpClient:
    return HttpClient(vendor.address, **{"timeout": 0.5, **options})  # type: ignore[arg-type]


@pytest.mark.parametrize("address", [
    "", "vendor.example", "ftp://vendor.example", "file:///etc/passwd", "http://", "http://user:pw@vendor.example", "http://@vendor.example",
    "http://vendor.example/?a=1", "http://vendor.example/#x", "http://vendor.example:99999", "http://a b", "http://a\nb", "http://[::1", "http://a\\b",
])
def test_an_address_that_cannot_be_used_is_refused_without_repeating_it(address: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        HttpClient(address)
    assert len(address) < 8 or address not in str(caught.value)


def test_paths_lie_under_the_address_and_references_are_quoted(vendor: FakeVendor) -> None:
    vendor.on("GET", "/base/things/{}/x", lambda seen: Reply({"path": seen.path}))
    for reference in ("plain", "with space", "a?b=c#d", "50%", "引用", "(1)'x'"):
        answer = HttpClient(f"{vendor.address}/base/").get("/things/{}/x", reference)
        assert answer == {"path": f"/base/things/{reference}/x"}


@pytest.mark.parametrize(("path", "parts"), [
    ("/a/{}", ("..",)), ("/a/{}", ("../../admin",)), ("/a/{}", ("",)), ("/a/{}", (" ",)), ("/a/../b", ()),
    ("/a/%2e%2e/b", ()), ("//evil.example/a", ()), ("http://evil.example/a", ()), ("/a?b=c", ()), ("/a b", ()), ("/a\r\nX: y", ()), ("/a\\b", ()),
])
def test_a_path_that_leads_elsewhere_is_never_asked_for(vendor: FakeVendor, path: str, parts: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput):
        client(vendor).get(path, *parts)
    assert not vendor.requests


def test_what_was_said_arrives(vendor: FakeVendor) -> None:
    vendor.on("POST", "/thing", Reply(None, 204))
    caller = client(vendor).traced("abc-123\r\nX-Evil: 1")
    assert caller.post("/thing", json={"name": "名"}, params={"a": ["1", "2"], "b": None}, headers={"X-Own": "y"}) is None
    (seen,) = vendor.requests
    assert seen.json == {"name": "名"}
    assert seen.query == (("a", "1"), ("a", "2"))
    assert seen.headers["x-own"] == "y"
    assert seen.headers["x-trace-id"] == "abc-123X-Evil:1"
    assert "x-evil" not in seen.headers


def test_texts_and_bytes_come_as_they_are(vendor: FakeVendor) -> None:
    vendor.on("GET", "/file", Reply("内容".encode() + b"\xff", headers={"Content-Type": "application/octet-stream"}))
    assert client(vendor).get("/file", kind="bytes") == "内容".encode() + b"\xff"
    assert client(vendor).get("/file", kind="text") == "内容\ufffd"


def test_a_body_of_another_shape_is_a_vendor_error(vendor: FakeVendor) -> None:
    with pytest.raises(VendorError, match="dict"):
        client(vendor).get("/thing", shape=list)


def test_answers_are_bounded_also_when_they_are_packed(vendor: FakeVendor) -> None:
    vendor.on("GET", "/big", Reply(b"x" * 5000))
    vendor.on("GET", "/bomb", Reply(gzip.compress(b"0" * 5_000_000), headers={"Content-Encoding": "gzip"}))
    assert len(client(vendor).get("/big", kind="bytes", largest=5000)) == 5000
    for path in ("/big", "/bomb"):
        with pytest.raises(VendorError, match="4999"):
            client(vendor).get(path, kind="bytes", largest=4999)
    assert len(client(vendor).get("/bomb", kind="bytes", largest=6_000_000)) == 5_000_000


@contextmanager
def raw_server(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that does with each connection what it likes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    try:
                        talk(connection)
                    except OSError:
                        return
        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


def test_an_answer_that_drips_is_given_up_at_the_deadline() -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        for _ in range(300):
            connection.sendall(b"x")
            time.sleep(0.1)

    started = time.monotonic()
    with raw_server(drip) as address, pytest.raises(VendorTimeout):
        HttpClient(address, timeout=0.5).get("/")
    assert time.monotonic() - started < 6


def test_a_server_that_takes_no_connections_is_unreachable_in_time() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        waiting = []
        for _ in range(4):  # These fill the queue; further ones are not answered at all.
            waiting.append(socket.socket())
            waiting[-1].setblocking(False)
            waiting[-1].connect_ex(address)
        started = time.monotonic()
        with pytest.raises(Unreachable) as caught:
            HttpClient(f"http://127.0.0.1:{address[1]}", timeout=30).post("/start")
        assert time.monotonic() - started < 8
        assert not caught.value.maybe_done
        for each in waiting:
            each.close()


def test_a_name_that_does_not_resolve_is_unreachable() -> None:
    with pytest.raises(Unreachable) as caught:
        HttpClient("http://no-such-host.invalid", timeout=1).get("/")
    assert not caught.value.maybe_done


@pytest.mark.parametrize(("fault", "maybe_done"), [
    ("silence", True), ("reset", True), ("hang up", True), ("500", True), ("503", True), ("HTML", True), ("cut JSON", True), ("cut content", True),
    ("401", False), ("404", False), ("409", False), ("429", False),
])
def test_an_error_tells_whether_the_request_may_have_had_its_effect(vendor: FakeVendor, fault: str, maybe_done: bool) -> None:
    (found,) = [each for each in FAULTS if each.name == fault]
    vendor.misbehave(lambda seen: found.act(vendor, seen))
    with pytest.raises(HubError) as caught:
        client(vendor).post("/start", json={})
    assert caught.value.maybe_done is maybe_done
    assert len(vendor.requests) == 1, "what may start something is sent once"


def test_a_get_whose_connection_broke_is_asked_once_more(vendor: FakeVendor) -> None:
    (reset,) = [each for each in FAULTS if each.name == "reset"]
    asked: list[Seen] = []

    def once(seen: Seen) -> object:
        asked.append(seen)
        return reset.act(vendor, seen) if len(asked) == 1 else {"ok": True}

    vendor.misbehave(once)
    assert client(vendor).get("/thing") == {"ok": True}
    assert len(asked) == 2


def test_redirects_are_followed_on_the_same_host_only(vendor: FakeVendor) -> None:
    with FakeVendor() as other:
        other.on("GET", "/thing", {"stolen": True})
        vendor.on("GET", "/moved", Reply({}, 307, {"Location": "/thing"}))
        vendor.on("GET", "/away", Reply({}, 302, {"Location": f"{other.address}/thing"}))
        vendor.on("GET", "/loop", Reply({}, 302, {"Location": "/loop"}))
        vendor.on("POST", "/moved", Reply({}, 307, {"Location": "/thing"}))
        caller = client(vendor, auth=lambda refused: Ticket.bearer("secret-token"))
        assert caller.get("/moved") == {"ok": True}
        for method, path in (("GET", "/away"), ("GET", "/loop"), ("POST", "/moved")):
            with pytest.raises(VendorError, match="其他地址"):
                caller.send(method, path)
        assert not other.requests


ERRORS = ErrorTable(exact={"E1": codes.IN_USE, "1401": codes.TOKEN_INVALID}, patterns={"licen[cs]e": codes.ROBOT_LICENCE}, statuses={418: codes.NOT_SUPPORTED})


@pytest.mark.parametrize(("reply", "code", "words"), [
    (Reply({"code": "E1", "message": "robot is busy"}, 400), "10503", "robot is busy"),
    (Reply({"error": {"code": "E1", "message": "nested"}}, 500), "10503", "nested"),
    (Reply({"Message": "No License left", "ErrorCode": 7}, 400), "11002", "No License left"),
    (Reply({"detail": "odd"}, 418), "20102", "odd"),
    (Reply("bare text", 409), "10504", "bare text"),
    (Reply(b"<html>no</html>", 400), "20104", "HTTP 400"),
    (Reply(b"", 404), "10501", "HTTP 404"),
])
def test_error_answers_become_codes_with_the_vendors_words(vendor: FakeVendor, reply: Reply, code: str, words: str) -> None:
    vendor.on("GET", "/thing", reply)
    with pytest.raises(HubError) as caught:
        client(vendor, errors=ERRORS).get("/thing")
    assert caught.value.code.value == code
    assert words in caught.value.reason
    assert caught.value.raw["status"] == reply.status


def test_an_error_within_a_good_status_is_read_by_the_vendors_own_reader(vendor: FakeVendor) -> None:
    vendor.on("GET", "/thing", {"code": "E1", "success": False, "msg": "busy"})

    def reader(status: int, body: object) -> Complaint | None:
        return Complaint(body["code"], body["msg"]) if isinstance(body, dict) and body.get("success") is False else None

    with pytest.raises(Conflict) as caught:
        client(vendor, errors=ERRORS, complaint=reader).get("/thing")
    assert caught.value.code == codes.IN_USE
    assert "busy" in caught.value.reason


@pytest.mark.parametrize(("header", "least", "most"), [
    ("7", 7, 7), ("1.5", 1.5, 1.5), ("99999999", 86400, 86400), (timedelta(seconds=90), 60, 91), (timedelta(hours=-1), 0, 0),
    ("soon", None, None), ("-3", None, None),
])
def test_retry_after_is_carried(vendor: FakeVendor, header: str | timedelta, least: float | None, most: float | None) -> None:
    if isinstance(header, timedelta):
        header = format_datetime(datetime.now(UTC) + header)
    vendor.on("GET", "/thing", Reply({}, 429, {"Retry-After": header}))
    with pytest.raises(HubError) as caught:
        client(vendor).get("/thing")
    assert caught.value.code == codes.RATE_LIMITED
    if least is None or most is None:
        assert caught.value.retry_after is None
    else:
        assert least <= (caught.value.retry_after or 0) <= most


class Gate:
    """A vendor with tokens: each login gives the next one, and only the newest is good."""

    def __init__(self, vendor: FakeVendor) -> None:
        self.logins = 0
        self._lock = threading.Lock()
        vendor.on("POST", "/work", self.work)
        vendor.on("GET", "/work", self.work)

    def login(self) -> tuple[Ticket, float]:
        with self._lock:
            self.logins += 1
            return Ticket.bearer(f"token-{self.logins}"), 3600.0

    def work(self, seen: Seen) -> object:
        good = seen.headers.get("authorization") == f"Bearer token-{self.logins}"
        return {"done": True} if good else Reply({"message": f"bad {seen.headers.get('authorization')}"}, 401)


def test_a_refused_token_is_renewed_once(vendor: FakeVendor) -> None:
    gate = Gate(vendor)
    caller = client(vendor, auth=Login(gate.login))
    assert caller.post("/work") == {"done": True}
    gate.logins += 1  # The vendor has forgotten the token.
    assert caller.post("/work") == {"done": True}
    assert gate.logins == 3
    assert len(vendor.requests) == 3


def test_a_token_that_is_refused_again_is_an_error_of_the_connection(vendor: FakeVendor) -> None:
    vendor.on("POST", "/work", Reply({"message": "no"}, 401))
    logins: list[int] = []

    def login() -> tuple[Ticket, float]:
        logins.append(1)
        return Ticket.bearer(f"token-number-{len(logins)}"), 3600.0

    with pytest.raises(VendorError, match="凭据"):
        client(vendor, auth=Login(login)).post("/work")
    assert (len(logins), len(vendor.requests)) == (2, 2)


def test_an_unchanging_key_is_not_tried_twice(vendor: FakeVendor) -> None:
    vendor.on("POST", "/work", Reply({"message": "no"}, 401))
    with pytest.raises(VendorError, match="凭据"):
        client(vendor, auth=lambda refused: Ticket.bearer("key")).post("/work")
    assert len(vendor.requests) == 1


def test_a_code_in_a_good_answer_can_ask_for_a_new_login(vendor: FakeVendor) -> None:
    gate = Gate(vendor)

    def work(seen: Seen) -> object:
        return {"code": 200} if seen.headers["authorization"] == "Bearer token-2" else {"code": 1401, "msg": "expired"}

    vendor.on("POST", "/work", work)
    caller = client(
        vendor, auth=Login(gate.login), errors=ERRORS,
        complaint=lambda status, body: None if body["code"] == 200 else Complaint(str(body["code"]), body["msg"]),
    )
    assert caller.post("/work") == {"code": 200}


def test_many_threads_share_one_login_and_one_client(vendor: FakeVendor) -> None:
    gate = Gate(vendor)
    caller = client(vendor, auth=Login(gate.login), timeout=5)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: caller.traced(f"t{number}").get("/work"), range(100)))
    assert answers == [{"done": True}] * 100
    assert gate.logins == 1
    assert {seen.headers["x-trace-id"] for seen in vendor.requests} == {f"t{number}" for number in range(100)}


def test_a_token_is_renewed_before_it_ends() -> None:
    given: list[float] = []

    def login() -> tuple[Ticket, float]:
        given.append(time.monotonic())
        return Ticket.bearer(f"token-{len(given)}"), 0.2

    auth = Login(login)
    first = auth(None)
    assert auth(None) == first
    deadline = time.monotonic() + 5
    while auth(None) == first:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert given[1] - given[0] < 0.2 + 0.1
    assert auth(first) != first


SECRET = 'pass"word/é+1'


def test_secrets_are_taken_out_of_everything_that_an_error_shows(vendor: FakeVendor, caplog: pytest.LogCaptureFixture) -> None:
    (echo,) = [each for each in FAULTS if each.name == "500"]
    vendor.misbehave(lambda seen: echo.act(vendor, seen))
    caller = client(vendor, secrets=[SECRET], auth=lambda refused: Ticket(params={"accessToken": "abc-token-9"}))
    with caplog.at_level(logging.DEBUG), pytest.raises(VendorError) as caught:
        caller.post("/thing", json={"userPwd": SECRET, "other": "visible", "mine": "per-call-secret"}, secrets=["per-call-secret"])
    shown = f"{caught.value!r} {caught.value.message} {caught.value.raw} {caplog.text} {caller!r}"
    assert "visible" in shown
    for secret in (SECRET, "abc-token-9", "per-call-secret", 'pass\\"word', "pass%22word"):
        assert secret not in shown
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_connection_errors_do_not_repeat_the_query(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(Unreachable) as caught:
        HttpClient("http://127.0.0.1:1", auth=lambda refused: Ticket(params={"accessToken": "abc-token-9"})).get("/x")
    assert "abc-token-9" not in f"{caught.value!r} {caught.value.raw} {caught.value.__context__} {caplog.text}"


@pytest.mark.parametrize(("text", "expected"), [
    ('{"access_token": "abc", "a": 1}', '{"access_token": "***", "a": 1}'),
    ("grant=x&client_secret=abc&b=2", "grant=x&client_secret=***&b=2"),
    ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
    (r'"body": "{\"password\": \"abc\"}"', r'"body": "{\"password\": \"***\"}"'),
    ("nothing to hide: 1", "nothing to hide: 1"),
])
def test_values_under_telling_names_are_hidden(text: str, expected: str) -> None:
    assert redacted(text, []) == expected


def test_redaction_of_a_long_text_takes_no_time() -> None:
    started = time.monotonic()
    redacted("a" * 200_000 + " token" * 1000, ["x" * 10])
    assert time.monotonic() - started < 2


def test_a_vendors_long_answer_is_kept_short(vendor: FakeVendor) -> None:
    vendor.on("GET", "/thing", Reply({"message": "x" * 100_000}, 500))
    with pytest.raises(VendorError) as caught:
        client(vendor).get("/thing")
    assert len(caught.value.reason) < 400
    assert len(caught.value.raw["body"]) < 5000


def test_neither_cookies_nor_the_environment_decide_about_a_request(vendor: FakeVendor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password pw\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    vendor.on("GET", "/thing", Reply({"ok": True}, headers={"Set-Cookie": "session=1; Path=/"}))
    caller = client(vendor)
    assert caller.get("/thing") == caller.get("/thing") == {"ok": True}
    assert not {"cookie", "authorization"} & {name for seen in vendor.requests for name in seen.headers}


def test_a_proxy_is_used_where_the_connection_names_one(vendor: FakeVendor) -> None:
    vendor.on("GET", "/thing", {"by": "proxy"})
    caller = HttpClient.to(Connection("c", "a", "http://vendor.invalid", {"proxy": vendor.address, "timeout": 2}))
    assert caller.get("/thing") == {"by": "proxy"}
    assert vendor.requests[0].headers["host"] == "vendor.invalid"


def test_a_connection_has_one_client_until_it_is_changed() -> None:
    ctx = context_for(Adapter("a", "A", ()), "http://127.0.0.1:1", credentials={"key": "one"})
    made: list[Connection] = []

    def make(connection: Connection) -> HttpClient:
        made.append(connection)
        return HttpClient.to(connection)

    first = shared(ctx, make)
    again = shared(replace(ctx, trace_id="other"), make)
    assert again._session is first._session
    shared(replace(ctx, connection=replace(ctx.connection, credentials={"key": "two"})), make)
    assert [each.credentials["key"] for each in made] == ["one", "two"]
