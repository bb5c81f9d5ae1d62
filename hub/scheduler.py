"""The scheduler: looks after what nobody calls for, round by round. It runs in any number of copies."""
from __future__ import annotations

import signal
import threading
import time
from datetime import timedelta
from typing import Any

import redis
import structlog
from sqlalchemy import delete, select
from sqlalchemy.exc import SQLAlchemyError

from config.settings import Settings
from hub.audit import seal_pending
from hub.core import Hub
from hub.database import now
from hub.dispatch import Dispatcher
from hub.idempotency import KEPT_FOR
from hub.machines import sampling
from hub.machines.sweep import sweep_machines
from hub.models import AccessToken, ApiCall, KeptAnswer
from hub.robots.local_triggers import fire_due
from hub.tasks.sweep import requeue_lost, sweep
from plugins.errors import HubError

log = structlog.get_logger(__name__)

PURGE_INTERVAL = 600.0
MACHINES_INTERVAL = 5.0
PURGED_AT_ONCE = 5000


def purge(hub: Hub) -> None:
    """Remove what has had its time: expired tokens, kept answers, figures of machines, and the calls older than the call log is kept."""
    moment = now()
    sampling.purge(hub)
    with hub.db.write() as session:
        session.execute(delete(AccessToken).where(AccessToken.expires_at < moment))
        session.execute(delete(KeptAnswer).where(KeptAnswer.created_at < moment - KEPT_FOR))
    oldest = moment - timedelta(days=hub.settings.call_log_days)
    while True:
        with hub.db.write() as session:
            doomed = select(ApiCall.id).where(ApiCall.called_at < oldest).order_by(ApiCall.id).limit(PURGED_AT_ONCE)
            if _rows(session.execute(delete(ApiCall).where(ApiCall.id.in_(doomed)))) < PURGED_AT_ONCE:
                return


def _rows(result: Any) -> int:
    return int(result.rowcount)


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
    dispatcher = Dispatcher(hub)
    requeue, cleaning, machines = Every(settings.requeue_after), Every(PURGE_INTERVAL), Every(MACHINES_INTERVAL)
    while not stop.wait(settings.scheduler_interval):
        try:
            fire_due(hub, dispatcher)
            sweep(hub)
            if machines.due():
                sweep_machines(hub)
            seal_pending(hub)
            if requeue.due():
                requeue_lost(hub)
            if cleaning.due():
                purge(hub)
        except (redis.RedisError, SQLAlchemyError, HubError) as error:
            log.warning("round of the scheduler broken off", error=f"{type(error).__name__}: {error}")
    hub.calls.close()
    hub.db.dispose()
