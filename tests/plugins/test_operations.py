"""The declared operations as a whole, and what our additive fields promise; nothing here needs the standard's text."""
from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from marshmallow import ValidationError
from marshmallow.fields import Nested

from plugins import codes
from plugins.adapter import Adapter
from plugins.fields import Id, Items, Level, Printed, Record
from plugins.manager import STANDARD, LoadedAdapter, standard_catalogue
from plugins.operation import Operation, declared_in, modules_of
from plugins.operations.calendar import CalendarCreateRequest
from plugins.operations.package import PackageQueryResult
from plugins.operations.robot_api_task import RobotApiTaskListRequest
from plugins.operations.task import TaskCreateRequest, TaskListRequest, TaskQueryResult
from plugins.operations.task_log import TaskLogQueryResult
from plugins.operations.trigger import TriggerCreateRequest, TriggerUpdateRequest
from plugins.paging import ListRequest, ListResult
from plugins.records import QueryResult

OPERATIONS = list(standard_catalogue())
KINDS = {
    "department", "employee", "package", "process", "trigger", "task", "data_queue", "machine", "robot", "robot_group", "recording",
    "credential", "asset", "file", "calendar", "role",
}
NEEDS_THE_VENDOR = {
    "task_create", "task_cancel", "task_pause", "task_resume", "task_log_query", "video_query", "machine_query",
    "robot_api_start", "robot_api_stop", "robot_api_config", "robot_api_machine_query", "robot_api_task_create", "robot_api_task_cancel",
    "robot_api_task_pause", "robot_api_task_resume", "robot_api_task_log_query", "robot_api_video_query",
}

each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)


def fields_of(record: type[Record]) -> Iterator[tuple[str, Printed]]:
    """All fields of a record with their names, those of nested records and the elements of arrays included."""
    for name, each in record().fields.items():
        assert isinstance(each, Printed), f"{record.__name__}.{name}"
        yield name, each
        element = each.inner if isinstance(each, Items) else each
        if isinstance(element, Nested):
            yield from fields_of(type(element.schema))
        elif element is not each:
            yield name, element


def all_fields(operation: Operation) -> list[tuple[str, Printed]]:
    return [*fields_of(operation.request), *fields_of(operation.response)]


def test_there_are_72_platform_and_28_robot_operations() -> None:
    assert [each.code for each in OPERATIONS] == [f"P{n:02}" for n in range(1, 73)] + [f"R{n:02}" for n in range(1, 29)]
    assert [each.side for each in OPERATIONS] == ["platform"] * 72 + ["robot"] * 28


@each_operation
def test_the_name_follows_from_the_address(operation: Operation) -> None:
    words = operation.path.removeprefix("/api/platform/").replace("/api/robot/", "robot_api/")
    assert operation.name == re.sub("[/-]", "_", words)
    assert operation.path.startswith("/api/")


@each_operation
def test_the_address_names_the_resource(operation: Operation) -> None:
    assert operation.name.removeprefix("robot_api_").startswith(operation.resource) or operation.code in {"R01", "R02", "R03", "R04", "R05"}
    assert operation.code[0] == "P" or operation.resource in {"robot", *operation.path.replace("-", "_").split("/")}


def test_each_module_holds_the_operations_of_one_resource_in_the_order_of_the_clauses() -> None:
    for module in modules_of(STANDARD):
        declared = list(declared_in(module))
        assert len({each.resource for each in declared}) == 1
        assert [each.code for each in declared] == sorted(each.code for each in declared)
        assert module.__doc__ and re.search(r"\(clause 6\.[23]\.\d+\)", module.__doc__)


@each_operation
def test_every_operation_has_one_signature_and_a_sentence_for_its_reader(operation: Operation) -> None:
    assert list(inspect.signature(operation.function).parameters) == ["ctx", "params"]
    assert re.fullmatch(r"[A-Z][^\n]+\.", operation.summary)
    assert operation.title and operation.clause


@each_operation
def test_requests_and_responses_are_named_after_the_operation(operation: Operation) -> None:
    name = "".join(word.capitalize() for word in operation.name.split("_"))
    assert operation.request.__name__ in {f"{name}Request", "Nothing"}
    assert operation.response.__name__ in {f"{name}Result", "Nothing"}


@each_operation
def test_every_field_has_a_description(operation: Operation) -> None:
    own = [(name, each) for name, each in all_fields(operation) if isinstance(each.parent, Record)]
    assert [name for name, each in own if not each.description.strip()] == []


@each_operation
def test_additive_fields_are_never_mandatory(operation: Operation) -> None:
    assert [name for name, each in all_fields(operation) if each.additive and each.required] == []


@each_operation
def test_only_lists_are_paged(operation: Operation) -> None:
    is_list = operation.path.endswith(("/list", "/package/query"))
    assert issubclass(operation.request, ListRequest) == is_list
    assert issubclass(operation.response, ListResult) == is_list
    if is_list:
        arrays = [each for each in operation.response().fields.values() if isinstance(each, Items) and not each.additive]
        assert len(arrays) == 1


@each_operation
def test_every_query_of_one_thing_says_its_id_and_origin(operation: Operation) -> None:
    is_query = operation.path.endswith("/query") and operation.resource not in {"package", "task_log", "video"}
    assert issubclass(operation.response, QueryResult) == is_query
    if is_query:
        assert any(isinstance(each, Id) and each.kind == operation.resource for each in operation.response().fields.values())


@each_operation
def test_secrets_are_marked(operation: Operation) -> None:
    telling = [(name, each) for name, each in all_fields(operation) if re.search("(?i)password|secret|token", name)]
    assert [name for name, each in telling if not each.secret] == []


@each_operation
def test_ids_say_what_they_identify(operation: Operation) -> None:
    for name, each in all_fields(operation):
        if re.search("Ids?$", name) and name not in {"vendorId", "stepId"} and not isinstance(each, Items):
            assert isinstance(each, Id) and each.kind in KINDS, name


@each_operation
def test_no_field_is_named_like_a_method_of_a_dict(operation: Operation) -> None:
    """marshmallow would read the method where the answer leaves out the key."""
    assert [name for name, _ in all_fields(operation) if hasattr(dict, name)] == []


@each_operation
def test_an_answer_that_says_nothing_still_has_every_key(operation: Operation) -> None:
    response = operation.response()
    assert response.dump({}).keys() == response.fields.keys()


def test_only_signing_in_is_public() -> None:
    assert [each.name for each in OPERATIONS if each.public] == ["account_authenticate", "robot_api_authenticate"]
    assert all(each.writes for each in OPERATIONS if each.public)


def test_reading_operations_take_no_write_lock() -> None:
    reading = {each.path.rsplit("/", 1)[-1] for each in OPERATIONS if not each.writes}
    assert reading == {"query", "list", "info"}


def test_only_what_a_robot_or_machine_does_itself_needs_the_vendor() -> None:
    assert {each.name for each in OPERATIONS if not each.emulated} == NEEDS_THE_VENDOR


def test_all_operations_are_hooks_of_an_adapter() -> None:
    empty = LoadedAdapter(Adapter(name="empty", title="空", modules=()))
    support = {each.name: empty.support(each)[0] for each in OPERATIONS}
    assert set(support.values()) == {"emulated", "not yet"}
    assert {name for name, how in support.items() if how == "not yet"} == NEEDS_THE_VENDOR


TRIGGER = {"triggerName": "晨检", "depId": 1, "processId": 2, "assignType": 1, "isRecord": False, "isDefineCalendar": False}


def codes_of(record: Record, data: dict[str, Any]) -> dict[str, codes.Code]:
    with pytest.raises(ValidationError) as caught:
        record.load(data)
    return {name: messages[0].code for name, messages in caught.value.messages_dict.items()}


@pytest.mark.parametrize("kind", [{}, {"triggerType": "cron"}, {"triggerType": ""}])
@pytest.mark.parametrize("strict", [True, False])
def test_a_timed_trigger_needs_a_cron_expression(kind: dict[str, str], strict: bool) -> None:
    assert codes_of(TriggerCreateRequest(strict=strict), TRIGGER | kind)["cronExpression"] is codes.PARAMETER_MISSING


def test_a_trigger_of_another_type_does_without_a_cron_expression_where_that_is_forgiven() -> None:
    queue = {**TRIGGER, "triggerType": "queue", "queueId": 3}
    assert TriggerCreateRequest().load({**queue, "cronExpression": ""})["queueId"] == 3
    assert codes_of(TriggerCreateRequest(strict=True), queue) == {"cronExpression": codes.PARAMETER_MISSING}


def test_priority_and_recording_of_a_task_may_be_left_to_the_hub_in_lenient_mode_only() -> None:
    assert TaskCreateRequest().load({"processId": 1}) == {"processId": 1}
    assert codes_of(TaskCreateRequest(strict=True), {"processId": 1}) == dict.fromkeys(["priority", "isRecord"], codes.PARAMETER_MISSING)


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ({"warnType": 1}, {"warnType": 1, "warnTypes": [1]}),
        ({"warnType": [2, 0]}, {"warnType": 2, "warnTypes": [2, 0]}),
        ({"warnTypes": [0, 1]}, {"warnType": 0, "warnTypes": [0, 1]}),
        ({"warnType": 1, "warnTypes": [0, 1]}, {"warnType": 1, "warnTypes": [0, 1]}),
        ({"warnType": []}, {"warnTypes": []}),
        ({}, {}),
    ],
)
def test_several_ways_to_warn_are_read_beside_the_printed_one(given: dict[str, Any], read: dict[str, Any]) -> None:
    assert TriggerUpdateRequest().load({"triggerId": 1, **given}) == {"triggerId": 1, **read}


def test_strict_mode_takes_only_one_way_to_warn_under_the_printed_name() -> None:
    assert codes_of(TriggerUpdateRequest(strict=True), {"triggerId": 1, "warnType": [1]}) == {"warnType": codes.PARAMETER_TYPE}


@pytest.mark.parametrize("record", [TaskListRequest, RobotApiTaskListRequest])
def test_the_time_range_is_read_in_both_spellings(record: type[Record]) -> None:
    start, end = "2026-01-01 08:00:00", "2026-01-02 08:00:00"
    expected = {
        "runningStartTimeRange_startTime": datetime(2026, 1, 1, tzinfo=UTC),
        "runningStartTimeRange_endTime": datetime(2026, 1, 2, tzinfo=UTC),
    }
    assert record().load({"runningStartTimeRangeStartTime": start, "runningStartTimeRangeEndTime": end}) == expected
    assert record().load({"runningStartTimeRange_startTime": start, "runningStartTimeRange_endTime": end}) == expected


@pytest.mark.parametrize("page", [{"pageNum": 0}, {"pageSize": 0}, {"pageNum": "-1"}])
def test_a_page_below_one_is_refused(page: dict[str, Any]) -> None:
    assert set(codes_of(ListRequest(), page).values()) == {codes.PARAMETER_TYPE}


def test_other_spellings_of_an_answer_repeat_the_printed_value() -> None:
    stopped = datetime(2026, 1, 1, tzinfo=UTC)
    task = TaskQueryResult().dump({"stopTime": stopped, "taskStatus": 2})
    assert (task["stopTime"], task["endTime"], task["taskStatus"]) == ("2026-01-01 08:00:00", "2026-01-01 08:00:00", "2")
    packages = PackageQueryResult().dump({"packageList": [{"packageId": 1}]})
    assert packages["packages"] == packages["packageList"] != []
    line = TaskLogQueryResult().dump({"logs": [{"logTime": stopped, "logLevel": "WARN"}]})["logs"][0]
    assert (line["logTime"], line["logAt"], line["logLevel"]) == ("2026-01-01 08:00:00", "2026-01-01T08:00:00.000+08:00", "warn")


def test_a_calendar_takes_sessions_and_special_days() -> None:
    half_day = {"day": "2026-12-24", "sessions": [{"startTime": "09:30", "endTime": "12:00"}]}
    loaded = CalendarCreateRequest().load({"calendarName": "港股", "nonWorkingDays": ["2026-12-25"], "specialDays": [half_day]})
    assert loaded["nonWorkingDays"] == [date(2026, 12, 25)]
    assert loaded["specialDays"] == [{"day": date(2026, 12, 24), "sessions": [{"startTime": "09:30", "endTime": "12:00"}]}]


def test_log_levels_are_read_in_every_request_that_has_one() -> None:
    assert sum(isinstance(each, Level) for operation in OPERATIONS for _, each in fields_of(operation.request)) == 5
