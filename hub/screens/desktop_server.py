"""The part "desktop": serves the displays of this machine's robots to browsers, VNC over WebSocket, to holders of tickets only.

It also serves noVNC, the viewer, out of the package that was installed: a browser needs no other host.
"""
from __future__ import annotations

import base64
import hashlib
import importlib
import re
import signal
import socket
import sys
import threading
import time
import zipfile
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from mimetypes import guess_type
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import parse_qs, urlsplit

import redis
import structlog

from config.settings import Settings
from hub import auth
from hub.bootstrap import machine_name
from hub.core import Hub
from hub.screens import desktop
from hub.screens.desktop_session import display_of, noted, relay, served
from plugins.errors import ConfigurationError, HubError

PAGE = "vnc.html"
ASSETS = ("app/", "core/", "vendor/", PAGE, "package.json", "defaults.json", "mandatory.json")
SESSION = "/session"
QUIET_TIME = 20.0  # seconds that a client may take for its request, and for taking what it is sent
MOST_CONNECTIONS = 64
ANNOUNCE_INTERVAL = 5.0
END_TIME = 3.0
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}
POLICY = "default-src 'self' data: blob:; script-src 'self'{scripts}; style-src 'self' 'unsafe-inline'; connect-src 'self' ws: wss:; object-src 'none'"
INLINE = re.compile(rb"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)

log = structlog.get_logger(__name__)


class DesktopServer(ThreadingHTTPServer):
    """A thread for each connection, of which there is a limit; sessions have a lower one of their own."""

    daemon_threads = True

    def __init__(self, hub: Hub) -> None:
        settings = hub.settings
        self.hub = hub
        self.stopping = threading.Event()
        self.sessions = threading.BoundedSemaphore(settings.desktop_sessions)
        self._connections = threading.BoundedSemaphore(MOST_CONNECTIONS + settings.desktop_sessions)
        package = importlib.import_module("novnc").__file__ or ""
        self.assets = zipfile.ZipFile(Path(package).parent / "resources" / "novnc_server.zip")
        self.names = frozenset(name for name in self.assets.namelist() if name.startswith(ASSETS) and not name.endswith("/"))
        inline = (hashlib.sha256(script).digest() for script in INLINE.findall(self.assets.read(PAGE)))
        scripts = "".join(f" 'sha256-{base64.b64encode(digest).decode()}'" for digest in inline)
        self.headers = {**HEADERS, "Content-Security-Policy": POLICY.format(scripts=scripts)}
        self.address_family = socket.AF_INET6 if ":" in settings.desktop_host else socket.AF_INET
        super().__init__((settings.desktop_host, settings.desktop_port), Handler)

    def end_sessions(self) -> None:
        """End the sessions, so that the audit log says so; gives up on those that take too long."""
        self.stopping.set()
        deadline = time.monotonic() + END_TIME
        for _ in range(self.hub.settings.desktop_sessions):
            self.sessions.acquire(timeout=max(0.0, deadline - time.monotonic()))

    def process_request(self, request: Any, client_address: Any) -> None:
        """Begin a thread for a connection, or refuse it where there are too many."""
        if not self._connections.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """The life of that thread."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._connections.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A broken connection is nothing to be alarmed about."""
        log.info("connection ended", error=repr(sys.exception()))


class Handler(BaseHTTPRequestHandler):
    """One connection: a file of the viewer, or a session."""

    server: DesktopServer
    timeout = QUIET_TIME
    server_version = "rpahub"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer a file or, with a ticket, a session."""
        address = urlsplit(self.path)
        if address.path == SESSION:
            self._serve_session(parse_qs(address.query).get("ticket", [""])[0])
            return
        name = address.path.removeprefix("/") or PAGE
        if name not in self.server.names:
            self._refuse(404, "没有这个文件")
            return
        content = self.server.assets.read(name)
        self.send_response(200)
        for header, value in {**self.server.headers, "Content-Type": guess_type(name)[0] or "application/octet-stream"}.items():
            self.send_header(header, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _serve_session(self, secret: str) -> None:
        hub = self.server.hub
        if not self.server.sessions.acquire(blocking=False):
            self._refuse(503, "远程桌面会话过多")
            return
        try:
            ticket = desktop.take(hub, secret) if secret else None
            if ticket is None:
                self._refuse(403, "远程桌面票据无效、已使用或已过期")
                return
            self._carry(ticket, display_of(hub, ticket))
        except redis.RedisError as error:
            log.warning("no session while redis is away", error=str(error))
            self._refuse(503, "Redis 暂不可用")
        except HubError as error:
            self._refuse(409, error.message)
        finally:
            self.server.sessions.release()

    def _carry(self, ticket: desktop.Ticket, display: dict[str, Any]) -> None:
        from websockify.websocket import WebSocket

        class Binary(WebSocket):
            """What viewers of old ask for by name, and newer ones without a word."""

            def select_subprotocol(self, protocols: list[str]) -> str:
                return "binary" if "binary" in protocols else ""

        if self.headers.get("upgrade", "").lower() != "websocket" or not self.headers.get("Sec-WebSocket-Key"):
            self._refuse(400, "此地址只接受 WebSocket 连接")
            return
        self.close_connection = True
        hub, web_socket = self.server.hub, Binary()
        with noted(hub, ticket, self.client_address[0]) as ended, served(display, ticket.may_control) as server:
            ended["reason"] = "连接中断"
            web_socket.accept(self.connection, self.headers)
            try:
                may_stay = partial(auth.is_live, hub, ticket.token)
                ended["reason"] = relay(web_socket, self.connection, server, hub.settings.desktop_lifetime, self.server.stopping, may_stay)
                web_socket.close()
            except OSError as error:
                log.info("remote desktop ended", robot_id=ticket.robot_id, error=str(error))

    def _refuse(self, status: int, reason: str) -> None:
        content = reason.encode()
        self.send_response(status)
        for header, value in {**HEADERS, "Content-Type": "text/plain;charset=utf-8", "Content-Length": str(len(content))}.items():
            self.send_header(header, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not logged: their addresses hold tickets. Sessions stand in the audit log."""


def main(settings: Settings) -> None:
    """Serve until SIGTERM. Raises ConfigurationError where something is not installed."""
    lacking = desktop.missing()
    if lacking:
        raise ConfigurationError(f"remote desktops cannot be served: {lacking}")
    hub = Hub(settings)
    server = DesktopServer(hub)
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    threading.Thread(target=server.serve_forever, name="desktop-server", daemon=True).start()
    log.info("remote desktops are served", host=settings.desktop_host, port=settings.desktop_port)
    while not stop.is_set():
        try:
            desktop.announce(hub, machine_name(settings))
        except redis.RedisError as error:
            log.warning("remote desktops are not announced", error=str(error))
        stop.wait(ANNOUNCE_INTERVAL)
    server.shutdown()
    server.end_sessions()
    server.socket.close()
