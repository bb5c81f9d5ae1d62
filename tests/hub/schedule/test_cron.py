"""Cron expressions: what they mean, said by known answers, by a second reading, and by what is refused."""
from __future__ import annotations

from datetime import UTC, date, datetime, time
from itertools import islice

import pytest
from croniter import croniter
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.schedule.cron import parse
from hub.schedule.plan import Plan
from plugins import codes
from plugins.errors import InvalidInput

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)  # a Tuesday


def fires(expression: str, count: int, after: datetime = START) -> list[str]:
    return [each.strftime("%Y-%m-%d %H:%M:%S") for each in islice(Plan(parse(expression), UTC).fires(after), count)]


# The examples of Quartz's own tutorial of its cron trigger, with what it says that they mean, worked out on a printed calendar.
QUARTZ = [
    ("0 0 12 * * ?", ["2026-11-25 12:00:00", "2026-11-26 12:00:00"]),
    ("0 15 10 ? * *", ["2026-11-25 10:15:00", "2026-11-26 10:15:00"]),
    ("0 15 10 * * ? 2027", ["2027-01-01 10:15:00", "2027-01-02 10:15:00"]),
    ("0 * 14 * * ?", ["2026-11-24 14:00:00", "2026-11-24 14:01:00"]),
    ("0 0/5 14 * * ?", ["2026-11-24 14:00:00", "2026-11-24 14:05:00"]),
    ("0 0/25 14,18 * * ?", ["2026-11-24 14:00:00", "2026-11-24 14:25:00", "2026-11-24 14:50:00", "2026-11-24 18:00:00"]),
    ("0 0-2 14 * * ?", ["2026-11-24 14:00:00", "2026-11-24 14:01:00", "2026-11-24 14:02:00", "2026-11-25 14:00:00"]),
    ("0 10,44 14 ? 3 WED", ["2027-03-03 14:10:00", "2027-03-03 14:44:00", "2027-03-10 14:10:00"]),
    ("0 15 10 ? * MON-FRI", ["2026-11-25 10:15:00", "2026-11-26 10:15:00", "2026-11-27 10:15:00", "2026-11-30 10:15:00"]),
    ("0 15 10 15 * ?", ["2026-12-15 10:15:00", "2027-01-15 10:15:00"]),
    ("0 15 10 L * ?", ["2026-11-30 10:15:00", "2026-12-31 10:15:00", "2027-01-31 10:15:00", "2027-02-28 10:15:00"]),
    ("0 15 10 L-2 * ?", ["2026-11-28 10:15:00", "2026-12-29 10:15:00", "2027-01-29 10:15:00", "2027-02-26 10:15:00"]),
    ("0 15 10 ? * 6L", ["2026-11-27 10:15:00", "2026-12-25 10:15:00", "2027-01-29 10:15:00"]),
    ("0 15 10 ? * 6L 2027-2029", ["2027-01-29 10:15:00", "2027-02-26 10:15:00"]),
    ("0 15 10 ? * 6#3", ["2026-12-18 10:15:00", "2027-01-15 10:15:00"]),
    ("0 0 12 1/5 * ?", ["2026-11-26 12:00:00", "2026-12-01 12:00:00", "2026-12-06 12:00:00"]),
    ("0 11 11 11 11 ?", ["2027-11-11 11:11:00", "2028-11-11 11:11:00"]),
    # The first Monday of the month: 1 is Sunday, so 2 is Monday.
    ("0 0 9 ? * 2#1", ["2026-12-07 09:00:00", "2027-01-04 09:00:00", "2027-02-01 09:00:00"]),
    ("0 0 9 ? * MON#1", ["2026-12-07 09:00:00", "2027-01-04 09:00:00"]),
    ("0 0 9 ? * 1", ["2026-11-29 09:00:00", "2026-12-06 09:00:00"]),
    ("0 0 9 * * 1", ["2026-11-29 09:00:00", "2026-12-06 09:00:00"]),
    ("0 0 9 ? * 7", ["2026-11-28 09:00:00", "2026-12-05 09:00:00"]),
    ("0 0 9 ? * L", ["2026-11-28 09:00:00", "2026-12-05 09:00:00"]),
    ("0 0 9 ? * FRIL", ["2026-11-27 09:00:00", "2026-12-25 09:00:00"]),
    # A fifth Monday exists in some months only; the others are passed over.
    ("0 0 9 ? * 2#5", ["2026-11-30 09:00:00", "2027-03-29 09:00:00", "2027-05-31 09:00:00"]),
    # The last weekday: January 2027 ends on a Sunday, February on a Sunday, October on a Sunday.
    ("0 0 12 LW * ?", ["2026-11-30 12:00:00", "2026-12-31 12:00:00", "2027-01-29 12:00:00", "2027-02-26 12:00:00"]),
    # 15 May 2027 is a Saturday, 15 August 2027 a Sunday.
    ("0 0 9 15W 5,8 ? 2027", ["2027-05-14 09:00:00", "2027-08-16 09:00:00"]),
    # 1 May 2027 is a Saturday and 1 August 2027 a Sunday: the nearest weekday stays in the month.
    ("0 0 9 1W 5,8 ? 2027", ["2027-05-03 09:00:00", "2027-08-02 09:00:00"]),
    ("0 0 9 31W * ? 2027", ["2027-01-29 09:00:00", "2027-03-31 09:00:00", "2027-05-31 09:00:00", "2027-07-30 09:00:00"]),
    # Three days before the end of March 2027 is Sunday the 28th.
    ("0 0 9 L-3W 3 ? 2027", ["2027-03-29 09:00:00"]),
    ("0 0 9 ? * FRI-MON", ["2026-11-27 09:00:00", "2026-11-28 09:00:00", "2026-11-29 09:00:00", "2026-11-30 09:00:00", "2026-12-04 09:00:00"]),
    ("0 0 22-2 * * ?", ["2026-11-24 22:00:00", "2026-11-24 23:00:00", "2026-11-25 00:00:00"]),
    ("0 0 9 1 NOV-FEB ?", ["2026-12-01 09:00:00", "2027-01-01 09:00:00", "2027-02-01 09:00:00", "2027-11-01 09:00:00"]),
    ("/20 0 13 * * ?", ["2026-11-24 13:00:00", "2026-11-24 13:00:20", "2026-11-24 13:00:40", "2026-11-25 13:00:00"]),
    ("0 0 0 29 2 ?", ["2028-02-29 00:00:00", "2032-02-29 00:00:00"]),
    ("0 0 9 ? * wed", ["2026-11-25 09:00:00", "2026-12-02 09:00:00"]),
]


@pytest.mark.parametrize(("expression", "expected"), QUARTZ, ids=[each[0] for each in QUARTZ])
def test_quartz_expressions_fire_as_quartz_documents_them(expression: str, expected: list[str]) -> None:
    assert fires(expression, len(expected)) == expected


UNIX = [
    ("0 9 * * 1-5", ["2026-11-25 09:00:00", "2026-11-26 09:00:00", "2026-11-27 09:00:00", "2026-11-30 09:00:00"]),
    ("0 9 * * 1", ["2026-11-30 09:00:00", "2026-12-07 09:00:00"]),
    ("0 9 * * 0", ["2026-11-29 09:00:00", "2026-12-06 09:00:00"]),
    ("0 9 * * 7", ["2026-11-29 09:00:00", "2026-12-06 09:00:00"]),
    ("0 9 * * 5-7", ["2026-11-27 09:00:00", "2026-11-28 09:00:00", "2026-11-29 09:00:00", "2026-12-04 09:00:00"]),
    ("0 9 * * 7-2", ["2026-11-29 09:00:00", "2026-11-30 09:00:00", "2026-12-01 09:00:00", "2026-12-06 09:00:00"]),
    ("0 9 * * SUN,wed", ["2026-11-25 09:00:00", "2026-11-29 09:00:00", "2026-12-02 09:00:00"]),
    ("*/20 12 * * *", ["2026-11-24 12:20:00", "2026-11-24 12:40:00", "2026-11-25 12:00:00"]),
    # Both days given: either will do. 13 December 2026 is a Sunday.
    ("0 0 13 * 5", ["2026-11-27 00:00:00", "2026-12-04 00:00:00", "2026-12-11 00:00:00", "2026-12-13 00:00:00", "2026-12-18 00:00:00"]),
    ("30 8 31 * *", ["2026-12-31 08:30:00", "2027-01-31 08:30:00", "2027-03-31 08:30:00"]),
    ("5-5 9 * * *", ["2026-11-25 09:05:00", "2026-11-26 09:05:00"]),
    ("0 0 29 FEB *", ["2028-02-29 00:00:00", "2032-02-29 00:00:00"]),
]


@pytest.mark.parametrize(("expression", "expected"), UNIX, ids=[each[0] for each in UNIX])
def test_five_fields_are_unix_cron(expression: str, expected: list[str]) -> None:
    assert fires(expression, len(expected)) == expected


@st.composite
def fields(draw: st.DrawFn, least: int, most: int) -> str:
    """One field as people write it: a star, a value, a list, a range, a step."""
    value = st.integers(least, most)
    kind = draw(st.sampled_from(["*", "value", "list", "range", "step", "stepped range"]))
    if kind == "*":
        return "*"
    if kind == "value":
        return str(draw(value))
    if kind == "list":
        return ",".join(map(str, draw(st.lists(value, min_size=2, max_size=4))))
    low = draw(st.integers(least, most - 1))
    high = draw(st.integers(low + 1, most))  # croniter reads 0-0 as a range round the clock
    step = draw(st.integers(1, max(1, (most - least) // 2)))
    return {"range": f"{low}-{high}", "step": f"*/{step}", "stepped range": f"{low}-{high}/{step}"}[kind]


days = st.tuples(fields(1, 31), st.just("*")) | st.tuples(st.just("*"), fields(0, 6)) | st.tuples(st.integers(1, 28).map(str), st.integers(0, 6).map(str))


@settings(max_examples=150, deadline=None)
@given(fields(0, 59), fields(0, 23), days, fields(1, 12), st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1)))
def test_five_fields_fire_when_croniter_says(minute: str, hour: str, day: tuple[str, str], month: str, start: datetime) -> None:
    expression = f"{minute} {hour} {day[0]} {month} {day[1]}"
    start = start.replace(microsecond=0)
    try:
        other = croniter(expression, start)
        expected = [other.get_next(datetime).strftime("%Y-%m-%d %H:%M:%S") for _ in range(5)]
    except ValueError:  # there is no such day
        expected = []
    assert fires(expression, 5, start.replace(tzinfo=UTC)) == expected, expression


@settings(max_examples=150, deadline=None)
@given(fields(0, 59), fields(0, 23), fields(1, 31) | st.none(), fields(1, 12), st.lists(st.integers(0, 6), min_size=1, max_size=4))
def test_the_two_dialects_agree_where_they_say_the_same(minute: str, hour: str, day: str | None, month: str, weekdays: list[int]) -> None:
    unix_weekdays = ",".join(map(str, weekdays)) if day is None else "*"
    quartz_weekdays = ",".join(str(each + 1) for each in weekdays) if day is None else "?"
    unix, quartz = f"{minute} {hour} {day or '*'} {month} {unix_weekdays}", f"0 {minute} {hour} {day or '?'} {month} {quartz_weekdays}"
    assert fires(unix, 4) == fires(quartz, 4)


REFUSED = [
    ("", "0 个字段"),
    ("@daily", "1 个字段"),
    ("0 9 * *", "4 个字段"),
    ("0 0 0 9 * * ? 2027", "8 个字段"),
    ("60 9 * * *", "第 1 个字段（分）中的“60”不正确：取值应为 0 至 59"),
    ("0 24 * * *", "第 2 个字段（时）"),
    ("0 9 0 * *", "第 3 个字段（日）中的“0”"),
    ("0 9 32 * *", "第 3 个字段（日）"),
    ("0 9 * 13 *", "第 4 个字段（月）中的“13”不正确：取值应为 1 至 12 或 JAN 至 DEC"),
    ("0 9 * * 8", "第 5 个字段（星期）中的“8”不正确：取值应为 0 至 7"),
    ("0 9 * * MONDAY", "第 5 个字段（星期）"),
    ("0 9 ? * 1", "第 3 个字段（日）中的“?”不正确：5 个字段的 Unix 写法不支持 ?"),
    ("0 9 L * *", "不支持 L"),
    ("0 9 * * 5#2", "不支持 #"),
    ("0 9 15W * *", "不支持 W"),
    ("*/0 * * * *", "步长应为 1 至 59"),
    ("0/ * * * *", "步长"),
    ("*/60 * * * *", "步长"),
    ("1,,2 * * * *", "缺少取值"),
    ("-5 * * * *", "缺少取值"),
    ("1-2-3 * * * *", "第 1 个字段（分）"),
    ("１ * * * *", "第 1 个字段（分）"),
    ("1.5 * * * *", "第 1 个字段（分）"),
    ("0 9 */2 * 1", "同时限定时含义不明确"),
    ("0 9 13 * */2", "同时限定时含义不明确"),
    ("0 9 1-31 * 1", "同时限定时含义不明确"),
    ("60 0 9 * * ?", "第 1 个字段（秒）"),
    ("0 0 9 ? * 0", "第 6 个字段（星期）中的“0”不正确：取值应为 1 至 7 或 SUN 至 SAT（6 或 7 个字段为 Quartz 写法，1 表示星期日）"),
    ("0 0 9 ? * 8", "第 6 个字段（星期）"),
    ("0 0 9 ? * ?", "不能同时为 ?"),
    ("0 0 9 15 * 2", "不能同时限定"),
    ("0 ? 9 * * *", "第 2 个字段（分）中的“?”不正确：? 不能用在这里"),
    ("0 0 9 ?,1 * *", "第 4 个字段（日）"),
    ("0 0 9 1,L * ?", "第 4 个字段（日）中的“1,L”不正确：L、W 只能单独使用"),
    ("0 0 9 L-31 * ?", "L 之后最多减 30 天"),
    ("0 0 9 32W * ?", "第 4 个字段（日）"),
    ("0 0 9 1-5W * ?", "L、W 只能单独使用"),
    ("0 0 9 ? * 2#6", "# 之后应为 1 至 5"),
    ("0 0 9 ? * 2#0", "# 之后应为 1 至 5"),
    ("0 0 9 ? * 8#1", "第 6 个字段（星期）"),
    ("0 0 9 ? * 3#1,6#3", "L、# 只能单独使用"),
    ("0 0 9 ? * 9L", "第 6 个字段（星期）"),
    ("0 0 9 ? * 2W", "第 6 个字段（星期）"),
    ("0 0 9 ? L *", "第 5 个字段（月）中的“L”不正确：L 不能用在这里"),
    ("0 0 9 1 1 ? 1969", "第 7 个字段（年）"),
    ("0 0 9 1 1 ? 2100", "第 7 个字段（年）"),
    ("0 0 9 1 1 ? 2030-2026", "第 7 个字段（年）中的“2030-2026”不正确：范围的起始值不能大于结束值"),
]


@pytest.mark.parametrize(("expression", "told"), REFUSED, ids=[repr(each[0]) for each in REFUSED])
def test_a_wrong_expression_is_refused_with_its_field_and_the_reason(expression: str, told: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse(expression)
    assert refused.value.code is codes.PARAMETER_TYPE
    assert told in refused.value.reason


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="0123456789*/,-?LW#ADEFIJMNORSTU \t１\u3000x", max_size=40))
def test_any_text_is_read_or_refused(expression: str) -> None:
    try:
        cron = parse(expression)
    except InvalidInput:
        return
    assert cron.description
    assert list(cron.times())


@pytest.mark.parametrize("expression", ["0 0 31 2 *", "0 0 0 31 2 ?", "0 0 0 30 FEB ?", "0 0 9 1 1 ? 2020", "0 0 0 29 2 ? 2027", "0 0 0 L-30 2 ?"])
def test_what_never_comes_ends_at_once(expression: str) -> None:
    assert fires(expression, 1) == []


DESCRIBED = [
    ("0 9 * * 1-5", "每周一至周五 09:00"),
    ("*/5 * * * *", "每天 每 5 分钟"),
    ("* * * * *", "每天 每分钟"),
    ("0 */2 * * *", "每天 从 00:00 起每 2 小时"),
    ("30 9-17 * * 1,3", "每周一、周三 9 至 17 时，每小时第 30 分"),
    ("0 0 13 * 5", "每月 13 日，以及每周五 00:00"),
    ("0 9 1,15 1-3 *", "每年 1 至 3 月的 1、15 日 09:00"),
    ("0 0 9 * * 1", "每周日 09:00"),
    ("15 0 9 ? * 2#1", "每月第 1 个星期一 09:00:15"),
    ("0 15 10 L-2 * ?", "每月倒数第 3 天 10:15"),
    ("0 15 10 L * ?", "每月最后一天 10:15"),
    ("0 0 12 LW * ?", "每月最后一个工作日（周一至周五） 12:00"),
    ("0 0 12 15W * ?", "每月离 15 日最近的工作日（周一至周五） 12:00"),
    ("0 15 10 ? * 6L 2026-2030", "2026 至 2030 年每月最后一个星期五 10:15"),
    ("0 11 11 11 11 ?", "每年 11 月 11 日 11:11"),
    ("0 0 9 1 1 ? 2027", "2027 年 1 月 1 日 09:00"),
    ("0 0 9 * 3 ?", "每年 3 月的每天 09:00"),
    ("0/10 0/5 14,18 * * ?", "每天 14、18 时，每 5 分钟，每 10 秒"),
    ("0 3/15 * * * ?", "每天 从第 3 分起每 15 分钟"),
]


@pytest.mark.parametrize(("expression", "expected"), DESCRIBED, ids=[each[0] for each in DESCRIBED])
def test_an_expression_is_said_in_plain_chinese(expression: str, expected: str) -> None:
    assert parse(expression).description == expected


def test_times_begin_at_or_before_the_start_of_the_same_hour() -> None:
    found = list(parse("*/30 * * * *").times(time(22, 45)))
    assert found == [time(22, 0), time(22, 30), time(23, 0), time(23, 30)]


def test_days_begin_with_the_start_itself() -> None:
    for expression in ("0 9 24 * *", "0 0 9 24 * ?"):
        assert next(parse(expression).days.since(date(2026, 11, 24))) == date(2026, 11, 24)
