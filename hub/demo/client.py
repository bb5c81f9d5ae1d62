"""Speaks to a hub as any client of the standard does: over HTTP, with the token and the envelope, and with nothing else."""
from __future__ import annotations

import http.client
import json
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

OK = "00000"
TIMEOUT = 60.0
PREFIX = "/api/platform/"


class CallFailed(Exception):
    """The hub answered with another code than 00000, or not at all (then ``code`` is empty). The message is made for users."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class Client:
    """A caller of the hub at ``url``. Raises CallFailed for an address that is none."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        try:
            self._port = parts.port
        except ValueError:
            self._port = 0
        if parts.scheme not in ("http", "https") or not parts.hostname or self._port == 0:
            raise CallFailed(f"{url} is no address of a hub; it should look like http://127.0.0.1:8000")
        self._kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._host = parts.hostname
        self._base = parts.path.rstrip("/")
        self.url = url.rstrip("/")
        self.token = ""

    def call(self, operation: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Call an operation by the last part of its address, such as "task/query"; gives its ``data``. Raises CallFailed."""
        return self._send(operation, json.dumps(dict(params or {})).encode(), "application/json;charset=utf-8")

    def upload(self, operation: str, params: Mapping[str, Any], name: str, filename: str, content: bytes) -> dict[str, Any]:
        """Call an operation with a file, as a multipart form (erratum E05). Raises CallFailed."""
        boundary = secrets.token_hex(16)
        fields = [f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode() for key, value in params.items()]
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\nContent-Type: application/zip\r\n\r\n'
        body = b"".join([*fields, head.encode(), content, f"\r\n--{boundary}--\r\n".encode()])
        return self._send(operation, body, f"multipart/form-data; boundary={boundary}")

    def _send(self, operation: str, body: bytes, content_type: str) -> dict[str, Any]:
        headers = {"content-type": content_type, "version": "1.0.0"}
        if self.token:
            headers["token"] = self.token
        connection = self._kind(self._host, self._port, timeout=TIMEOUT)
        try:
            connection.request("POST", f"{self._base}{PREFIX}{operation}", body, headers)
            answer = connection.getresponse()
            envelope = json.loads(answer.read())
            code, message, data = str(envelope["resultCode"]), envelope["message"], envelope["data"]
        except OSError as error:
            raise CallFailed(f"the hub at {self.url} cannot be reached: {error.strerror or error}") from error
        except (http.client.HTTPException, ValueError, KeyError, TypeError) as error:
            raise CallFailed(f"what answers at {self.url} is no hub: its answer to {operation} has not the standard's shape") from error
        finally:
            connection.close()
        if code != OK:
            raise CallFailed(f"{operation} answered {code} {message} (trace {envelope.get('traceId', 'unknown')})", code)
        return dict(data)
