"""Calendars: their days in all forms, what is refused, and that a used one stays."""
from __future__ import annotations

from typing import Any

import pytest

from tests.hub.conftest import Api

TRADING = [{"name": "上午", "startTime": "09:30", "endTime": "11:30"}, {"name": "下午", "startTime": "13:00", "endTime": "15:00"}]


def test_days_come_back_sorted_each_once_as_printed(api: Api) -> None:
    given = ["2027/02/08", "20270206", "2027-01-01", {"start": "2027-02-05", "end": "20270207"}, "2027-01-01"]
    calendar_id = api("calendar_create", calendarName="A 股", nonWorkingDays=given)["calendarId"]
    shown = api("calendar_query", calendarId=calendar_id)
    assert shown["nonWorkingDays"] == ["2027-01-01", "2027-02-05", "2027-02-06", "2027-02-07", "2027-02-08"]
    assert shown["isDeleted"] is False
    assert (shown["calendarId"], shown["calendarName"]) == (calendar_id, "A 股")
    assert shown["specialDays"] == shown["sessions"] == []
    assert shown["market"] == shown["coverStart"] == shown["coverEnd"] == ""


def test_market_coverage_and_sessions_are_kept(api: Api) -> None:
    given: dict[str, Any] = {
        "calendarName": "上期所", "nonWorkingDays": ["2027-01-01"], "market": "SHFE", "coverStart": "2027-01-01", "coverEnd": "2027-12-31",
        "sessions": [*TRADING, {"name": "夜盘", "startTime": "21:00", "endTime": "02:30"}],
        "specialDays": [
            {"day": "2027-02-05", "remark": "半日", "sessions": TRADING[:1]},
            {"day": "2027-01-04", "remark": "无夜盘", "sessions": TRADING},
        ],
    }  # fmt: skip
    shown = api("calendar_query", calendarId=api("calendar_create", **given)["calendarId"])
    expected = given | {"specialDays": given["specialDays"][::-1]}
    assert {name: shown[name] for name in given} == expected


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"nonWorkingDays": ["2027-02-30"]}, "10301"),
    ({"nonWorkingDays": ["tomorrow"]}, "10301"),
    ({"nonWorkingDays": [{"start": "2027-02-02", "end": "2027-02-01"}]}, "10301"),
    ({"nonWorkingDays": [{"start": "2027-02-02"}]}, "10007"),
    ({"nonWorkingDays": "x"}, "10007"),
    ({"coverStart": "2027-02-02", "coverEnd": "2027-02-01"}, "10007"),
    ({"sessions": [{"startTime": "24:00", "endTime": "25:00"}]}, "10007"),
    ({"sessions": [{"startTime": "09:30"}]}, "10006"),
    ({"sessions": [{"startTime": "09:30", "endTime": "09:30"}]}, "10007"),
    ({"sessions": [*TRADING, {"startTime": "11:00", "endTime": "12:00"}]}, "10007"),
    ({"sessions": [*TRADING, {"startTime": "21:00", "endTime": "10:00"}]}, "10007"),
    ({"specialDays": [{"day": "2027-02-05"}, {"day": "2027-02-05"}]}, "10007"),
    ({"specialDays": [{"remark": "no day"}]}, "10006"),
    ({"specialDays": [{"day": "2027-01-01", "sessions": TRADING}]}, "10007"),
    ({"specialDays": [{"day": "2027-02-05", "sessions": [{"startTime": "10:00", "endTime": "10:00"}]}]}, "10007"),
    ({"calendarName": "x" * 129}, "10007"),
]


@pytest.mark.parametrize(("params", "code"), WRONG)
def test_a_wrong_calendar_is_refused_when_created_and_when_changed(api: Api, params: dict[str, Any], code: str) -> None:
    good = {"calendarName": "好", "nonWorkingDays": ["2027-01-01"]}
    calendar_id = api("calendar_create", **good)["calendarId"]
    before = api("calendar_query", calendarId=calendar_id)
    assert api.code("calendar_create", **({**good, "calendarName": "坏"} | params)) == code
    assert api.code("calendar_update", calendarId=calendar_id, market="X", **params) == code
    assert api("calendar_query", calendarId=calendar_id) == before
    assert api("calendar_list")["total"] == 1


def test_a_calendar_without_days_is_refused(api: Api) -> None:
    assert api.code("calendar_create", calendarName="空", nonWorkingDays=[]) == "10005"
    assert api.code("calendar_create", calendarName="空") == "10006"


def test_an_update_changes_what_was_sent(api: Api) -> None:
    calendar_id = api("calendar_create", calendarName="旧", nonWorkingDays=["2027-01-01"], market="SSE", sessions=TRADING)["calendarId"]
    api("calendar_update", calendarId=calendar_id, nonWorkingDays=["2027-10-02", "2027-10-01"])
    shown = api("calendar_query", calendarId=calendar_id)
    assert (shown["nonWorkingDays"], shown["market"], shown["sessions"]) == (["2027-10-01", "2027-10-02"], "SSE", TRADING)
    api("calendar_update", calendarId=calendar_id, calendarName="新")
    assert api("calendar_query", calendarId=calendar_id)["nonWorkingDays"] == ["2027-10-01", "2027-10-02"]
    assert api.code("calendar_update", calendarId=calendar_id, calendarName="") == "10005"
    assert api.code("calendar_update", calendarId=999, calendarName="x") == "10501"


def test_names_are_unique_and_free_again_after_deletion(api: Api) -> None:
    first = api("calendar_create", calendarName="同", nonWorkingDays=["2027-01-01"])["calendarId"]
    second = api("calendar_create", calendarName="异", nonWorkingDays=["2027-01-01"])["calendarId"]
    assert api.code("calendar_create", calendarName="同", nonWorkingDays=["2027-01-01"]) == "10502"
    assert api.code("calendar_update", calendarId=second, calendarName="同") == "10502"
    api("calendar_delete", calendarId=first)
    assert api.code("calendar_update", calendarId=second, calendarName="同") == "00000"


def test_a_deleted_calendar_is_shown_but_neither_listed_nor_changed(api: Api) -> None:
    calendar_id = api("calendar_create", calendarName="去", nonWorkingDays=["2027-01-01"])["calendarId"]
    api("calendar_delete", calendarId=calendar_id)
    assert api("calendar_query", calendarId=calendar_id)["isDeleted"] is True
    assert api("calendar_list")["calendars"] == []
    listed = api("calendar_list", includeDeleted=True)["calendars"]
    assert listed == [{"calendarId": calendar_id, "calendarName": "去", "isDeleted": True}]
    assert api.code("calendar_update", calendarId=calendar_id, market="x") == "10501"
    assert api.code("calendar_delete", calendarId=calendar_id) == "10501"


def test_a_calendar_that_an_active_trigger_keeps_is_not_deleted(api: Api) -> None:
    home = api("department_create", depName="分部", parentId=1)["depId"]
    calendar_id = api("calendar_create", calendarName="在用", nonWorkingDays=["2027-01-01"])["calendarId"]
    process_id = api("process_create", processName="p", depId=1, robotGroupId=1, isRecord=False)["processId"]
    trigger_id = api(
        "trigger_create", triggerName="早盘", depId=1, processId=process_id, assignType=1, isRecord=False, cronExpression="0 9 * * *",
        isDefineCalendar=True, calendarId=calendar_id,
    )["triggerId"]  # fmt: skip
    refused = api.answer("calendar_delete", calendarId=calendar_id)
    assert refused.code.value == "10503"
    assert "有 1 个启用的调度正在使用：早盘" in refused.message
    stranger = api.within(home).answer("calendar_delete", calendarId=calendar_id)
    assert stranger.code.value == "10503"
    assert "早盘" not in stranger.message
    api("trigger_update", triggerId=trigger_id, isActivated=False)
    assert api.code("calendar_delete", calendarId=calendar_id) == "00000"


def test_every_department_reads_the_calendars_of_the_platform(api: Api) -> None:
    home = api("department_create", depName="分部", parentId=1)["depId"]
    calendar_id = api("calendar_create", calendarName="公共", nonWorkingDays=["2027-01-01"], market="SSE")["calendarId"]
    reader = api.within(home)
    assert reader("calendar_query", calendarId=calendar_id)["nonWorkingDays"] == ["2027-01-01"]
    assert reader("calendar_list", keyword="sse")["total"] == 1
