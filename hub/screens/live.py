"""Live views of running tasks: short-lived permissions to see log and pictures, kept in Redis so that every web server knows them."""
from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass

from hub.core import Hub
from hub.models import Task


@dataclass(frozen=True)
class View:
    """An open view: of which task and run, who opened it, and the digest of the token that ends it."""

    task_id: int
    run_key: str
    viewer: str
    token: str = ""


def open_view(hub: Hub, task: Task, viewer: str, token: str = "") -> str:
    """Open a view for the next ``live_lifetime`` seconds; gives its id. Raises redis.RedisError."""
    live_id = secrets.token_hex(16)
    view = View(task.id, task.run_key or "", viewer, token)
    hub.redis.set(_key(live_id), json.dumps(asdict(view)), ex=hub.settings.live_lifetime)
    return live_id


def view_of(hub: Hub, live_id: str) -> View | None:
    """The open view with this id. Raises redis.RedisError."""
    found = hub.redis.get(_key(live_id))
    return View(**json.loads(found)) if isinstance(found, bytes) else None


def close_view(hub: Hub, live_id: str) -> None:
    """Close a view; its streams end within a second or two. Raises redis.RedisError."""
    hub.redis.delete(_key(live_id))


def signed_part(kind: str, live_id: str) -> str:
    """What the signature of an address is of."""
    return f"live:{kind}:{live_id}"


def _key(live_id: str) -> str:
    return f"rpahub:live:{live_id}"
