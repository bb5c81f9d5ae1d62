"""The days of a cron expression: for each way to name them, which they are and how they are said."""
from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Protocol

from croniter import CroniterBadDateError, croniter

from hub.schedule import wording
from hub.schedule.fields import LAST_YEAR

SUNDAY, SATURDAY = 0, 6


class Days(Protocol):
    """The days of an expression."""

    @property
    def text(self) -> str:
        """What the days are, in Chinese."""

    def since(self, start: date) -> Iterator[date]:
        """The days from ``start`` on, itself included, up to the end of LAST_YEAR."""


class Rule(Protocol):
    """Which days of any month."""

    @property
    def text(self) -> str:
        """The rule in Chinese, to stand after the month."""

    def of(self, year: int, month: int) -> Sequence[int]:
        """The days of the month, in ascending order."""


@dataclass(frozen=True)
class UnixDays:
    """Days of five fields. None is ``*``; with both a day of the month and a day of the week given, either will do, as cron has it."""

    days: tuple[int, ...] | None
    months: tuple[int, ...] | None
    weekdays: tuple[int, ...] | None

    @property
    def text(self) -> str:
        days = f"{wording.listing(self.days)} 日" if self.days else ""
        weekdays = f"每{wording.weekdays(self.weekdays)}" if self.weekdays else ""
        if self.months is None and days:
            days = f"每月 {days}"
        found = "，以及".join(filter(None, (days, weekdays))) or "每天"
        return found if self.months is None else wording.spaced(f"每年 {wording.listing(self.months)} 月的", found)

    def since(self, start: date) -> Iterator[date]:
        fields = ("*" if values is None else ",".join(map(str, values)) for values in (self.days, self.months, self.weekdays))
        each = croniter(f"0 0 {' '.join(fields)}", datetime.combine(start, time.min) - timedelta(seconds=1))
        try:
            while (day := each.get_next(datetime).date()).year <= LAST_YEAR:
                yield day
        except CroniterBadDateError:
            return  # there is no such day, as 31 February


@dataclass(frozen=True)
class QuartzDays:
    """Days of six or seven fields: a rule within some months of some years. None is all of them."""

    rule: Rule
    months: tuple[int, ...] | None
    years: tuple[int, ...] | None

    @property
    def text(self) -> str:
        year = f"{wording.listing(self.years)} 年" if self.years else ""
        month = f"{wording.listing(self.months)} 月" if self.months else ""
        when = wording.spaced(year or "每年", month) if month else year
        rule = self.rule.text
        if isinstance(self.rule, (EveryDay, Weekdays)):
            return f"{when}的{rule}" if when else rule
        return wording.spaced(when if month else f"{when}每月", rule)

    def since(self, start: date) -> Iterator[date]:
        for year in self.years or range(start.year, LAST_YEAR + 1):
            if year < start.year:
                continue
            for month in self.months or range(1, 13):
                if (year, month) < (start.year, start.month):
                    continue
                yield from (day for day in (date(year, month, each) for each in self.rule.of(year, month)) if day >= start)


@dataclass(frozen=True)
class EveryDay:
    """``*`` and ``?``."""

    text: str = "每天"

    def of(self, year: int, month: int) -> Sequence[int]:
        return range(1, length(year, month) + 1)


@dataclass(frozen=True)
class DaysOfMonth:
    """``1,15`` in the fourth field. A month that has not so many days is passed over."""

    values: tuple[int, ...]

    @property
    def text(self) -> str:
        return f"{wording.listing(self.values)} 日"

    def of(self, year: int, month: int) -> Sequence[int]:
        return [value for value in self.values if value <= length(year, month)]


@dataclass(frozen=True)
class LastDay:
    """``L``, ``L-3``: so many days before the last of the month. ``LW``, ``L-3W``: the weekday nearest to it."""

    before: int = 0
    on_weekday: bool = False

    @property
    def text(self) -> str:
        if self.on_weekday and not self.before:
            return "最后一个工作日（周一至周五）"
        day = f"倒数第 {self.before + 1} 天" if self.before else "最后一天"
        return f"离{day}最近的工作日（周一至周五）" if self.on_weekday else day

    def of(self, year: int, month: int) -> Sequence[int]:
        day = length(year, month) - self.before
        if day < 1:
            return ()
        return (nearest_weekday(year, month, day) if self.on_weekday else day,)


@dataclass(frozen=True)
class NearestWeekday:
    """``15W``: the weekday (Monday to Friday) nearest to a day, within its month."""

    day: int

    @property
    def text(self) -> str:
        return f"离 {self.day} 日最近的工作日（周一至周五）"

    def of(self, year: int, month: int) -> Sequence[int]:
        return (nearest_weekday(year, month, self.day),) if self.day <= length(year, month) else ()


@dataclass(frozen=True)
class Weekdays:
    """``MON-FRI`` in the sixth field; the values count from Sunday = 0."""

    values: tuple[int, ...]

    @property
    def text(self) -> str:
        return f"每{wording.weekdays(self.values)}"

    def of(self, year: int, month: int) -> Sequence[int]:
        first = weekday(year, month, 1)
        return [day for day in range(1, length(year, month) + 1) if (first + day - 1) % 7 in self.values]


@dataclass(frozen=True)
class NthWeekday:
    """``6#3``: the third Friday of the month, where it has one."""

    value: int
    nth: int

    @property
    def text(self) -> str:
        return f"第 {self.nth} 个{wording.WEEKDAY_NAMES[self.value]}"

    def of(self, year: int, month: int) -> Sequence[int]:
        day = 1 + (self.value - weekday(year, month, 1)) % 7 + 7 * (self.nth - 1)
        return (day,) if day <= length(year, month) else ()


@dataclass(frozen=True)
class LastWeekday:
    """``6L``: the last Friday of the month."""

    value: int

    @property
    def text(self) -> str:
        return f"最后一个{wording.WEEKDAY_NAMES[self.value]}"

    def of(self, year: int, month: int) -> Sequence[int]:
        last = length(year, month)
        return (last - (weekday(year, month, last) - self.value) % 7,)


def length(year: int, month: int) -> int:
    """How many days a month has."""
    return monthrange(year, month)[1]


def weekday(year: int, month: int, day: int) -> int:
    """The day of the week, counted from Sunday = 0."""
    return date(year, month, day).isoweekday() % 7


def nearest_weekday(year: int, month: int, day: int) -> int:
    """The Monday to Friday nearest to a day without leaving its month."""
    of_week = weekday(year, month, day)
    if of_week == SATURDAY:
        return day - 1 if day > 1 else day + 2
    if of_week == SUNDAY:
        return day + 1 if day < length(year, month) else day - 2
    return day
