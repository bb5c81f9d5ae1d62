"""The fields of a cron expression: which values each may hold, and how a text becomes values."""
from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from plugins.errors import InvalidInput

MONTH_NAMES = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKDAY_NAMES = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
FIRST_YEAR, LAST_YEAR = 1970, 2099


@dataclass(frozen=True)
class Field:
    """One field: the dialect it belongs to, its place (counted from 1), its title, its values and, from ``least`` on, their names.

    ``most_written`` is one more than ``most`` where cron lets 7 stand for Sunday as 0 does.
    """

    dialect: str
    place: int
    title: str
    least: int
    most: int
    names: tuple[str, ...] = ()
    most_written: int = 0
    wraps: bool = True
    hint: str = ""

    def values(self, text: str) -> tuple[int, ...]:
        """The values that a text of lists, ranges and steps stands for, in ascending order. Raises InvalidInput."""
        found: set[int] = set()
        for part in text.split(","):
            found.update(self._part(part))
        return tuple(sorted(found))

    def is_all(self, values: Sequence[int]) -> bool:
        """Whether the values are all that the field may hold."""
        return len(values) == self.most - self.least + 1

    def _part(self, part: str) -> Sequence[int]:
        body, slash, step_text = part.partition("/")
        if body == "*":
            low, high = self.least, self.most
        elif "-" in body:
            low, high = (self.number(each, part) for each in body.split("-", 1))
        else:
            low = self.number(body, part)
            high = self.most if slash else low
        step = self._step(step_text, part) if slash else 1
        if low > self.most:
            low, high = self.least, self.least if high > self.most else high
        if low > high and not self.wraps:
            raise self.wrong(part, "范围的起始值不能大于结束值")
        span = range(low, high + 1) if low <= high else (*range(low, self.most + 1), *range(self.least, high + 1))
        return [self.least if value > self.most else value for value in span[::step]]

    def number(self, text: str, part: str) -> int:
        """One value, as a number or a name. Raises InvalidInput, which shows the whole ``part``."""
        if text in self.names:
            return self.names.index(text) + self.least
        most = max(self.most, self.most_written)
        if not text:
            raise self.wrong(part, "缺少取值")
        if not re.fullmatch(r"\d{1,4}", text, re.ASCII):
            raise self.wrong(part, f"{self._strange(text)}取值应为 {self._range(most)}")
        if not self.least <= int(text) <= most:
            raise self.wrong(part, f"取值应为 {self._range(most)}")
        return int(text)

    def wrong(self, part: str, why: str) -> InvalidInput:
        """The error of a part of this field."""
        return InvalidInput(f"cronExpression 第 {self.place} 个字段（{self.title}）中的“{part}”不正确：{why}")

    def _step(self, text: str, part: str) -> int:
        most = self.most - self.least
        if not re.fullmatch(r"\d{1,4}", text, re.ASCII) or not 1 <= int(text) <= most:
            raise self.wrong(part, f"步长应为 1 至 {most} 的整数")
        return int(text)

    def _range(self, most: int) -> str:
        names = f" 或 {self.names[0]} 至 {self.names[-1]}" if self.names else ""
        return f"{self.least} 至 {most}{names}{self.hint}"

    def _strange(self, text: str) -> str:
        marks = "、".join(mark for mark in "?LW#" if mark in text)
        if not marks:
            return ""
        if self.dialect == "unix":
            return f"5 个字段的 Unix 写法不支持 {marks}，请改用 6 个字段的 Quartz 写法（秒 分 时 日 月 周）；"
        return f"{marks} 不能用在这里；"


UNIX = (
    Field("unix", 1, "分", 0, 59),
    Field("unix", 2, "时", 0, 23),
    Field("unix", 3, "日", 1, 31),
    Field("unix", 4, "月", 1, 12, MONTH_NAMES),
    Field("unix", 5, "星期", 0, 6, WEEKDAY_NAMES, most_written=7, hint="（0 和 7 表示星期日）"),
)
QUARTZ = (
    Field("quartz", 1, "秒", 0, 59),
    Field("quartz", 2, "分", 0, 59),
    Field("quartz", 3, "时", 0, 23),
    Field("quartz", 4, "日", 1, 31),
    Field("quartz", 5, "月", 1, 12, MONTH_NAMES),
    Field("quartz", 6, "星期", 1, 7, WEEKDAY_NAMES, hint="（6 或 7 个字段为 Quartz 写法，1 表示星期日）"),
    Field("quartz", 7, "年", FIRST_YEAR, LAST_YEAR, wraps=False),
)
