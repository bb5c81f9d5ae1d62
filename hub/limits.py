"""Rate limits (clause 6.1.3.1, erratum E73): per address, client and operation, kept in Redis for all processes together.

The generic cell rate algorithm: a limit of N a minute lets N through at once and then one each 60/N seconds. All limits of a call are tried
in one round trip, and none is used up by a call that another one refuses. Of a large limit a process takes a tenth of a second's share
ahead, so that a busy one does not ask Redis on every call.
"""
from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

import redis
import structlog

from plugins import codes
from plugins.errors import HubError

log = structlog.get_logger(__name__)

SHARES = 600  # of a limit, which is for a minute
HELD_FOR = 60.0
PAUSE = 1.0  # seconds after a failure in which Redis is not asked: no call waits for one that does not answer
MOST_HELD = 10_000

# KEYS: one for each limit; ARGV: for each the limit, in calls a minute, and how many calls are wanted. Answers the milliseconds to wait, and
# when that is 0 how many calls each limit lets through, at least one.
SCRIPT = """
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local wait = 0
local granted = {}
local arrivals = {}
for i, key in ipairs(KEYS) do
  local interval = 60000 / tonumber(ARGV[2 * i - 1])
  local arrival = math.max(tonumber(redis.call('GET', key) or now), now)
  local early = arrival - now - (60000 - interval)
  if early > wait then wait = early end
  granted[i] = math.max(1, math.min(math.floor((now + 60000 - arrival) / interval), tonumber(ARGV[2 * i])))
  arrivals[i] = arrival + interval * granted[i]
end
if wait > 0 then return {math.ceil(wait)} end
for i, key in ipairs(KEYS) do
  redis.call('SET', key, string.format('%.3f', arrivals[i]), 'PX', math.ceil(arrivals[i] - now) + 1)
end
return {0, unpack(granted)}
"""


class Limiter:
    """Says whether a call may pass. While Redis is away all calls pass: the platform must not stop for want of a counter."""

    def __init__(self, connection: redis.Redis) -> None:
        self._script: Any = connection.register_script(SCRIPT)
        self._lock = threading.Lock()
        self._away_until = 0.0
        self._held: dict[str, tuple[int, float]] = {}  # name -> calls that this process may still let through, and until when

    def check(self, limits: Sequence[tuple[str, int]]) -> None:
        """Count a call against limits (name, calls a minute; 0 is no limit). Raises HubError (10601) with the seconds to wait."""
        limits = [(name, most) for name, most in limits if most > 0]
        if time.monotonic() < self._away_until:
            return
        with self._lock:
            short = [(name, most) for name, most in limits if not self._holds(name)]
            if not short:
                self._use(limits)
                return
        try:
            wanted = [number for _, most in short for number in (most, max(1, most // SHARES))]
            wait, *granted = self._script([f"rpahub:limit:{name}" for name, _ in short], wanted)
        except redis.RedisError as error:
            self._away_until = time.monotonic() + PAUSE
            log.warning("limits are not checked, redis is away", error=str(error))
            return
        if int(wait) > 0:
            raise HubError(code=codes.RATE_LIMITED, retry_after=int(wait) / 1000)
        until = time.monotonic() + HELD_FOR
        with self._lock:
            self._held.update((name, (int(count), until)) for (name, _), count in zip(short, granted, strict=True))
            self._use(limits)
            if len(self._held) > MOST_HELD:
                self._held = {name: each for name, each in self._held.items() if each[1] > until - HELD_FOR}

    def _holds(self, name: str) -> bool:
        count, until = self._held.get(name, (0, 0.0))
        return count > 0 and until > time.monotonic()

    def _use(self, limits: Sequence[tuple[str, int]]) -> None:
        """Let one call through out of what is held."""
        for name, _ in limits:
            count, until = self._held.pop(name, (0, 0.0))
            if count > 1:
                self._held[name] = (count - 1, until)
