"""Pages of lists: one order, one limit, one way to say how much there is (errata E18 to E20)."""
from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from hub.call import Call

DEFAULT_SIZE = 100


def page(
    call: Call,
    statement: Select[Any],
    model: Any,
    params: dict[str, Any],
    *,
    search: tuple[InstrumentedAttribute[Any], ...] = (),
    newest_first: bool = False,
) -> tuple[list[Any], dict[str, int]]:
    """The rows of the page that ``params`` ask for, and ``{"total", "pageNum", "pageSize"}`` as they were taken.

    ``search`` names the columns that ``keyword`` looks in. Deleted rows are left out unless ``includeDeleted`` asks for them.
    """
    number = params.get("pageNum") or 1
    size = min(params.get("pageSize") or DEFAULT_SIZE, call.hub.settings.page_size_limit)
    if not params.get("includeDeleted"):
        statement = statement.where(model.is_deleted.is_(False))
    keyword = (params.get("keyword") or "").strip()
    if keyword and search:
        statement = statement.where(or_(*(column.icontains(keyword, autoescape=True) for column in search)))
    order = model.id.desc() if newest_first else model.id.asc()
    rows = list(call.session.scalars(statement.order_by(order).limit(size).offset((number - 1) * size)))
    if len(rows) < size and (rows or number == 1):
        total = (number - 1) * size + len(rows)
    else:
        total = call.session.scalar(select(func.count()).select_from(statement.order_by(None).subquery())) or 0
    return rows, {"total": total, "pageNum": number, "pageSize": size}


def through(end: datetime) -> datetime:
    """The last moment of the second that a time from the wire names: a range holds both of its bounds (erratum E76)."""
    return end if end.microsecond else end.replace(microsecond=999_999)
