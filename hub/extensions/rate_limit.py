"""The limits of calls (X30, erratum E73), so that callers can keep to them."""
from __future__ import annotations

from typing import Any

from hub.call import Call
from plugins.fields import Record, Whole
from plugins.operation import operation


class RateLimitQueryResult(Record):
    """Calls a minute; 0 is without limit. A call beyond one of them is answered with 10601, HTTP 429 and Retry-After."""

    perIp = Whole("同一来源 IP 每分钟最多调用次数")
    perClient = Whole("同一用户或应用每分钟最多调用次数，为调用者自己的限额")
    perOperation = Whole("同一用户或应用对同一接口每分钟最多调用次数")
    perLogin = Whole("同一来源 IP 每分钟最多认证次数")


@operation("X30", "/api/ext/rate-limit/query", clause="X30", title="查询限流设置", response=RateLimitQueryResult, hook=False)
def rate_limit_query(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Show the limits of calls that hold for the caller."""
    settings = call.hub.settings
    return {
        "perIp": settings.rate_limit_ip,
        "perClient": call.caller.rate_limit or settings.rate_limit_client,
        "perOperation": settings.rate_limit_operation,
        "perLogin": settings.rate_limit_login,
    }
