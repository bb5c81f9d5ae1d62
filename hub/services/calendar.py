"""Calendars (clause 6.2.15). They belong to the whole platform: everybody reads them, rights decide who changes them (erratum E50)."""
from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from sqlalchemy import select

from hub.call import Call
from hub.models import Calendar, Trigger
from hub.paging import page
from hub.resource import refuse_blank, refuse_taken, show, stamps, take_over
from hub.scope import find
from hub.services.trigger import refuse_in_use
from hub.serving import serves
from plugins.errors import InvalidInput
from plugins.operations import calendar

COLUMNS = {
    "calendarName": "name",
    "nonWorkingDays": "non_working_days",
    "market": "market",
    "coverStart": "cover_start",
    "coverEnd": "cover_end",
    "specialDays": "special_days",
    "sessions": "sessions",
}
SORTABLE = {"calendarId": Calendar.id, "calendarName": Calendar.name}
DAY_MINUTES = 24 * 60


@serves(calendar.calendar_create)
def calendar_create(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Names are unique."""
    row = Calendar(special_days=[], sessions=[])
    _settle(call, row, params)
    call.session.add(row)
    call.session.flush()
    return {"calendarId": row.id}


@serves(calendar.calendar_update)
def calendar_update(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Triggers follow the changed calendar from their next fire on."""
    refuse_blank(params, "calendarName")
    row = find(call, Calendar, params["calendarId"])
    with call.session.no_autoflush:
        _settle(call, row, params)
    return {}


@serves(calendar.calendar_delete)
def calendar_delete(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """A calendar that an active trigger keeps is refused: without it, the trigger would run on closed days."""
    row = find(call, Calendar, params["calendarId"])
    refuse_in_use(call, (Trigger.calendar_id == row.id) & Trigger.is_define_calendar.is_(True))
    row.is_deleted = True
    return {}


@serves(calendar.calendar_query)
def calendar_query(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """The days come as ``yyyy-MM-dd``, sorted, each once (erratum E49)."""
    row = find(call, Calendar, params["calendarId"], deleted=True)
    return {**show(row, COLUMNS), "calendarId": row.id, **stamps(row)}


@serves(calendar.calendar_list)
def calendar_list(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """All calendars."""
    rows, paging = page(call, select(Calendar), Calendar, params, search=(Calendar.name, Calendar.market), sortable=SORTABLE)
    return {"calendars": [{"calendarId": row.id, "calendarName": row.name, "isDeleted": row.is_deleted} for row in rows], **paging}


def _settle(call: Call, row: Calendar, params: dict[str, Any]) -> None:
    """Take over the parameters and check the calendar as a whole."""
    values = dict(params)
    if "nonWorkingDays" in values:
        values["nonWorkingDays"] = [day.isoformat() for day in values["nonWorkingDays"]]
    if "specialDays" in values:
        special = sorted(values["specialDays"], key=lambda each: each["day"])
        values["specialDays"] = [{**each, "day": each["day"].isoformat()} for each in special]
    take_over(row, values, COLUMNS)
    if "calendarName" in values:
        refuse_taken(call, Calendar, f"日历 {row.name}", Calendar.name == row.name, but=row.id)
    if row.cover_start and row.cover_end and row.cover_start > row.cover_end:
        raise InvalidInput("coverStart 不能晚于 coverEnd")
    days = [each["day"] for each in row.special_days]
    if len(set(days)) < len(days):
        raise InvalidInput("specialDays 中有重复的日期")
    closed = set(row.non_working_days)
    both = [each["day"] for each in row.special_days if each.get("sessions") and each["day"] in closed]
    if both:
        raise InvalidInput(f"specialDays 中的 {both[0]} 有交易时段，但同时是非工作日")
    _refuse_overlap("sessions", row.sessions)
    for each in row.special_days:
        _refuse_overlap(f"specialDays 中 {each['day']} 的 sessions", each.get("sessions") or [])


def _refuse_overlap(title: str, sessions: Iterable[dict[str, Any]]) -> None:
    """Sessions of one day may not overlap; one that ends before it begins is a night session, which ends on the next day."""
    spans = []
    for each in sessions:
        start, end = _minute(each["startTime"]), _minute(each["endTime"])
        if start == end:
            raise InvalidInput(f"{title} 中有开始时间等于结束时间的时段")
        spans.append((start, end if end > start else end + DAY_MINUTES))
    spans.sort()
    ends_before = all(one[1] <= other[0] for one, other in pairwise(spans))
    if spans and (not ends_before or spans[-1][1] - DAY_MINUTES > spans[0][0]):
        raise InvalidInput(f"{title} 中的时段互相重叠")


def _minute(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)
