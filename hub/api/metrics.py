"""GET /metrics for Prometheus (X37): the calls of all processes together, tasks by state, robots by status."""
from __future__ import annotations

import hmac
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, cast

import redis
import structlog
from flask import Blueprint, Response, request
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector
from sqlalchemy import case, func, select

from hub.calllog import TOTALS
from hub.database import now
from hub.models import Outbox, Robot, Task
from hub.tasks import lifecycle
from plugins.errors import Refused

if TYPE_CHECKING:
    from hub.core import Hub

log = structlog.get_logger(__name__)
HERE = ("127.0.0.1", "::1")
MILLISECOND = 0.001


def blueprint(hub: Hub) -> Blueprint:
    """GET /metrics, for this machine or for the holder of the metrics token."""
    metrics = Blueprint("metrics", __name__)
    registry = CollectorRegistry()
    registry.register(HubCollector(hub))

    @metrics.get("/metrics")
    def show() -> Response:
        token = hub.settings.metrics_token.get_secret_value()
        sent = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not (hmac.compare_digest(sent.encode(), token.encode()) if token else request.remote_addr in HERE):
            raise Refused("指标仅供本机或持有令牌者读取")
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)

    return metrics


class HubCollector(Collector):
    """Reads the figures when they are asked for: from Redis, where all processes count their calls, and from the database."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def describe(self) -> list[Metric]:
        """Nothing is known before it is asked for: no query at the start."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The metrics as they are now."""
        yield from self._calls()
        hub = self._hub
        with hub.db.read() as session:
            active = select(Task.state, func.count()).where(lifecycle.IS_ACTIVE).group_by(Task.state)
            counted = dict(session.execute(active).all())
            fresh = Robot.seen_at > now() - timedelta(seconds=hub.settings.robot_timeout)
            status = case((fresh & Robot.task_id.is_not(None), "running"), (fresh, "idle"), else_="offline")
            robots: dict[str, int] = dict(session.execute(select(status, func.count()).where(Robot.is_deleted.is_(False)).group_by(status)).all())
            waiting = session.scalar(select(func.count()).select_from(Outbox)) or 0
        tasks = GaugeMetricFamily("rpahub_tasks", "Tasks that have not ended, by state.", labels=["state"])
        for state in lifecycle.ACTIVE:
            tasks.add_metric([state], counted.get(state, 0))
        yield tasks
        by_status = GaugeMetricFamily("rpahub_robots", "Robots by status.", labels=["status"])
        for each in ("idle", "running", "offline"):
            by_status.add_metric([each], robots.get(each, 0))
        yield by_status
        yield GaugeMetricFamily("rpahub_outbox", "Jobs that wait to be queued.", value=waiting)

    def _calls(self) -> Iterator[Metric]:
        try:
            totals = {key.decode(): float(value) for key, value in cast("dict[bytes, bytes]", self._hub.redis.hgetall(TOTALS)).items()}
        except redis.RedisError as error:
            log.warning("totals of calls not known", error=str(error))
            return
        for name, metric, help_text, unit in (
            ("calls", "rpahub_calls", "Calls by operation.", 1.0),
            ("errors", "rpahub_call_errors", "Calls that were not answered with 00000, by operation.", 1.0),
            ("duration", "rpahub_call_seconds", "Seconds spent on calls, by operation.", MILLISECOND),
        ):
            family = CounterMetricFamily(metric, help_text, labels=["operation"])
            for key in sorted(totals):
                operation, _, kind = key.rpartition(":")
                if kind == name:
                    family.add_metric([operation], totals[key] * unit)
            yield family
