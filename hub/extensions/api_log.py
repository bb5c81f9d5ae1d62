"""The call log and its figures (X21; clause 6.1.2)."""
from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, select

from hub import figures
from hub.call import Call
from hub.database import now
from hub.models import ApiCall, Calendar
from hub.scope import find, visible
from plugins.errors import InvalidInput, NotFound
from plugins.fields import Id, Instant, Items, Moment, Record, Text, Whole
from plugins.operation import operation

DEFAULT_ROWS, MOST_ROWS = 100, 10_000


class ApiLogListRequest(Record):
    """Filters, all optional. Rows come newest first; ``beforeId`` goes on after the last of a page."""

    operation = Text("接口名称", longest=128)
    caller = Text("调用者", longest=128)
    clientIp = Text("来源 IP", longest=64)
    resultCode = Text("业务状态码", longest=5)
    traceId = Text("跟踪标识", longest=64)
    startTime = Moment("起始时间（含）")
    endTime = Moment("截止时间（含）")
    beforeId = Whole("仅返回序号小于该值的记录", least=1)
    limit = Whole("最多返回的条数【默认 100，最多 10000】", least=1, most=MOST_ROWS)


class ApiLogRow(Record):
    """One call."""

    id = Whole("记录序号")
    traceId = Text("跟踪标识")
    calledAt = Instant("调用时间，ISO 8601")
    source = Text("来源标识")
    clientIp = Text("来源 IP")
    caller = Text("调用者")
    operation = Text("接口名称")
    method = Text("请求方式")
    path = Text("请求地址")
    status = Whole("HTTP 状态码")
    resultCode = Text("业务状态码")
    message = Text("消息内容", longest=1024)
    duration = Text("响应时间（毫秒）")


class ApiLogListResult(Record):
    """The rows, and where to go on."""

    calls = Items(ApiLogRow, "接口调用日志")
    lastId = Whole("本次返回的最后一条记录序号，没有更多记录时为空")


@operation("X21", "/api/ext/api-log/list", clause="X21", title="查询接口调用日志", request=ApiLogListRequest, response=ApiLogListResult, hook=False)
def api_log_list(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """List calls by operation, caller, address, result and time, the newest first."""
    limit = params.get("limit") or DEFAULT_ROWS
    statement = _filtered(visible(select(ApiCall), ApiCall, call), params)
    rows = list(call.session.scalars(statement.order_by(ApiCall.id.desc()).limit(limit)))
    return {"calls": [_row(row) for row in rows], "lastId": rows[-1].id if len(rows) == limit else None}


def _filtered(statement: Select[Any], params: dict[str, Any]) -> Select[Any]:
    pairs = (
        ("operation", ApiCall.operation), ("caller", ApiCall.caller), ("clientIp", ApiCall.client_ip),
        ("resultCode", ApiCall.result_code), ("traceId", ApiCall.trace_id),
    )  # fmt: skip
    for name, column in pairs:
        if params.get(name):
            statement = statement.where(column == params[name])
    if params.get("startTime"):
        statement = statement.where(ApiCall.called_at >= params["startTime"])
    if params.get("endTime"):
        statement = statement.where(ApiCall.called_at <= params["endTime"])
    if params.get("beforeId"):
        statement = statement.where(ApiCall.id < params["beforeId"])
    return statement


def _row(row: ApiCall) -> dict[str, Any]:
    return {
        "id": row.id,
        "traceId": row.trace_id,
        "calledAt": row.called_at,
        "source": row.source,
        "clientIp": row.client_ip,
        "caller": row.caller,
        "operation": row.operation,
        "method": row.method,
        "path": row.path,
        "status": row.status,
        "resultCode": row.result_code,
        "message": row.message,
        "duration": f"{row.duration:.1f}",
    }


class ApiLogQueryRequest(Record):
    """Names one call."""

    id = Whole("记录序号", required=True, least=1)


class ApiLogQueryResult(ApiLogRow):
    """One call with what was sent and answered, secrets masked."""

    headers = Text("请求 Header 参数（JSON 文本）", longest=65536)
    request = Text("请求 Body 参数（JSON 文本，敏感信息已遮盖）", longest=65536)
    response = Text("返回业务参数（JSON 文本，敏感信息已遮盖）", longest=65536)


@operation(
    "X21", "/api/ext/api-log/query", clause="X21", title="查询一次接口调用",
    request=ApiLogQueryRequest, response=ApiLogQueryResult, hook=False,
)
def api_log_query(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Show one call with its request and response."""
    row = call.session.scalar(visible(select(ApiCall).where(ApiCall.id == params["id"]), ApiCall, call))
    if row is None:
        raise NotFound(f"调用记录 {params['id']}")
    return {**_row(row), "headers": row.headers, "request": row.request, "response": row.response}


class ApiMetricQueryRequest(Record):
    """Which operation, which time, and how it is divided."""

    operation = Text("接口名称，缺省为全部接口", longest=128)
    range = Text("统计粒度", choices=("minute", "hour", "day", "week", "month", "tradingDay"), required=True)
    calendarId = Id("交易日历 ID，统计粒度为 tradingDay 时必填", kind="calendar")
    startTime = Moment("起始时间（含），缺省为截止时间之前一天")
    endTime = Moment("截止时间（不含），缺省为当前时间")


class ApiMetricRow(Record):
    """The figures of one operation in one period."""

    period = Text("统计周期")
    operation = Text("接口名称")
    calls = Whole("调用次数")
    errors = Whole("错误次数")
    errorRate = Text("错误率")
    meanTime = Text("平均响应时间（毫秒）")
    longestTime = Text("最长响应时间（毫秒）")


class ApiMetricQueryResult(Record):
    """The figures, by period and operation."""

    metrics = Items(ApiMetricRow, "监控指标")


@operation(
    "X21", "/api/ext/api-metric/query", clause="X21", title="查询接口监控指标",
    request=ApiMetricQueryRequest, response=ApiMetricQueryResult, hook=False,
)
def api_metric_query(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Give number, mean time and error rate of calls by minute, hour, day, week, month or trading day (clause 6.1.2.1)."""
    end: datetime = params.get("endTime") or now()
    start: datetime = params.get("startTime") or end - timedelta(days=1)
    unit = params["range"]
    if end - start > figures.LONGEST[unit]:
        raise InvalidInput(f"统计粒度 {unit} 的时间范围不能超过 {figures.LONGEST[unit].days} 天")
    closed: frozenset[str] = frozenset()
    if unit == "tradingDay":
        if params.get("calendarId") is None:
            raise InvalidInput("缺少 calendarId")
        closed = frozenset(find(call, Calendar, params["calendarId"]).non_working_days)
    found = figures.by_period(call.session, start, end, unit, call.hub.zone, params.get("operation"), closed)
    rows = [
        {
            "period": each.period,
            "operation": each.operation,
            "calls": each.calls,
            "errors": each.errors,
            "errorRate": f"{each.errors / each.calls:.4f}",
            "meanTime": f"{each.duration / each.calls:.2f}",
            "longestTime": f"{each.longest:.2f}",
        }
        for each in found
    ]
    return {"metrics": rows}
