"""GET /metrics for Prometheus (X37): the calls of all processes together, tasks by state, robots by status."""
from __future__ import annotations

import hmac
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

import redis
import structlog
from flask import Blueprint, Response, request
from sqlalchemy import case, func, select

from hub.calllog import TOTALS
from hub.database import now
from hub.models import Outbox, Robot, Task
from hub.tasks import lifecycle
from plugins.errors import Refused

if TYPE_CHECKING:
    from hub.core import Hub

log = structlog.get_logger(__name__)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
HERE = ("127.0.0.1", "::1")


def blueprint(hub: Hub) -> Blueprint:
    """GET /metrics, for this machine or for the holder of the metrics token."""
    metrics = Blueprint("metrics", __name__)

    @metrics.get("/metrics")
    def show() -> Response:
        token = hub.settings.metrics_token.get_secret_value()
        sent = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not (hmac.compare_digest(sent.encode(), token.encode()) if token else request.remote_addr in HERE):
            raise Refused("指标仅供本机或持有令牌者读取")
        return Response("\n".join(_lines(hub)) + "\n", content_type=CONTENT_TYPE)

    return metrics


def _lines(hub: Hub) -> Iterator[str]:
    yield from _calls(hub)
    with hub.db.read() as session:
        active = session.execute(select(Task.state, func.count()).where(Task.state.in_(lifecycle.ACTIVE)).group_by(Task.state)).tuples()
        yield "# HELP rpahub_tasks Tasks that have not ended, by state."
        yield "# TYPE rpahub_tasks gauge"
        counted = dict(active.all())
        yield from (f'rpahub_tasks{{state="{state}"}} {counted.get(state, 0)}' for state in lifecycle.ACTIVE)
        fresh = Robot.seen_at > now() - timedelta(seconds=hub.settings.robot_timeout)
        status = case((fresh & Robot.task_id.is_not(None), "running"), (fresh, "idle"), else_="offline")
        robots = dict(session.execute(select(status, func.count()).where(Robot.is_deleted.is_(False)).group_by(status)).tuples().all())
        yield "# HELP rpahub_robots Robots by status."
        yield "# TYPE rpahub_robots gauge"
        yield from (f'rpahub_robots{{status="{each}"}} {robots.get(each, 0)}' for each in ("idle", "running", "offline"))
        yield "# HELP rpahub_outbox Jobs that wait to be queued."
        yield "# TYPE rpahub_outbox gauge"
        yield f"rpahub_outbox {session.scalar(select(func.count()).select_from(Outbox)) or 0}"


def _calls(hub: Hub) -> Iterator[str]:
    try:
        totals = {key.decode(): value.decode() for key, value in hub.redis.hgetall(TOTALS).items()}
    except redis.RedisError as error:
        log.warning("totals of calls not known", error=str(error))
        return
    for name, help_text, unit in (
        ("calls", "Calls by operation.", 1.0),
        ("errors", "Calls that were not answered with 00000, by operation.", 1.0),
        ("duration", "Seconds spent on calls, by operation.", 0.001),
    ):
        metric = f"rpahub_{'call_seconds' if name == 'duration' else name}_total"
        yield f"# HELP {metric} {help_text}"
        yield f"# TYPE {metric} counter"
        for key in sorted(totals):
            operation, _, kind = key.rpartition(":")
            if kind == name:
                yield f'{metric}{{operation="{operation}"}} {float(totals[key]) * unit:.6g}'
