"""Remote desktops of robots (clause 5.3): who may look at which display, once, within a minute. The display itself is served by a part."""
from __future__ import annotations

import hashlib
import json
import secrets
import shutil
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from urllib.parse import urlsplit

from hub.core import Hub

TICKET_TTL = 60
ANNOUNCED_FOR = 15
MISSING_HERE = "机器人所在机器未运行远程桌面服务：需安装 rpahub[desktop] 和软件包 x11vnc，并打开设置 desktop_enabled"


@dataclass(frozen=True)
class Ticket:
    """The right to one session. ``may_control``: keyboard and mouse too, else the display is only seen.

    ``token`` is the digest of the token with which it was asked for: the session ends with that.
    """

    robot_id: int
    task_id: int
    run_key: str
    connection_id: int
    department_id: int
    viewer: str
    client_ip: str
    trace_id: str
    may_control: bool
    token: str = ""


def missing() -> str:
    """What this machine lacks to serve remote desktops; empty where nothing."""
    if find_spec("websockify") is None or find_spec("novnc") is None:
        return "the extra rpahub[desktop] is not installed"
    return "" if shutil.which("x11vnc") else "the program x11vnc is not installed (Debian package x11vnc)"


def issue(hub: Hub, ticket: Ticket) -> str:
    """Make a ticket that opens one session in the next minute; gives its secret. Raises redis.RedisError."""
    secret = secrets.token_urlsafe(32)
    hub.redis.set(_ticket_key(secret), json.dumps(asdict(ticket)), ex=TICKET_TTL)
    return secret


def take(hub: Hub, secret: str) -> Ticket | None:
    """The ticket with this secret, which is used up by that. Raises redis.RedisError."""
    found = hub.redis.getdel(_ticket_key(secret))
    return Ticket(**json.loads(found)) if isinstance(found, bytes) else None


def announce(hub: Hub, machine: str) -> None:
    """Say for the next seconds that remote desktops of a machine are served, and where. Raises redis.RedisError."""
    settings = hub.settings
    hub.redis.set(_machine_key(machine), json.dumps({"url": settings.desktop_url, "port": settings.desktop_port}), ex=ANNOUNCED_FOR)


def address_of(hub: Hub, machine: str, base_url: str) -> str | None:
    """Under which address the remote desktops of a machine are served, None where they are not. Raises redis.RedisError.

    Where none is configured, it is the host under which the caller reached the hub.
    """
    found = hub.redis.get(_machine_key(machine))
    if not isinstance(found, bytes):
        return None
    told = json.loads(found)
    if told["url"]:
        return str(told["url"]).rstrip("/")
    host = urlsplit(base_url).hostname or "127.0.0.1"
    return f"http://{f'[{host}]' if ':' in host else host}:{told['port']}"


def _ticket_key(secret: str) -> str:
    return f"rpahub:desktop-ticket:{hashlib.sha256(secret.encode()).hexdigest()}"


def _machine_key(machine: str) -> str:
    return f"rpahub:desktop-at:{machine}"
