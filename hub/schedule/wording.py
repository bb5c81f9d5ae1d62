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
        return "、".join(_clock(hour, minute, seconds[0]) for hour in hours for minute in minutes)
    step = _step(hours, 24)
    if step > 1 and len(minutes) == len(seconds) == 1:
        return f"从 {_clock(hours[0], minutes[0], seconds[0])} 起每 {step} 小时"
    parts = [
        "" if len(hours) == 24 else f"{listing(hours)} 时",
        _within(minutes, "分", "每小时"),
        "" if tuple(seconds) == (0,) else _within(seconds, "秒", "每分钟"),
    ]
    return "，".join(filter(None, parts))


def _clock(hour: int, minute: int, second: int) -> str:
    return f"{hour:02d}:{minute:02d}:{second:02d}" if second else f"{hour:02d}:{minute:02d}"


def _within(values: Sequence[int], unit: str, each: str) -> str:
    """Minutes of an hour, or seconds of a minute."""
    length = "分钟" if unit == "分" else unit
    step = _step(values, 60)
    if step == 1:
        return f"每{length}"
    if step:
        return f"每 {step} {length}" if values[0] == 0 else f"从第 {values[0]} {unit}起每 {step} {length}"
    return f"{each}第 {listing(values)} {unit}"


def _step(values: Sequence[int], span: int) -> int:
    """The step of values that go evenly round the clock, or 0."""
    step = values[1] - values[0] if len(values) > 1 else 0
    even = step > 0 and len(values) * step == span and all(b - a == step for a, b in pairwise(values))
    return step if even else 0
