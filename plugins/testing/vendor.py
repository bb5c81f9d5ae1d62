"""A vendor's HTTP server that answers as it was taught: a real one, on the loopback interface."""
from __future__ import annotations

import json
import re
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


@dataclass(frozen=True)
class Seen:
    """A request that arrived. ``path`` is decoded and without the query; header names are in lower case."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        """The body, parsed; None when there is none. Raises ValueError when it is no JSON."""
        return json.loads(self.content) if self.content else None


@dataclass(frozen=True)
class Reply:
    """An answer: ``body`` is sent as JSON, bytes as they are. ``length`` overrides the Content-Length that is announced."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body, ensure_ascii=False).encode()


# What a route or a fault does with a request: gives an answer, or breaks the connection off (None) after whatever it did with it.
Answerer = Callable[[Seen], Any]


class HangUp(Exception):
    """Raised by a fault to end the connection: ``reset`` sends RST, otherwise it is closed without an answer."""

    def __init__(self, *, reset: bool) -> None:
        super().__init__()
        self.reset = reset


class FakeVendor:
    """Serves what ``on`` taught it, records all requests, and follows a fault from a chosen request on.

    Use it as a context manager; ``address`` is where it listens.
    """

    def __init__(self) -> None:
        self.requests: list[Seen] = []
        self.strange: list[Seen] = []
        self._routes: list[tuple[str, re.Pattern[str], Any]] = []
        self._fault: Answerer | None = None
        self._fault_from = 0
        self._lock = threading.Lock()
        self.released = threading.Event()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def address(self) -> str:
        """The base address, without a trailing slash."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def on(self, method: str, path: str, answer: Any) -> None:
        """Answer ``method path`` with ``answer``: a Reply, a JSON body, or a function of the request that gives one of these.

        ``{}`` in the path stands for one step of it. Of two routes that fit, the later taught one answers.
        """
        pattern = "[^/]+".join(re.escape(part) for part in path.split("{}"))
        self._routes.insert(0, (method, re.compile(pattern), answer))

    def misbehave(self, fault: Answerer | None, *, at: int = 1) -> None:
        """Forget the requests so far; from the ``at``-th one on, follow ``fault`` instead of the routes."""
        with self._lock:
            self.requests.clear()
            self.strange.clear()
            self._fault, self._fault_from = fault, at

    def __enter__(self) -> FakeVendor:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def _answer(self, seen: Seen) -> Any:
        with self._lock:
            self.requests.append(seen)
            fault = self._fault if len(self.requests) >= self._fault_from else None
        if fault is not None:
            return fault(seen)
        for method, pattern, answer in self._routes:
            if method == seen.method and pattern.fullmatch(seen.path):
                return answer(seen) if callable(answer) else answer
        with self._lock:
            self.strange.append(seen)
        return Reply({"message": f"the fake vendor was not taught {seen.method} {seen.path}"}, 404)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        vendor = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Answers leave in one piece: in two, each would wait for the client's delayed acknowledgement.
            wbufsize = 1 << 16
            disable_nagle_algorithm = True

            def handle_one_request(self) -> None:
                try:
                    self.raw_requestline = self.rfile.readline(65537)
                    if not self.raw_requestline or not self.parse_request():
                        self.close_connection = True
                        return
                    self._serve()
                except HangUp as end:
                    self.close_connection = True
                    if end.reset:
                        # Zero linger time makes close() send RST instead of FIN.
                        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                except OSError:
                    self.close_connection = True

            def _serve(self) -> None:
                target = urlsplit(self.path)
                seen = Seen(
                    self.command,
                    unquote(target.path),
                    tuple(parse_qsl(target.query, keep_blank_values=True)),
                    {name.lower(): value for name, value in self.headers.items()},
                    self.rfile.read(int(self.headers.get("Content-Length") or 0)),
                )
                answer = vendor._answer(seen)
                reply = answer if isinstance(answer, Reply) else Reply(answer)
                # The server's own headers name the time, unless the answer does.
                (self.send_response_only if "Date" in reply.headers else self.send_response)(reply.status)
                for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.content) if reply.length is None else reply.length))
                self.end_headers()
                self.wfile.write(reply.content)
                self.wfile.flush()
                if reply.length is not None:
                    raise HangUp(reset=False)

            def log_message(self, format: str, *args: Any) -> None:
                """Requests are recorded, not printed."""

        return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def shutdown_request(self, request: Any) -> None:
        # The base class says goodbye politely first, which a reset must not.
        self.close_request(request)
