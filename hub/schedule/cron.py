"""Cron expressions in both dialects (erratum E46).

Five fields are Unix cron: minute, hour, day, month, weekday with 0 and 7 = Sunday. Six or seven are Quartz: seconds first, weekday with
1 = Sunday, an optional year last, and ``?``, ``L``, ``W``, ``#`` as Quartz documents them. What is wrong is refused with the field and the
reason, never guessed.
"""
from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import time

from hub.schedule import days, wording
from hub.schedule.days import Days
from hub.schedule.fields import QUARTZ, UNIX, Field
from plugins.errors import InvalidInput

LAST_DAY = re.compile(r"L(?:-(\d{1,2}))?(W)?", re.ASCII)
NEAREST = re.compile(r"(\d{1,2})W", re.ASCII)
LAST_WEEKDAY = re.compile(r"(\d|[A-Z]{3})L", re.ASCII)
NTH_WEEKDAY = re.compile(r"(\d|[A-Z]{3})#(\d)", re.ASCII)
UNRESTRICTED = ("*", "?")
FARTHEST_BEFORE_LAST = 30
MOST_OF_A_WEEKDAY = 5


@dataclass(frozen=True)
class Cron:
    """A parsed expression: on each of its days it fires at each of its times, all of them local."""

    days: Days
    hours: tuple[int, ...]
    minutes: tuple[int, ...]
    seconds: tuple[int, ...]

    @property
    def description(self) -> str:
        """What the expression means, in plain Chinese."""
        return f"{self.days.text} {wording.day_times(self.hours, self.minutes, self.seconds)}"

    def times(self, start: time = time.min) -> Iterator[time]:
        """The times of a day in ascending order, from about ``start`` on (never later than it)."""
        for hour in self.hours[bisect_left(self.hours, start.hour) :]:
            for minute in self.minutes:
                for second in self.seconds:
                    yield time(hour, minute, second)


def parse(text: str) -> Cron:
    """Read a cron expression. Raises InvalidInput (10007) with a message that names the field and says why."""
    parts = text.upper().split()
    if len(parts) == len(UNIX):
        return _unix(parts)
    if len(parts) in (len(QUARTZ) - 1, len(QUARTZ)):
        return _quartz(parts)
    raise InvalidInput(
        f"cronExpression 有 {len(parts)} 个字段，应为 5 个（Unix：分 时 日 月 星期）或 6、7 个（Quartz：秒 分 时 日 月 星期 [年]）"
    )


def _unix(parts: list[str]) -> Cron:
    minutes, hours, day, month, weekday = (field.values(part) for field, part in zip(UNIX, parts, strict=True))
    found = days.UnixDays(
        days=None if UNIX[2].is_all(day) else day,
        months=None if UNIX[3].is_all(month) else month,
        weekdays=None if UNIX[4].is_all(weekday) else weekday,
    )
    # Of "every other day" beside a weekday some crons make "both", others "either": it is better said otherwise.
    stars = [part.startswith("*") and part != "*" for part in (parts[2], parts[4])]
    whole = [part != "*" and field.is_all(values) for part, field, values in ((parts[2], UNIX[2], day), (parts[4], UNIX[4], weekday))]
    if "*" not in (parts[2], parts[4]) and any((*stars, *whole)):
        raise InvalidInput(
            f"cronExpression 第 3 个字段（日）“{parts[2]}”与第 5 个字段（星期）“{parts[4]}”同时限定时含义不明确："
            "请把日或星期写成具体取值的列表，或把不需要限定的一个写为 *"
        )
    return Cron(found, hours, minutes, (0,))


def _quartz(parts: list[str]) -> Cron:
    second, minute, hour, day, month, weekday, *year = parts
    rule = _rule(day, weekday)
    years = QUARTZ[6].values(year[0]) if year else ()
    months = _quartz_values(QUARTZ[4], month)
    found = days.QuartzDays(
        rule=rule,
        months=None if QUARTZ[4].is_all(months) else months,
        years=None if not years or QUARTZ[6].is_all(years) else years,
    )
    return Cron(found, *(_quartz_values(field, part) for field, part in ((QUARTZ[2], hour), (QUARTZ[1], minute), (QUARTZ[0], second))))


def _quartz_values(field: Field, text: str) -> tuple[int, ...]:
    """Quartz also takes ``/5`` for ``*/5``."""
    return field.values(",".join(f"*{part}" if part.startswith("/") else part for part in text.split(",")))


def _rule(day: str, weekday: str) -> days.Rule:
    """The days that the fourth and the sixth field name together: one of them only."""
    if day == weekday == "?":
        raise InvalidInput("cronExpression 第 4 个字段（日）和第 6 个字段（星期）不能同时为 ?")
    if weekday in UNRESTRICTED:
        return days.EveryDay() if day in UNRESTRICTED else _rule_of_days(day)
    if day in UNRESTRICTED:
        return _rule_of_weekdays(weekday)
    raise InvalidInput(f"cronExpression 第 4 个字段（日）“{day}”和第 6 个字段（星期）“{weekday}”不能同时限定：请将其中一个写为 ?")


def _rule_of_days(text: str) -> days.Rule:
    field = QUARTZ[3]
    if last := LAST_DAY.fullmatch(text):
        before = int(last[1] or 0)
        if before > FARTHEST_BEFORE_LAST:
            raise field.wrong(text, f"L 之后最多减 {FARTHEST_BEFORE_LAST} 天")
        return days.LastDay(before, bool(last[2]))
    if near := NEAREST.fullmatch(text):
        return days.NearestWeekday(field.number(near[1], text))
    if "L" in text or "W" in text:
        raise field.wrong(text, "L、W 只能单独使用，如 L、L-3、LW、15W，不能与列表、范围或步长组合")
    return days.DaysOfMonth(_quartz_values(field, text))


def _rule_of_weekdays(text: str) -> days.Rule:
    field = QUARTZ[5]
    if text == "L":
        return days.Weekdays((days.SATURDAY,))
    if last := LAST_WEEKDAY.fullmatch(text):
        return days.LastWeekday(field.number(last[1], text) - 1)
    if nth := NTH_WEEKDAY.fullmatch(text):
        if not 1 <= int(nth[2]) <= MOST_OF_A_WEEKDAY:
            raise field.wrong(text, f"# 之后应为 1 至 {MOST_OF_A_WEEKDAY}，表示当月第几个")
        return days.NthWeekday(field.number(nth[1], text) - 1, int(nth[2]))
    if "L" in text or "#" in text:
        raise field.wrong(text, "L、# 只能单独使用，如 6L、FRIL、6#3，不能与列表、范围或步长组合")
    values = tuple(value - 1 for value in _quartz_values(field, text))
    return days.EveryDay() if field.is_all(values) else days.Weekdays(values)
