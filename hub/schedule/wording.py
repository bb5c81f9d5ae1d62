"""Numbers of a cron expression in plain Chinese: lists, ranges, steps."""
from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

WEEKDAYS = ("周日", "周一", "周二", "周三", "周四", "周五", "周六")
WEEKDAY_NAMES = ("星期日", "星期一", "星期二", "星期三", "星期四", "星期五", "星期六")
TIMES_SHOWN = 6
SHORTEST_RUN = 3


def listing(values: Sequence[int], name: Callable[[int], str] = str, to: str = " 至 ") -> str:
    """The values in their order, with runs of three and more as ranges: ``1 至 5、10``."""
    return "、".join(
        f"{name(run[0])}{to}{name(run[-1])}" if len(run) >= SHORTEST_RUN else "、".join(map(name, run)) for run in _runs(values)
    )


def _runs(values: Sequence[int]) -> Iterator[list[int]]:
    run: list[int] = []
    for value in values:
        if run and value != run[-1] + 1:
            yield run
            run = []
        run.append(value)
    if run:
        yield run


def weekdays(values: Sequence[int]) -> str:
    """Days of the week, counted from Sunday = 0, in the order of a Chinese week: ``周一至周五、周日``."""
    return listing(sorted(value or 7 for value in values), lambda value: WEEKDAYS[value % 7], to="至")


def spaced(left: str, right: str) -> str:
    """The two in one, with a space before a number, as Chinese text is set."""
    return f"{left} {right}" if left and right[:1].isdigit() else f"{left}{right}"


def day_times(hours: Sequence[int], minutes: Sequence[int], seconds: Sequence[int]) -> str:
    """Times of a day: each of them where they are few, else hour by hour."""
    if len(seconds) == 1 and len(hours) * len(minutes) <= TIMES_SHOWN:
        second = f":{seconds[0]:02d}" if seconds[0] else ""
        return "、".join(f"{hour:02d}:{minute:02d}{second}" for hour in hours for minute in minutes)
    parts = [
        "" if len(hours) == 24 else _stepped(hours, 24, "小时", "时") or f"{listing(hours)} 时",
        _within(minutes, "分", "每小时"),
        "" if tuple(seconds) == (0,) else _within(seconds, "秒", "每分钟"),
    ]
    return "，".join(filter(None, parts))


def _within(values: Sequence[int], unit: str, each: str) -> str:
    """Minutes of an hour, or seconds of a minute."""
    length = "分钟" if unit == "分" else unit
    if len(values) == 60:
        return f"每{length}"
    return _stepped(values, 60, length, unit) or f"{each}第 {listing(values)} {unit}"


def _stepped(values: Sequence[int], span: int, length: str, unit: str) -> str:
    """``每 5 分钟`` where the values go evenly round the clock, else nothing."""
    step = values[1] - values[0] if len(values) > 1 else 0
    if not step or span % step or len(values) != span // step or any(b - a != step for a, b in pairwise(values)):
        return ""
    return f"每 {step} {length}" if values[0] == 0 else f"从第 {values[0]} {unit}起每 {step} {length}"
