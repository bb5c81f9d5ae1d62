"""What a load balancer asks: does the process live, and can it serve (X37)."""
from __future__ import annotations

import redis
import structlog
from flask import Blueprint, Response
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from hub.api.envelope import envelope
from hub.core import Hub
from plugins import codes

log = structlog.get_logger(__name__)


def blueprint(hub: Hub) -> Blueprint:
    """GET /api/ext/health/live and /api/ext/health/ready; both without a token."""
    health = Blueprint("health", __name__, url_prefix="/api/ext/health")

    @health.get("/live")
    def live() -> Response:
        return envelope(codes.OK.value, codes.OK.zh, {"status": "live"}, 200)

    @health.get("/ready")
    def ready() -> Response:
        parts = {"database": _database_answers(hub), "redis": _redis_answers(hub)}
        if all(parts.values()):
            return envelope(codes.OK.value, codes.OK.zh, {"status": "ready", **parts}, 200)
        return envelope(codes.SERVER_STATE.value, codes.SERVER_STATE.zh, {"status": "not ready", **parts}, 503)

    return health


def _database_answers(hub: Hub) -> bool:
    try:
        with hub.db.read() as session:
            session.execute(text("SELECT 1 FROM department LIMIT 1"))
    except SQLAlchemyError as error:
        log.warning("database does not answer", error=str(error))
        return False
    return True


def _redis_answers(hub: Hub) -> bool:
    try:
        return bool(hub.redis.ping())
    except redis.RedisError as error:
        log.warning("redis does not answer", error=str(error))
        return False
