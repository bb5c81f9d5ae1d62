"""What adapters keep for a while and share among the processes of the hub, such as a vendor's token: sealed, in Redis."""
from __future__ import annotations

import math
from typing import TYPE_CHECKING

import redis
import structlog

from plugins.errors import ConfigurationError

if TYPE_CHECKING:
    from hub.core import Hub
    from hub.models import Connection

log = structlog.get_logger(__name__)

PURPOSE = "adapter"


class SealedKeeper:
    """Implements plugins.context.Keeper for one connection as it is now: what was kept is forgotten when the connection is changed.

    Without Redis nothing is kept, and whoever asks does without.
    """

    def __init__(self, hub: Hub, connection: Connection) -> None:
        self._hub = hub
        self._prefix = f"rpahub:kept:{connection.id}:{connection.updated_at.timestamp()}:"

    def get(self, name: str) -> str | None:
        """What is kept under a name."""
        try:
            sealed = self._hub.redis.get(self._prefix + name)
            return self._hub.vault.open(sealed.decode(), self._purpose(name)) if isinstance(sealed, bytes) else None
        except redis.RedisError as error:
            log.warning("nothing kept, redis is away", name=name, error=str(error))
        except ConfigurationError as error:
            log.warning("what was kept cannot be opened", name=name, error=str(error))
        return None

    def put(self, name: str, value: str, seconds: float) -> None:
        """Keep a text for so long."""
        try:
            self._hub.redis.set(self._prefix + name, self._hub.vault.seal(value, self._purpose(name)), ex=math.ceil(seconds))
        except redis.RedisError as error:
            log.warning("not kept, redis is away", name=name, error=str(error))

    def _purpose(self, name: str) -> str:
        """What binds a text to its connection and name: moved to another key, it does not open."""
        return f"{PURPOSE} {self._prefix}{name}"
