"""Pages of lists: one order, one limit, one way to say how much there is (errata E18 to E20).

Pages far back and totals of large lists would cost the database a walk over all rows before them. So a process remembers, for a short while,
where pages ended and how long lists were; small lists are always counted exactly.
"""
from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from hub.call import Call
from plugins.errors import InvalidInput

DEFAULT_SIZE = 100
EXACT_UP_TO = 10_000
REMEMBER_FOR = 10.0  # seconds
REMEMBERED_LISTS = 1000
REMEMBERED_ENDS = 64

Sortable = Mapping[str, InstrumentedAttribute[Any]]


class PageMemory:
    """What this process remembers of large lists: their totals, and at which id some of their pages ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lists: OrderedDict[object, tuple[float, int | None, dict[int, int]]] = OrderedDict()

    def total(self, key: object) -> int | None:
        """The total of a list, if it was counted a moment ago."""
        with self._lock:
            found = self._fresh(key)
            return found[1] if found else None

    def nearest(self, key: object, offset: int) -> tuple[int, int] | None:
        """The last known page end at or before an offset: how many rows it has before it, and the last of their ids."""
        with self._lock:
            found = self._fresh(key)
            before = [at for at in found[2] if at <= offset] if found else []
            return (max(before), found[2][max(before)]) if found and before else None

    def note(self, key: object, *, total: int | None = None, end: tuple[int, int] | None = None) -> None:
        """Remember a total or the end of a page."""
        with self._lock:
            born, known, ends = self._fresh(key) or (time.monotonic(), None, {})
            if end is not None:
                if len(ends) >= REMEMBERED_ENDS:
                    ends.pop(next(iter(ends)))
                ends[end[0]] = end[1]
            self._lists[key] = (born, known if total is None else total, ends)
            self._lists.move_to_end(key)
            if len(self._lists) > REMEMBERED_LISTS:
                self._lists.popitem(last=False)

    def _fresh(self, key: object) -> tuple[float, int | None, dict[int, int]] | None:
        found = self._lists.get(key)
        if found is not None and time.monotonic() - found[0] > REMEMBER_FOR:
            del self._lists[key]
            return None
        return found


def page(
    call: Call,
    statement: Select[Any],
    model: Any,
    params: dict[str, Any],
    *,
    search: tuple[InstrumentedAttribute[Any], ...] = (),
    sortable: Sortable | None = None,
) -> tuple[list[Any], dict[str, int]]:
    """The rows of the page that ``params`` ask for, and ``{"total", "pageNum", "pageSize"}`` as they were taken.

    ``search`` names the columns that ``keyword`` looks in, ``sortable`` those that ``sort`` may name; rows of equal value come by id.
    Deleted rows are left out unless ``includeDeleted`` asks for them. Raises InvalidInput for an unknown ``sort``.
    """
    number = params.get("pageNum") or 1
    size = min(params.get("pageSize") or DEFAULT_SIZE, call.hub.settings.page_size_limit)
    if not params.get("includeDeleted"):
        statement = statement.where(model.is_deleted.is_(False))
    keyword = (params.get("keyword") or "").strip()
    if keyword and search:
        statement = statement.where(or_(*(column.icontains(keyword, autoescape=True) for column in search)))
    column, descending = _order(model, params.get("sort"), sortable or {})
    offset = (number - 1) * size
    key = (call.operation.name, call.caller.scope, call.caller.robot_id, *sorted((name, repr(value)) for name, value in params.items() if name != "pageNum"))
    by_id = column is model.id
    ids = statement.with_only_columns(model.id).order_by(
        *([column.desc() if descending else column.asc()] if not by_id else []), model.id.desc() if descending else model.id.asc()
    )
    skip = offset
    anchor = call.hub.pages.nearest(key, offset) if by_id and offset >= EXACT_UP_TO else None
    if anchor is not None:
        ids = ids.where(model.id < anchor[1] if descending else model.id > anchor[1])
        skip = offset - anchor[0]
    wanted = list(call.session.scalars(ids.limit(size).offset(skip)))
    rows = _rows(call, model, wanted)
    if by_id and wanted and offset >= EXACT_UP_TO:
        call.hub.pages.note(key, end=(offset, wanted[0] + 1 if descending else wanted[0] - 1))
        call.hub.pages.note(key, end=(offset + len(wanted), wanted[-1]))
    return rows, {"total": _total(call, statement, model, key, offset, size, len(wanted)), "pageNum": number, "pageSize": size}


def _rows(call: Call, model: Any, wanted: list[int]) -> list[Any]:
    found = {row.id: row for row in call.session.scalars(select(model).where(model.id.in_(wanted)))} if wanted else {}
    return [found[each] for each in wanted if each in found]


def _order(model: Any, sort: str | None, sortable: Sortable) -> tuple[Any, bool]:
    name = (sort or "").strip()
    descending = name.startswith("-")
    name = name.lstrip("-+")
    known = {"id": model.id, "createTime": model.created_at, "updateTime": model.updated_at, **sortable}
    if not name:
        return model.id, False
    if name not in known:
        raise InvalidInput(f"sort 应为 {'、'.join(sorted(known))} 之一，前缀 - 表示降序")
    return known[name], descending


def _total(call: Call, statement: Select[Any], model: Any, key: object, offset: int, size: int, found: int) -> int:
    if found < size and (found or offset == 0):
        return offset + found
    bare = statement.with_only_columns(model.id).order_by(None)
    counted = call.session.scalar(select(func.count()).select_from(bare.limit(EXACT_UP_TO).subquery())) or 0
    if counted < EXACT_UP_TO:
        return counted
    total = call.hub.pages.total(key)
    if total is None:
        total = call.session.scalar(select(func.count()).select_from(bare.subquery())) or 0
        call.hub.pages.note(key, total=total)
    return total


def through(end: datetime) -> datetime:
    """The last moment of the second that a time from the wire names: a range holds both of its bounds (erratum E76)."""
    return end if end.microsecond else end.replace(microsecond=999_999)
