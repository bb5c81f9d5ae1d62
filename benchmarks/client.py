"""The smallest HTTP client: one kept connection, requests made beforehand, nothing read that is not needed.

A client that costs more than the server would measure itself, all the more as both share the processors of one machine.
"""
from __future__ import annotations

import json
import socket
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

SECONDS = 30.0


class WrongAnswer(Exception):
    """A server answered otherwise than the measurement needs."""


class Client:
    """A kept connection to ``address`` (``http://host:port``)."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._host = f"{parts.hostname}:{parts.port}"
        self._socket = socket.create_connection((parts.hostname, parts.port or 80), SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._rest = b""

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._socket.close()

    def request(self, path: str, body: dict[str, Any], headers: dict[str, str]) -> bytes:
        """The bytes of a POST request with a JSON body."""
        content = json.dumps(body).encode()
        lines = [f"POST {path} HTTP/1.1", f"host: {self._host}", "content-type: application/json;charset=utf-8", f"content-length: {len(content)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + content

    def exchange(self, request: bytes) -> tuple[int, bytes]:
        """Send a request made by ``request``; gives the status and the body of the answer."""
        self._socket.sendall(request)
        data = self._rest
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._more()
        head = data[:end].lower()
        start = head.index(b"content-length:") + len(b"content-length:")
        size = int(head[start:].split(b"\r\n", 1)[0])
        while len(data) < end + 4 + size:
            data += self._more()
        self._rest = data[end + 4 + size :]
        return int(data[9:12]), data[end + 4 : end + 4 + size]

    def _more(self) -> bytes:
        data = self._socket.recv(65536)
        if not data:
            raise WrongAnswer("the server closed the connection")
        return data

    def call(self, path: str, body: dict[str, Any], token: str = "") -> dict[str, Any]:
        """Call an operation and give its ``data``. Raises WrongAnswer unless it succeeded."""
        headers = {"version": "1.0.0", **({"token": token} if token else {})}
        status, content = self.exchange(self.request(path, body, headers))
        answer = json.loads(content)
        if answer["resultCode"] != "00000":
            raise WrongAnswer(f"{path}: {status} {answer['resultCode']} {answer['message']}")
        data: dict[str, Any] = answer["data"]
        return data
