"""Calendars (clause 6.2.15)."""
from __future__ import annotations

from plugins.context import Context
from plugins.fields import Day, Days, Flag, Id, Items, Record, Text
from plugins.operation import Answer, Params, operation
from plugins.paging import ListRequest, ListResult
from plugins.records import QueryResult

CLOCK = r"([01]\d|2[0-3]):[0-5]\d"


class TradingSession(Record):
    """One trading session of a day; a night session ends after midnight."""

    name = Text("时段名称", longest=64)
    startTime = Text("开始时间，格式为 HH:mm", pattern=CLOCK, required=True)
    endTime = Text("结束时间，格式为 HH:mm", pattern=CLOCK, required=True)


class SpecialDay(Record):
    """A day whose sessions differ from the usual ones, such as a half day."""

    day = Day("日期，格式为 yyyy-MM-dd", required=True)
    remark = Text("说明", longest=1024)
    sessions = Items(TradingSession, "当日交易时段")


class CalendarDetails(Record):
    """What a trading calendar knows beyond its closed days (erratum E50)."""

    market = Text("所属市场", longest=64, additive=True)
    coverStart = Day("日历数据起始日期，格式为 yyyy-MM-dd", additive=True)
    coverEnd = Day("日历数据截止日期，格式为 yyyy-MM-dd", additive=True)
    specialDays = Items(SpecialDay, "特殊日", additive=True)
    sessions = Items(TradingSession, "通常的交易时段", additive=True)


class CalendarCreateRequest(CalendarDetails):
    """Table 112."""

    calendarName = Text("日历名称", longest=128, required=True)
    nonWorkingDays = Days("非工作日或非交易日数组", required=True)


class CalendarCreateResult(Record):
    """Table 113."""

    calendarId = Id("日历 ID", kind="calendar")


@operation(
    "P67", "/api/platform/calendar/create", clause="6.2.15.1", title="创建日历",
    request=CalendarCreateRequest, response=CalendarCreateResult,
)
def calendar_create(ctx: Context, params: Params) -> Answer:
    """Create a calendar of days on which nothing runs."""


class CalendarDeleteRequest(Record):
    """Table 114."""

    calendarId = Id("日历 ID", kind="calendar", required=True)


@operation("P68", "/api/platform/calendar/delete", clause="6.2.15.2", title="删除日历", request=CalendarDeleteRequest)
def calendar_delete(ctx: Context, params: Params) -> Answer:
    """Delete a calendar."""


class CalendarUpdateRequest(CalendarDetails):
    """Table 115."""

    calendarId = Id("日历 ID", kind="calendar", required=True)
    calendarName = Text("日历名称", longest=128)
    nonWorkingDays = Days("非工作日或非交易日组")


@operation("P69", "/api/platform/calendar/update", clause="6.2.15.3", title="更新日历", request=CalendarUpdateRequest)
def calendar_update(ctx: Context, params: Params) -> Answer:
    """Change a calendar."""


class CalendarQueryRequest(Record):
    """Table 116."""

    calendarId = Id("日历 ID", kind="calendar", required=True)


class CalendarQueryResult(CalendarDetails, QueryResult):
    """Table 117."""

    nonWorkingDays = Days("非工作日或非交易日数组")
    isDeleted = Flag("是否删除")
    calendarId = Id("日历 ID", kind="calendar", additive=True)
    calendarName = Text("日历名称", longest=128, additive=True)


@operation(
    "P70", "/api/platform/calendar/query", clause="6.2.15.4", title="查询日历",
    request=CalendarQueryRequest, response=CalendarQueryResult,
)
def calendar_query(ctx: Context, params: Params) -> Answer:
    """Show the days of a calendar."""


class CalendarListRequest(ListRequest):
    """Table 118."""


class CalendarRow(Record):
    """One element of ``calendars`` (Table 119)."""

    calendarId = Id("日历 ID", kind="calendar")
    calendarName = Text("日历名称", longest=128)
    isDeleted = Flag("是否删除")


class CalendarListResult(ListResult):
    """Table 119."""

    calendars = Items(CalendarRow, "日历列表")


@operation(
    "P71", "/api/platform/calendar/list", clause="6.2.15.5", title="查询日历列表",
    request=CalendarListRequest, response=CalendarListResult,
)
def calendar_list(ctx: Context, params: Params) -> Answer:
    """List the calendars."""
