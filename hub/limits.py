"""Rate limits (clause 6.1.3.1, erratum E73): per address, client and operation, kept in Redis for all processes together.

The generic cell rate algorithm: a limit of N a minute lets N through at once and then one each 60/N seconds. All limits of a call are tried
in one round trip, and none is used up by a call that another one refuses.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import redis
import structlog

from plugins import codes
from plugins.errors import HubError

log = structlog.get_logger(__name__)

MINUTE = 60_000  # milliseconds

# KEYS: one for each limit; ARGV: the limits, in calls a minute. Answers the milliseconds to wait, 0 when the call may pass.
SCRIPT = """
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local wait = 0
local arrivals = {}
for i, key in ipairs(KEYS) do
  local interval = 60000 / tonumber(ARGV[i])
  local arrival = math.max(tonumber(redis.call('GET', key) or now), now)
  local early = arrival - now - (60000 - interval)
  if early > wait then wait = early end
  arrivals[i] = arrival + interval
end
if wait <= 0 then
  for i, key in ipairs(KEYS) do
    redis.call('SET', key, string.format('%.3f', arrivals[i]), 'PX', math.ceil(arrivals[i] - now) + 1)
  end
end
return math.ceil(wait)
"""


class Limiter:
    """Asks Redis whether a call may pass. While Redis is away all calls pass: the platform must not stop for want of a counter."""

    def __init__(self, connection: redis.Redis) -> None:
        self._script: Any = connection.register_script(SCRIPT)

    def check(self, limits: Sequence[tuple[str, int]]) -> None:
        """Count a call against limits (name, calls a minute; 0 is no limit). Raises HubError (10601) with the seconds to wait."""
        limits = [(name, most) for name, most in limits if most > 0]
        if not limits:
            return
        try:
            wait = int(self._script([f"rpahub:limit:{name}" for name, _ in limits], [most for _, most in limits]))
        except redis.RedisError as error:
            log.warning("limits are not checked, redis is away", error=str(error))
            return
        if wait > 0:
            raise HubError(code=codes.RATE_LIMITED, retry_after=wait / 1000)
