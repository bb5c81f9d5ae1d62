"""The audit log (X20; clause 5.7): filtered, exported, verified."""
from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select

from hub import audit
from hub.call import Call
from hub.models import AuditEntry
from hub.scope import visible
from plugins.fields import Flag, Instant, Items, Json, Moment, Record, Text, Whole
from plugins.operation import operation

DEFAULT_ROWS, MOST_ROWS = 100, 10_000


class AuditLogListRequest(Record):
    """Filters, all optional. Rows come in ascending order after ``afterId``: an export goes on where the last page ended."""

    actor = Text("操作人", longest=128)
    operation = Text("接口名称", longest=128)
    resultCode = Text("业务状态码", longest=5)
    traceId = Text("跟踪标识", longest=64)
    startTime = Moment("起始时间（含）")
    endTime = Moment("截止时间（含）")
    afterId = Whole("仅返回序号大于该值的记录", least=0)
    limit = Whole("最多返回的条数【默认 100，最多 10000】", least=1, most=MOST_ROWS)


class AuditRow(Record):
    """One action."""

    id = Whole("记录序号")
    happenedAt = Instant("发生时间，ISO 8601")
    actor = Text("操作人")
    operation = Text("接口名称")
    clientIp = Text("来源 IP")
    subject = Json("操作对象与主要参数，敏感信息已遮盖")
    resultCode = Text("业务状态码")
    traceId = Text("跟踪标识")
    seq = Whole("链序号")
    digest = Text("链摘要")


class AuditLogListResult(Record):
    """The rows, and where to go on."""

    entries = Items(AuditRow, "审计日志")
    lastId = Whole("本次返回的最后一条记录序号，没有更多记录时为空")


@operation(
    "X20", "/api/ext/audit-log/list", clause="X20", title="查询审计日志",
    request=AuditLogListRequest, response=AuditLogListResult, hook=False,
)
def audit_log_list(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """List actions by actor, operation, result and time, in pages that an export can follow to the end."""
    limit = params.get("limit") or DEFAULT_ROWS
    statement = _filtered(visible(select(AuditEntry), AuditEntry, call), params)
    rows = list(call.session.scalars(statement.order_by(AuditEntry.id).limit(limit)))
    entries = [
        {
            "id": row.id,
            "happenedAt": row.happened_at,
            "actor": row.actor,
            "operation": row.operation,
            "clientIp": row.client_ip,
            "subject": row.subject,
            "resultCode": row.result_code,
            "traceId": row.trace_id,
            "seq": row.seq,
            "digest": row.digest,
        }
        for row in rows
    ]
    return {"entries": entries, "lastId": rows[-1].id if len(rows) == limit else None}


def _filtered(statement: Select[Any], params: dict[str, Any]) -> Select[Any]:
    pairs = (
        ("actor", AuditEntry.actor), ("operation", AuditEntry.operation), ("resultCode", AuditEntry.result_code), ("traceId", AuditEntry.trace_id),
    )  # fmt: skip
    for name, column in pairs:
        if params.get(name):
            statement = statement.where(column == params[name])
    if params.get("startTime"):
        statement = statement.where(AuditEntry.happened_at >= params["startTime"])
    if params.get("endTime"):
        statement = statement.where(AuditEntry.happened_at <= params["endTime"])
    return statement.where(AuditEntry.id > (params.get("afterId") or 0))


class AuditLogVerifyResult(Record):
    """What the check of the chain found."""

    isWhole = Flag("审计链是否完整")
    sealedCount = Whole("已入链且验证通过的条数")
    pendingCount = Whole("等待入链的条数")
    brokenAt = Whole("首个异常的链序号")
    problem = Text("异常说明")


@operation(
    "X20", "/api/ext/audit-log/verify", clause="X20", title="验证审计日志",
    response=AuditLogVerifyResult, hook=False, writes=False,
)
def audit_log_verify(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Check that no row of the audit log was changed, deleted or reordered."""
    found = audit.verify(call.hub)
    return {
        "isWhole": found.is_whole,
        "sealedCount": found.sealed,
        "pendingCount": found.pending,
        "brokenAt": found.broken_at,
        "problem": found.problem,
    }
