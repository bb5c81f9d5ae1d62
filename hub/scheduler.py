"""The scheduler: looks after what nobody calls for, round by round. It runs in any number of copies."""
from __future__ import annotations

import signal
import threading
import time

import redis
import structlog
from sqlalchemy import delete
from sqlalchemy.exc import SQLAlchemyError

from config.settings import Settings
from hub.core import Hub
from hub.database import now
from hub.models import AccessToken
from hub.tasks.sweep import requeue_lost, sweep

log = structlog.get_logger(__name__)

PURGE_INTERVAL = 600.0


def purge_tokens(hub: Hub) -> None:
    """Remove the tokens that have expired."""
    with hub.db.write() as session:
        session.execute(delete(AccessToken).where(AccessToken.expires_at < now()))


class Every:
    """Tells when something is due that is done at an interval (seconds)."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._next = 0.0

    def due(self) -> bool:
        """Whether the interval has passed since the last time this was True."""
        if time.monotonic() < self._next:
            return False
        self._next = time.monotonic() + self._interval
        return True


def main(settings: Settings) -> None:
    """Sweep until SIGTERM."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    hub = Hub(settings)
    requeue, purge = Every(settings.requeue_after), Every(PURGE_INTERVAL)
    while not stop.wait(settings.scheduler_interval):
        try:
            sweep(hub)
            if requeue.due():
                requeue_lost(hub)
            if purge.due():
                purge_tokens(hub)
        except (redis.RedisError, SQLAlchemyError) as error:
            log.warning("round of the scheduler broken off", error=f"{type(error).__name__}: {error}")
    hub.db.dispose()
