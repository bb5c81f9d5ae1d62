"""Connections to Redis: a quick client where a caller waits, a patient one where a process can outlast a restart of the server.

Both are safe to share between threads and connect on first use. After a fork, make new ones in the child.
"""
from __future__ import annotations

from redis import Redis
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.retry import Retry

from config.settings import Settings


def quick_client(settings: Settings) -> Redis:
    """A client for calls that someone waits for: says within about two seconds that Redis is away. Raises redis.RedisError from each command.

    redis-py's own default tries ten times with pauses, which lets every request hang for seconds.
    """
    return Redis.from_url(settings.redis, socket_connect_timeout=1, socket_timeout=2, retry=Retry(NoBackoff(), 1))


def patient_client(settings: Settings) -> Redis:
    """A client for workers: tries for about fifteen seconds, so that a restart of Redis goes unnoticed.

    A blocking command may wait 60 seconds; RQ's worker lengthens that by itself to fit its own blocking pop.
    """
    backoff = ExponentialWithJitterBackoff(base=0.1, cap=2)
    return Redis.from_url(settings.redis, socket_connect_timeout=5, socket_timeout=60, health_check_interval=30, retry=Retry(backoff, 12))
