"""Vendor words become the standard's, and what is not known never breaks anything."""
from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from plugins import Conflict, InvalidInput, NotFound, NotSupported, Unreachable, VendorError, VendorTimeout, codes
from plugins.codes import Code
from plugins.normalise import (
    ErrorTable,
    RobotState,
    StateTable,
    TaskState,
    VendorTime,
    has_ended,
    log_levels,
    read,
    robot_states,
    task_states,
    task_status,
    vendor_error,
)

EIGHT = timezone(timedelta(hours=8))


@pytest.mark.parametrize(("state", "status"), [
    ("succeeded", 0), ("failed", 1), ("timed_out", 1), ("missed", 1), ("queued", 2), ("dispatching", 2), ("running", 2), ("pausing", 2),
    ("cancelled", 3), ("paused", 4),
])
def test_each_task_state_has_its_printed_status(state: str, status: int) -> None:
    assert task_status(state) == status


def test_every_state_has_a_status_and_an_unknown_one_is_not_ended() -> None:
    assert {task_status(state) for state in TaskState} == {0, 1, 2, 3, 4}
    assert task_status(TaskState.UNKNOWN) == 2
    assert not has_ended(TaskState.UNKNOWN)
    assert {state for state in TaskState if has_ended(state)} == {"succeeded", "failed", "cancelled", "timed_out", "missed"}


def test_a_text_that_is_no_state_is_an_error() -> None:
    with pytest.raises(ValueError, match="finished"):
        task_status("finished")


def table() -> StateTable[TaskState]:
    return task_states("test jobs", {"Running": TaskState.RUNNING, 3: TaskState.FAILED, "on hold": TaskState.PAUSED}, source="the manual, page 7")


@pytest.mark.parametrize(("word", "state"), [
    ("Running", "running"), ("RUNNING", "running"), (" running ", "running"), (3, "failed"), ("3", "failed"), ("On Hold", "paused"),
])
def test_words_are_found_in_any_case_and_as_number_or_text(word: object, state: str) -> None:
    assert table()(word) == state


def test_an_unseen_word_is_the_fallback_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    states = table()
    with caplog.at_level(logging.WARNING):
        assert [states("exploded") for _ in range(5)] == [TaskState.UNKNOWN] * 5
        assert states("Exploded") == TaskState.UNKNOWN
    (record,) = caplog.records
    assert "exploded" in record.getMessage()
    assert "page 7" in record.getMessage()
    with caplog.at_level(logging.WARNING):
        states(None)
        states({"a": [1]})
    assert len(caplog.records) == 3


def test_endlessly_new_words_do_not_fill_log_or_memory(caplog: pytest.LogCaptureFixture) -> None:
    states = table()
    with caplog.at_level(logging.WARNING):
        for number in range(1000):
            states(f"state {number} " + "x" * 1000)
    assert len(caplog.records) == 200
    assert all(len(record.getMessage()) < 300 for record in caplog.records)


def test_robots_and_levels_have_fallbacks_of_their_own() -> None:
    assert robot_states("robots", {"Available": RobotState.IDLE}, source="x")("on fire") == 2
    assert robot_states("robots", {"Available": RobotState.IDLE}, source="x")("available") == 0
    assert log_levels("levels", {"Fatal": "error"}, source="x")("Fatal") == "error"
    assert log_levels("levels", {"Fatal": "error"}, source="x")("Chatty") == "info"


def test_the_vendors_words_for_one_of_our_states_can_be_asked_for() -> None:
    assert task_states("x", {"a": TaskState.RUNNING, "b": TaskState.FAILED, "c": TaskState.RUNNING}, source="x").words(TaskState.RUNNING) == ["a", "c"]


ERRORS = ErrorTable(
    exact={"E-17": codes.NOT_FOUND, 401: codes.TOKEN_INVALID},
    patterns={r"already (running|active)": codes.IN_USE, r"quota": codes.RATE_LIMITED},
    statuses={422: codes.PARAMETER_TYPE, 404: codes.VENDOR_ERROR},
)


@pytest.mark.parametrize(("code", "text", "status", "expected"), [
    ("E-17", "already running", 422, codes.NOT_FOUND),
    ("e-17", "", None, codes.NOT_FOUND),
    ("401", "", 200, codes.TOKEN_INVALID),
    ("E-99", "Job is ALREADY Active", 422, codes.IN_USE),
    ("E-99", "something", 422, codes.PARAMETER_TYPE),
    ("", "", 404, codes.VENDOR_ERROR),
    ("", "", 429, codes.RATE_LIMITED),
    ("", "", 409, codes.ILLEGAL_STATE),
    ("", "", 418, codes.VENDOR_ERROR),
    ("", "", None, codes.VENDOR_ERROR),
])
def test_errors_go_by_exact_code_then_pattern_then_status(code: str, text: str, status: int | None, expected: Code) -> None:
    assert ERRORS(code, text, status) == expected


@pytest.mark.parametrize(("code", "kind"), [
    (codes.NOT_FOUND, NotFound), (codes.FILE_MISSING, NotFound), (codes.IN_USE, Conflict), (codes.TASK_STOPPED, Conflict),
    (codes.DUPLICATE, Conflict), (codes.PARAMETER_TYPE, InvalidInput), (codes.TOO_LARGE, InvalidInput), (codes.NOT_SUPPORTED, NotSupported),
    (codes.ADAPTER_UNREACHABLE, Unreachable), (codes.VENDOR_TIMEOUT, VendorTimeout), (codes.RATE_LIMITED, VendorError),
    (codes.VENDOR_ERROR, VendorError),
])
def test_each_code_is_raised_as_the_class_that_tells_what_to_do(code: Code, kind: type[Exception]) -> None:
    error = vendor_error(code, "because", raw={"a": 1}, retry_after=3)
    assert type(error) is kind
    assert (error.code, error.reason, error.raw, error.retry_after) == (code, "because", {"a": 1}, 3)


@pytest.mark.parametrize("code", [codes.TOKEN_INVALID, codes.PASSWORD_WRONG, codes.NO_PERMISSION, codes.IP_REFUSED])
def test_the_vendors_quarrel_with_the_connection_is_not_put_on_the_caller(code: Code) -> None:
    error = vendor_error(code, "HTTP 401")
    assert type(error) is VendorError
    assert error.code == codes.VENDOR_ERROR
    assert "连接的" in error.reason


NINE = datetime(2026, 3, 1, 1, 0, tzinfo=UTC)


@pytest.mark.parametrize(("time", "value"), [
    (VendorTime("t"), "2026-03-01T01:00:00Z"),
    (VendorTime("t"), "2026-03-01T09:00:00+08:00"),
    (VendorTime("t"), "2026-03-01T01:00:00.0000000Z"),
    (VendorTime("t", zone=ZoneInfo("Asia/Shanghai")), "2026-03-01 09:00:00"),
    (VendorTime("t", zone=EIGHT, formats=("%Y/%m/%d %H:%M",)), "2026/03/01 09:00"),
    (VendorTime("t", unit="s"), 1772326800),
    (VendorTime("t", unit="s"), "1772326800"),
    (VendorTime("t", unit="ms"), 1772326800000),
    (VendorTime("t", zone=EIGHT), "2026-03-01T01:00:00Z"),
])
def test_times_become_aware_moments(time: VendorTime, value: object) -> None:
    moment = time(value)
    assert moment == NINE
    assert moment is not None
    assert moment.utcoffset() == timedelta(0)


@pytest.mark.parametrize("value", [None, "", "0001-01-01T00:00:00", 0, "0001-01-01T00:00:00Z"])
def test_not_set_is_no_time_and_no_warning(value: object, caplog: pytest.LogCaptureFixture) -> None:
    assert VendorTime("t", zone=EIGHT, unit="s")(value) is None
    assert not caplog.records


@pytest.mark.parametrize("value", ["2026-03-01 09:00:00", 1772326800, "yesterday", "9999-12-31T23:59:59-23:00", {"a": 1}])
def test_nothing_is_guessed(value: object, caplog: pytest.LogCaptureFixture) -> None:
    time = VendorTime("t")
    with caplog.at_level(logging.WARNING):
        assert time(value) is None
        assert time(value) is None
    assert len(caplog.records) == 1


def test_absurd_numbers_are_no_time() -> None:
    assert VendorTime("t", unit="s")(1e300) is None
    assert VendorTime("t", unit="s")(float("nan")) is None


def test_answers_are_read_with_the_type_they_must_have() -> None:
    assert read({"a": "x"}, "a", str) == "x"
    assert read({}, "a", str, "y") == "y"
    assert read({"a": None}, "a", str, None) is None
    for record, key, kind in (({}, "a", str), ({"a": 1}, "a", str), ({"a": True}, "a", int), ([], "a", str), (None, "a", str), ({"a": "x"}, "a", list)):
        with pytest.raises(VendorError, match="a"):
            read(record, key, kind)


def test_what_is_read_wrongly_is_not_repeated() -> None:
    with pytest.raises(VendorError) as caught:
        read({"token": "s3cret"}, "token", int)
    assert "s3cret" not in repr(caught.value)
