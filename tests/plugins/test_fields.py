"""The field types: what strict and lenient requests may hold, which code answers what is wrong, and how absent values go out."""
from __future__ import annotations

import base64
import json
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from marshmallow import ValidationError

from plugins import codes
from plugins.fields import Day, Days, Flag, Id, Instant, Items, Json, Level, Moment, Part, Record, Text, Upload, Whole, problem
from plugins.files import FileContent

EMPTY, MISSING, TYPE, TIME, LEVEL = (
    codes.PARAMETER_EMPTY, codes.PARAMETER_MISSING, codes.PARAMETER_TYPE, codes.TIME_FORMAT, codes.LOG_LEVEL,
)


class Pair(Record):
    name = Text("名", required=True)
    number = Whole("数")
    at = Moment("时间")


class Upright(Record):
    number = Whole("数", required=True)
    flag = Flag("布尔")
    numbers = Items(Whole(), "数组")
    pair = Part(Pair, "对")
    remark = Text("备注", or_number=True)
    forgiven = Text("可缺", required=True, forgiving=True)


class Everything(Record):
    text = Text("文本", longest=5)
    choice = Text("选项", choices=("cron", "runOnce"), any_case=True)
    clock = Text("时刻", pattern=r"\d\d:\d\d")
    level = Level("等级")
    moment = Moment("时间")
    day = Day("日期")
    days = Days("日期组", most=400)
    whole = Whole("整数", least=-5, most=2**53 - 1)
    picked = Whole("选择", choices=(0, 1, 2))
    texted = Whole("文本整数", as_text=True)
    thing = Id("标识", kind="robot")
    flag = Flag("布尔")
    ids = Items(Id(kind="robot"), "标识组", most=3)
    pairs = Items(Pair, "对象组")
    part = Part(Pair, "对象")
    options = Json("选项")
    upload = Upload("文件")


class Mandatory(Record):
    text = Text("文本", required=True)
    whole = Whole("整数", required=True)
    flag = Flag("布尔", required=True)
    ids = Items(Id(kind="robot"), "标识组", required=True)
    upload = Upload("文件", required=True)
    forgiven = Whole("可缺省整数", required=True, forgiving=True)
    folder = Text("可缺省文本", required=True, forgiving=True)


COMPLETE = {"text": "a", "whole": 1, "flag": True, "ids": [1], "upload": "YQ==", "forgiven": 1, "folder": "/"}


def read(name: str, value: Any, *, strict: bool = False) -> Any:
    return Everything(strict=strict).load({name: value})[name]


def complaint(record: Record, data: Any) -> dict[str, codes.Code]:
    """The code of the first complaint about each field, however deep."""

    def first(messages: Any) -> codes.Code:
        while not isinstance(messages, str):
            messages = next(iter(messages.values() if isinstance(messages, dict) else messages))
        return messages.code

    with pytest.raises(ValidationError) as caught:
        record.load(data)
    return {name: first(messages) for name, messages in caught.value.messages_dict.items()}


def refusal(name: str, value: Any, *, strict: bool = False) -> codes.Code:
    return complaint(Everything(strict=strict), {name: value})[name]


PRINTED_FORMS = [
    ("text", "文本", "文本"),
    ("choice", "RUNONCE", "runOnce"),
    ("clock", "09:30", "09:30"),
    ("level", "Warn", "warn"),
    ("moment", "2026-01-02 03:04:05", datetime(2026, 1, 1, 19, 4, 5, tzinfo=UTC)),
    ("day", "2026-02-28", date(2026, 2, 28)),
    ("days", ["2026-01-02", "2026-01-01", "2026-01-02"], [date(2026, 1, 1), date(2026, 1, 2)]),
    ("whole", -5, -5),
    ("whole", 2**53 - 1, 2**53 - 1),
    ("picked", 2, 2),
    ("texted", "12", 12),
    ("texted", 12, 12),
    ("thing", 0, 0),
    ("flag", False, False),
    ("ids", [3, 1], [3, 1]),
    ("pairs", [{"name": "a", "number": 1}], [{"name": "a", "number": 1}]),
    ("part", {"name": "a"}, {"name": "a"}),
    ("options", {"any": [1]}, {"any": [1]}),
]

OTHER_FORMS = [
    ("text", 12, "12"),
    ("text", 1.5, "1.5"),
    ("text", True, "true"),
    ("moment", "2026-01-02T03:04:05", datetime(2026, 1, 1, 19, 4, 5, tzinfo=UTC)),
    ("moment", "2026/01/02 03:04:05", datetime(2026, 1, 1, 19, 4, 5, tzinfo=UTC)),
    ("moment", "2026-01-02T03:04:05.678+01:00", datetime(2026, 1, 2, 2, 4, 5, 678000, tzinfo=UTC)),
    ("moment", "2026-01-02T03:04:05Z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
    ("day", "20260228", date(2026, 2, 28)),
    ("day", 20260228, date(2026, 2, 28)),
    ("day", "2026/02/28", date(2026, 2, 28)),
    ("days", '["2026-01-01"]', [date(2026, 1, 1)]),
    ("days", [{"start": "20260130", "end": "2026/02/01"}, "2026-01-31"], [date(2026, 1, 30), date(2026, 1, 31), date(2026, 2, 1)]),
    ("whole", "12", 12),
    ("whole", " +12 ", 12),
    ("whole", "-3", -3),
    ("whole", 12.0, 12),
    ("picked", "1", 1),
    ("thing", "7", 7),
    ("flag", "TRUE", True),
    ("flag", "0", False),
    ("flag", 1, True),
    ("ids", "[1, 2]", [1, 2]),
    ("ids", ["1", 2], [1, 2]),
    ("pairs", '[{"name": 5, "number": "1"}]', [{"name": "5", "number": 1}]),
    ("part", '{"name": "a"}', {"name": "a"}),
    ("options", '{"a": 1}', {"a": 1}),
]

WRONG_IN_BOTH = [
    ("text", {"a": 1}, TYPE),
    ("text", ["a"], TYPE),
    ("text", "123456", TYPE),
    ("text", "a\x00", TYPE),
    ("text", "\ud800", TYPE),
    ("choice", "daily", TYPE),
    ("clock", "9:30", TYPE),
    ("clock", "09:30\n", TYPE),
    ("level", "verbose", LEVEL),
    ("level", {}, TYPE),
    ("moment", "yesterday", TIME),
    ("moment", "2026-13-01 00:00:00", TIME),
    ("moment", "0001-01-01 00:00:00", TIME),
    ("moment", "2" * 41, TIME),
    ("moment", [], TYPE),
    ("day", "2026-02-30", TIME),
    ("day", "2026-2-3", TIME),
    ("day", "２０２６-01-01", TIME),
    ("days", ["2026-01-01", "soon"], TIME),
    ("days", [None], EMPTY),
    ("days", "2026-01-01", TYPE),
    ("whole", "twelve", TYPE),
    ("whole", "1_000", TYPE),
    ("whole", "١٢", TYPE),
    ("whole", 1.5, TYPE),
    ("whole", float("nan"), TYPE),
    ("whole", float("inf"), TYPE),
    ("whole", True, TYPE),
    ("whole", -6, TYPE),
    ("whole", 2**53, TYPE),
    ("whole", "9" * 5000, TYPE),
    ("picked", 3, TYPE),
    ("thing", -1, TYPE),
    ("thing", [1], TYPE),
    ("flag", "yes", TYPE),
    ("flag", 2, TYPE),
    ("flag", [True], TYPE),
    ("ids", 5, TYPE),
    ("ids", {"0": 1}, TYPE),
    ("ids", [1, 2, 3, 4], TYPE),
    ("ids", [1, None], EMPTY),
    ("ids", [1, "x"], TYPE),
    ("pairs", ["a"], TYPE),
    ("pairs", [{"number": 1}], MISSING),
    ("pairs", [{"name": ""}], EMPTY),
    ("pairs", [{"name": "a", "at": "noon"}], TIME),
    ("part", [], TYPE),
    ("part", {"number": 1}, MISSING),
    ("options", [1], TYPE),
    ("upload", 5, TYPE),
    ("upload", "not base64!", TYPE),
    ("upload", {"name": "a.zip"}, TYPE),
    ("upload", {"name": "a.zip", "content": ""}, EMPTY),
]


@pytest.mark.parametrize(("name", "value", "kept"), PRINTED_FORMS)
@pytest.mark.parametrize("strict", [True, False])
def test_the_printed_form_is_taken_in_both_modes(name: str, value: Any, kept: Any, strict: bool) -> None:
    assert read(name, value, strict=strict) == kept


@pytest.mark.parametrize(("name", "value", "kept"), OTHER_FORMS)
def test_lenient_mode_takes_other_lossless_forms(name: str, value: Any, kept: Any) -> None:
    found = read(name, value)
    assert found == kept
    assert type(found) is type(kept)


@pytest.mark.parametrize(("name", "value", "kept"), OTHER_FORMS)
def test_strict_mode_refuses_other_forms(name: str, value: Any, kept: Any) -> None:
    assert refusal(name, value, strict=True) in (TYPE, TIME)


@pytest.mark.parametrize(("name", "value", "code"), WRONG_IN_BOTH)
@pytest.mark.parametrize("strict", [True, False])
def test_a_wrong_value_is_refused_with_its_code(name: str, value: Any, code: codes.Code, strict: bool) -> None:
    assert refusal(name, value, strict=strict) is code


@pytest.mark.parametrize("text", ["[", "[" * 100_000, "nonsense"])
@pytest.mark.parametrize("name", ["ids", "pairs", "part", "options", "days"])
def test_a_text_that_is_no_json_is_refused_where_an_array_or_object_is_due(name: str, text: str) -> None:
    assert refusal(name, text) is TYPE


def test_strict_times_need_all_their_digits() -> None:
    assert refusal("moment", "2026-1-2 3:4:5", strict=True) is TIME


@pytest.mark.parametrize(
    "span",
    [
        {"start": "2026-01-02", "end": "2026-01-01"},
        {"start": "2026-01-01"},
        {"start": "2026-01-01", "end": "2030-01-01"},
        {"start": "2026-01-01", "end": "2026-99-01"},
    ],
)
def test_a_range_of_days_that_is_empty_open_or_endless_is_refused(span: dict[str, str]) -> None:
    assert refusal("days", [span]) in (TIME, TYPE)


def test_many_long_ranges_of_days_stop_at_the_limit() -> None:
    assert refusal("days", [{"start": "2026-01-01", "end": "2026-12-31"}] * 100_000) is TYPE


def test_an_upload_is_read_from_base64_and_keeps_its_name() -> None:
    plain = read("upload", base64.b64encode(b"content").decode())
    named = read("upload", {"name": "流程.zip", "content": " Y29u\ndGVudA== "}, strict=True)
    assert (plain.name, plain.read()) == ("", b"content")
    assert (named.name, named.size, named.read()) == ("流程.zip", 7, b"content")


def test_an_uploaded_part_passes_as_it_is() -> None:
    part = FileContent.of(b"x", "a.zip")
    assert read("upload", part, strict=True) is part


@pytest.mark.parametrize("strict", [True, False])
def test_a_missing_mandatory_parameter_is_10006(strict: bool) -> None:
    found = complaint(Mandatory(strict=strict), {})
    forgiven = {"forgiven", "folder"} if strict else set()
    assert found == dict.fromkeys({"text", "whole", "flag", "ids", "upload"} | forgiven, MISSING)


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("name", ["text", "whole", "flag", "ids", "upload"])
def test_a_mandatory_parameter_that_is_null_is_10005(name: str, strict: bool) -> None:
    assert complaint(Mandatory(strict=strict), {**COMPLETE, name: None}) == {name: EMPTY}


@pytest.mark.parametrize(("name", "value"), [("text", ""), ("text", "  "), ("whole", ""), ("flag", ""), ("ids", []), ("ids", ""), ("upload", "")])
def test_a_mandatory_parameter_that_is_empty_is_10005(name: str, value: Any) -> None:
    assert complaint(Mandatory(), {**COMPLETE, name: value}) == {name: EMPTY}


@pytest.mark.parametrize("value", [None, ""])
@pytest.mark.parametrize("name", ["forgiven", "folder"])
def test_what_is_forgiven_may_be_absent_in_lenient_mode_only(name: str, value: Any) -> None:
    assert name not in Mandatory().load({**COMPLETE, name: value})
    assert complaint(Mandatory(strict=True), {**COMPLETE, name: value})[name] in (EMPTY, TYPE)


@pytest.mark.parametrize("strict", [True, False])
def test_an_optional_parameter_that_is_null_counts_as_absent(strict: bool) -> None:
    assert Everything(strict=strict).load(dict.fromkeys(Everything().fields)) == {}
    assert Everything(strict=strict).load({"pairs": [{"name": "a", "number": None}]}) == {"pairs": [{"name": "a"}]}


def test_an_empty_text_counts_as_absent_in_lenient_mode_unless_a_text_is_printed() -> None:
    assert Everything().load(dict.fromkeys(Everything().fields, "")) == {"text": ""}
    assert Everything().load({"part": {"name": "a", "number": ""}}) == {"part": {"name": "a"}}
    assert refusal("whole", "", strict=True) is TYPE
    assert refusal("moment", "", strict=True) is TIME


def test_unknown_parameters_are_left_out() -> None:
    assert Everything(strict=True).load({"text": "a", "other": 1, "nothing": None}) == {"text": "a"}


def test_a_body_that_is_no_object_is_10007() -> None:
    assert complaint(Everything(), [1]) == {"_schema": TYPE}


def test_records_inside_records_are_read_in_the_same_mode() -> None:
    data = {"pairs": [{"name": "a", "number": "1"}]}
    assert Everything().load(data) == {"pairs": [{"name": "a", "number": 1}]}
    assert complaint(Everything(strict=True), data) == {"pairs": TYPE}
    assert complaint(Everything(strict=True), {"part": {"name": 5}}) == {"part": TYPE}


def test_times_are_read_and_written_in_the_zone_of_the_outer_record() -> None:
    london = ZoneInfo("Europe/London")
    record = Everything(zone=london)
    data = {"moment": "2026-07-01 12:00:00", "part": {"name": "a", "at": "2026-07-01 12:00:00"}}
    loaded = record.load(data)
    assert loaded["moment"] == loaded["part"]["at"] == datetime(2026, 7, 1, 11, tzinfo=UTC)
    written = record.dump(loaded)
    assert (written["moment"], written["part"]["at"]) == ("2026-07-01 12:00:00", "2026-07-01 12:00:00")


def test_a_problem_can_name_the_field_it_belongs_to() -> None:
    assert problem(TYPE, "错", "cronExpression").normalized_messages()["cronExpression"][0].code is TYPE
    assert problem(TYPE, "错").normalized_messages() == {"_schema": ["错"]}


ABSENT = {
    "text": "", "choice": "", "clock": "", "level": "", "moment": "", "day": "", "days": [], "whole": None, "picked": None, "texted": "",
    "thing": None, "flag": None, "ids": [], "pairs": [], "part": {"name": "", "number": None, "at": ""}, "options": {}, "upload": None,
}


@pytest.mark.parametrize("values", [{}, dict.fromkeys(ABSENT)], ids=["absent", "null"])
def test_every_key_goes_out_with_the_absent_value_of_its_type(values: dict[str, None]) -> None:
    assert Everything().dump(values) == ABSENT


@pytest.mark.parametrize(
    ("name", "value", "written"),
    [
        ("text", True, "true"),
        ("text", 5, "5"),
        ("text", {"名": [1]}, '{"名": [1]}'),
        ("level", "WARN", "warn"),
        ("moment", datetime(2026, 1, 1, 19, 4, 5, 999999, tzinfo=UTC), "2026-01-02 03:04:05"),
        ("moment", datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=-8))), "2026-01-01 16:00:00"),
        ("moment", "2026-01-01 00:00:00", "2026-01-01 00:00:00"),
        ("day", date(2026, 1, 2), "2026-01-02"),
        ("days", [date(2026, 1, 2)], ["2026-01-02"]),
        ("whole", "12", 12),
        ("texted", 12, "12"),
        ("flag", "false", False),
        ("flag", 1, True),
        ("flag", "perhaps", None),
        ("ids", ["1", 2], [1, 2]),
    ],
)
def test_values_go_out_as_printed(name: str, value: Any, written: Any) -> None:
    found = Everything().dump({name: value})[name]
    assert found == written
    assert type(found) is type(written)


def test_a_time_without_zone_never_goes_out() -> None:
    with pytest.raises(ValueError, match="moment: a time without a zone"):
        Everything().dump({"moment": datetime(2026, 1, 1)})


def test_an_instant_shows_the_same_time_with_milliseconds_and_offset() -> None:
    class Line(Record):
        at = Moment("时间")
        atExactly = Instant("精确时间", attribute="at", dump_only=True)

    assert Line().dump({"at": datetime(2026, 1, 1, 19, 4, 5, 678999, tzinfo=UTC)}) == {
        "at": "2026-01-02 03:04:05", "atExactly": "2026-01-02T03:04:05.678+08:00",
    }


def test_what_goes_out_comes_in_again_unchanged() -> None:
    pair = {"name": "a", "number": 1, "at": datetime(2026, 1, 1, tzinfo=UTC)}
    kept = {name: value for name, _, value in PRINTED_FORMS} | {"pairs": [pair], "part": pair}
    wire = json.loads(json.dumps(Everything().dump(kept)))
    assert Everything(strict=True).load(wire) == kept


def test_own_fields_come_before_inherited_ones() -> None:
    class Base(Record):
        last = Text("后")
        shared = Text("旧")

    class Own(Base):
        first = Text("前")
        shared = Text("新")

    assert list(Own().fields) == ["first", "shared", "last"]
    assert Own().fields["shared"].metadata["description"] == "新"


def test_a_form_tells_all_values_as_texts_and_is_read_so_in_strict_mode() -> None:
    form = {"number": "12", "flag": "true", "numbers": "[1, 2]", "pair": '{"name": "a", "number": "3"}', "forgiven": "x"}
    assert Upright(strict=True, form=True).load(form) == {
        "number": 12, "flag": True, "numbers": [1, 2], "pair": {"name": "a", "number": 3}, "forgiven": "x",
    }
    with pytest.raises(ValidationError):
        Upright(strict=True).load(form)
    with pytest.raises(ValidationError) as error:
        Upright(strict=True, form=True).load({"number": "12"})
    assert error.value.normalized_messages()["forgiven"][0].code is MISSING


@pytest.mark.parametrize("strict", [True, False])
def test_a_text_that_is_printed_as_int_is_read_from_a_whole_number_too(strict: bool) -> None:
    load = Upright(strict=strict, partial=True).load
    assert load({"remark": 12})["remark"] == load({"remark": "12"})["remark"] == "12"
    for wrong in ([1], {"a": 1}, *([True, 1.5] if strict else [])):
        with pytest.raises(ValidationError):
            load({"remark": wrong})


@pytest.mark.parametrize("character", ["\x1b", "\x07", "\x7f", "\x85"])
def test_control_characters_are_refused_in_every_text(character: str) -> None:
    for longest in (255, 1024):
        with pytest.raises(ValidationError):
            Record.from_dict({"text": Text("文本", longest=longest)})().load({"text": f"a{character}b"})


@pytest.mark.parametrize("character", ["\n", "\r", "\t", "\u2028"])
def test_a_long_text_may_have_lines_and_a_short_one_is_one_line(character: str) -> None:
    text = f"a{character}b"
    assert Record.from_dict({"text": Text("文本", longest=1024)})().load({"text": text}) == {"text": text}
    with pytest.raises(ValidationError):
        Record.from_dict({"text": Text("文本", longest=255)})().load({"text": text})
