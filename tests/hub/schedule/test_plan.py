"""Fires in a zone and with a calendar."""
from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.schedule.cron import parse
from hub.schedule.plan import Plan

SHANGHAI, NEW_YORK = ZoneInfo("Asia/Shanghai"), ZoneInfo("America/New_York")
# 1 to 4 January 2027: Friday to Monday. 4 January is closed here, to have a row of four.
HOLIDAY = frozenset(date(2027, 1, day) for day in (1, 2, 3, 4))


def fires(plan: Plan, after: datetime, count: int, zone: tzinfo = SHANGHAI) -> list[str]:
    return [each.astimezone(zone).strftime("%m-%d %H:%M") for each in islice(plan.fires(after), count)]


def at(zone: tzinfo, *numbers: int) -> datetime:
    return datetime(*numbers, tzinfo=zone)


def test_the_day_is_that_of_the_zone() -> None:
    plan = Plan(parse("0 1 * * 1"), SHANGHAI)
    assert list(islice(plan.fires(at(UTC, 2026, 11, 24)), 1)) == [at(UTC, 2026, 11, 29, 17)]


def test_a_fire_is_after_the_given_moment_never_at_it() -> None:
    plan = Plan(parse("0 9 * * *"), SHANGHAI)
    nine = at(SHANGHAI, 2026, 11, 24, 9)
    assert fires(plan, nine - timedelta(microseconds=1), 1) == ["11-24 09:00"]
    assert fires(plan, nine, 1) == ["11-25 09:00"]


@pytest.mark.parametrize(("expression", "expected"), [
    ("30 2 * * *", ["03-13 02:30", "03-14 03:00", "03-15 02:30"]),
    ("*/20 2 * * *", ["03-13 02:20", "03-13 02:40", "03-14 03:00", "03-15 02:00"]),
    ("0,30 2,3 * * *", ["03-13 02:30", "03-13 03:00", "03-13 03:30", "03-14 03:00", "03-14 03:30", "03-15 02:00"]),
])  # fmt: skip
def test_a_skipped_time_fires_once_at_the_jump(expression: str, expected: list[str]) -> None:
    after = at(NEW_YORK, 2027, 3, 13, 2, 0)
    assert fires(Plan(parse(expression), NEW_YORK), after, len(expected), NEW_YORK) == expected


def test_a_time_that_comes_twice_fires_the_first_time_only() -> None:
    plan = Plan(parse("30 1 * * *"), NEW_YORK)
    found = list(islice(plan.fires(at(NEW_YORK, 2027, 11, 6, 12)), 2))
    assert found == [at(UTC, 2027, 11, 7, 5, 30), at(UTC, 2027, 11, 8, 6, 30)]


def test_looking_again_after_each_fire_gives_the_same_fires() -> None:
    """As a scheduler does that was started anew: also from within the hour that comes twice."""
    for expression in ("*/10 * * * *", "15,45 1-3 * * *"):
        for start in (at(UTC, 2027, 3, 14, 4), at(UTC, 2027, 11, 7, 3)):
            plan = Plan(parse(expression), NEW_YORK)
            at_once = list(islice(plan.fires(start), 30))
            one_by_one = [start]
            for _ in range(30):
                one_by_one.append(next(plan.fires(one_by_one[-1])))
            assert one_by_one[1:] == at_once
            between = next(plan.fires(at_once[3] + timedelta(seconds=1)))
            assert between == at_once[4]


def test_closed_days_are_skipped() -> None:
    plan = Plan(parse("0 9 * * *"), SHANGHAI, HOLIDAY)
    assert fires(plan, at(SHANGHAI, 2026, 12, 31, 8), 3) == ["12-31 09:00", "01-05 09:00", "01-06 09:00"]


def test_fires_of_closed_days_move_to_the_next_open_day_and_meet_there() -> None:
    plan = Plan(parse("0 9,15 * * 5,1,2"), SHANGHAI, HOLIDAY, "next")  # Fridays, Mondays, Tuesdays
    assert fires(plan, at(SHANGHAI, 2026, 12, 31, 8), 4) == ["01-05 09:00", "01-05 15:00", "01-08 09:00", "01-08 15:00"]
    assert fires(plan, at(SHANGHAI, 2027, 1, 5, 12), 2) == ["01-05 15:00", "01-08 09:00"]
    only_friday = Plan(parse("0 9 * * 5"), SHANGHAI, HOLIDAY, "next")
    for after in (at(SHANGHAI, 2026, 12, 31, 8), at(SHANGHAI, 2027, 1, 3, 8), at(SHANGHAI, 2027, 1, 5, 8)):
        assert fires(only_friday, after, 2) == ["01-05 09:00", "01-08 09:00"]
    assert fires(only_friday, at(SHANGHAI, 2027, 1, 5, 9), 1) == ["01-08 09:00"]


def test_fires_of_closed_days_move_to_the_previous_open_day() -> None:
    plan = Plan(parse("0 9 * * 6"), SHANGHAI, HOLIDAY, "previous")  # Saturdays; 2 January is closed, as is the Friday before it
    assert fires(plan, at(SHANGHAI, 2026, 12, 30, 8), 2) == ["12-31 09:00", "01-09 09:00"]
    assert fires(plan, at(SHANGHAI, 2026, 12, 31, 9), 2) == ["01-09 09:00", "01-16 09:00"]


def test_nothing_fires_beyond_what_the_calendar_knows() -> None:
    plan = Plan(parse("0 9 * * *"), SHANGHAI, HOLIDAY, "next", cover_end=date(2027, 1, 5))
    assert fires(plan, at(SHANGHAI, 2026, 12, 30, 12), 9) == ["12-31 09:00", "01-05 09:00"]


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(["0 9 * * *", "0 9,15 * * 1,5", "30 2 1,15 * *", "0 0 9 LW * ?", "0 0 12 ? * 6#3"]),
    st.sets(st.integers(0, 40)),
    st.sampled_from(["skip", "previous", "next"]),
    st.integers(0, 30 * 24),
)
def test_fires_ascend_fall_on_open_days_and_do_not_depend_on_when_one_looks(
    expression: str, closed: set[int], shift: str, hour: int
) -> None:
    first = at(SHANGHAI, 2027, 2, 20)
    days = frozenset((first + timedelta(days=each)).date() for each in closed)
    plan = Plan(parse(expression), SHANGHAI, days, shift)
    all_of_them = list(islice(plan.fires(first - timedelta(days=60)), 200))
    assert all(one < other for one, other in pairwise(all_of_them))
    assert all(each.astimezone(SHANGHAI).date() not in days for each in all_of_them)
    later = first + timedelta(hours=hour)
    assert list(islice(plan.fires(later), 5)) == [each for each in all_of_them if each > later][:5]
