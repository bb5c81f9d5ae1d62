"""From the outbox to RQ: after the commit, and never before."""
from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import redis
import structlog
from sqlalchemy import delete, select

from hub.core import Hub
from hub.database import now
from hub.models import Outbox
from hub.tasks import queues

log = structlog.get_logger(__name__)
BATCH = 500


def send(hub: Hub, entries: Sequence[Outbox]) -> None:
    """Queue the jobs of committed outbox entries and remove these. When Redis is away they stay, and the scheduler sends them later."""
    if not entries:
        return
    try:
        queues.put(hub.redis, [(each.job, each.subject_id, each.queues) for each in entries])
    except redis.RedisError as error:
        log.warning("jobs stay in the outbox", count=len(entries), error=str(error))
        return
    with hub.db.write() as session:
        session.execute(delete(Outbox).where(Outbox.id.in_([each.id for each in entries])))


def send_left_over(hub: Hub, older_than: timedelta) -> int:
    """Send what a dead process or an absent Redis left in the outbox; gives how many."""
    with hub.db.read() as session:
        entries = list(session.scalars(select(Outbox).where(Outbox.created_at < now() - older_than).order_by(Outbox.id).limit(BATCH)))
    send(hub, entries)
    return len(entries)
