"""One remote desktop session: a display that x11vnc serves to a single viewer, over a pair of sockets that nobody else can reach."""
from __future__ import annotations

import os
import select
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from sqlalchemy import select as rows

from hub import connections
from hub.core import Hub
from hub.models import AuditEntry, Connection, Task
from hub.screens.desktop import Ticket
from hub.tasks import lifecycle
from plugins import codes
from plugins.errors import HubError

CHUNK = 64 * 1024
MOST_UNFINISHED = 512  # reads without a whole message: about 2 MiB
LOOK = 1.0
CHECK_INTERVAL = 5.0
END_TIME = 3.0

log = structlog.get_logger(__name__)


def display_of(hub: Hub, ticket: Ticket) -> dict[str, Any]:
    """Where the display of the ticket's task is on this machine. Raises HubError (11001) when the task runs no more, or not here."""
    with hub.db.read() as session:
        task = session.execute(rows(Task.state, Task.run_key).where(Task.id == ticket.task_id)).first()
        connection = session.get(Connection, ticket.connection_id)
    if connection is None or task is None or task.run_key != ticket.run_key or task.state not in lifecycle.STARTED:
        raise HubError("任务已不在运行", code=codes.ROBOT_STATE)
    return connections.ask(hub, connection, "desktop_find", {"taskId": str(ticket.task_id)}, trace_id=ticket.trace_id)


@contextmanager
def served(display: dict[str, Any], may_control: bool) -> Iterator[socket.socket]:
    """The display as a connection that speaks RFB. Whatever happens, its server has ended after this."""
    ours, theirs = socket.socketpair()
    command = [
        shutil.which("x11vnc") or "x11vnc", "-inetd", "-display", display["display"], "-auth", display["authority"], "-desktop", "rpahub",
        "-quiet", "-norc", "-safer", "-nocmds", "-nopw", "-shared", "-nosel", "-nobell", "-o", os.devnull, *([] if may_control else ["-viewonly"]),
    ]
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": "/", "LANG": "C.UTF-8"}
    process: subprocess.Popen[bytes] | None = None
    try:
        with theirs:
            process = subprocess.Popen(
                command, stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=subprocess.DEVNULL, env=environment, cwd="/", start_new_session=True,
            )
        yield ours
    finally:
        ours.close()
        if process is not None:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """It ends when its viewer is gone; else it is made to."""
    try:
        process.wait(END_TIME)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def relay(
    web_socket: Any, client: socket.socket, server: socket.socket, seconds: float, stop: threading.Event, may_stay: Callable[[], bool]
) -> str:
    """Carry bytes both ways until one side ends, the time is over, ``stop`` is set, or the viewer may not stay. Gives why, in Chinese."""
    from websockify.websocket import WebSocketWantReadError

    deadline, unfinished, next_check = time.monotonic() + seconds, 0, time.monotonic() + CHECK_INTERVAL
    while time.monotonic() < deadline and not stop.is_set():
        if time.monotonic() >= next_check:
            next_check = time.monotonic() + CHECK_INTERVAL
            if not may_stay():
                return "查看者的登录已失效"
        ready, _, _ = select.select([client, server], [], [], LOOK)
        if server in ready:
            data = server.recv(CHUNK)
            if not data:
                return "桌面已关闭"
            _send(web_socket, data)
        if client in ready:
            try:
                message = web_socket.recvmsg()
                while message is not None:
                    unfinished = 0
                    server.sendall(message)
                    if not web_socket.pending():
                        break
                    message = web_socket.recvmsg()
                if message is None:
                    return "查看者已离开"
            except WebSocketWantReadError:
                unfinished += 1
                if unfinished > MOST_UNFINISHED:
                    return "消息过大"
    return "远程桌面服务停止" if stop.is_set() else "会话时间已到"


def _send(web_socket: Any, data: bytes) -> None:
    from websockify.websocket import WebSocketWantWriteError

    is_sent = False
    while not is_sent:
        try:
            web_socket.sendmsg(data)
            is_sent = True
        except WebSocketWantWriteError:
            continue  # The socket took a part; the library wants to be asked again with the same.


@contextmanager
def noted(hub: Hub, ticket: Ticket, client_ip: str) -> Iterator[dict[str, Any]]:
    """Have the audit log say that a session begins, and that it has ended and how long it took. Without the first there is none."""
    about = {"robotId": ticket.robot_id, "taskId": ticket.task_id, "mayControl": ticket.may_control}
    _note(hub, ticket, client_ip, "remote_desktop_begin", about)
    began = time.monotonic()
    ended: dict[str, Any] = {}
    try:
        yield ended
    finally:
        _note(hub, ticket, client_ip, "remote_desktop_end", {**about, "seconds": round(time.monotonic() - began), **ended})


def _note(hub: Hub, ticket: Ticket, client_ip: str, what: str, about: dict[str, Any]) -> None:
    with hub.db.write() as session:
        session.add(
            AuditEntry(
                trace_id=ticket.trace_id, operation=what, actor=ticket.viewer, department_id=ticket.department_id, client_ip=client_ip,
                subject=about, result_code=codes.OK.value,
            )
        )  # fmt: skip
