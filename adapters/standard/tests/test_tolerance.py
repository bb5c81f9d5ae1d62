"""A tolerance storm: whatever odd way of answering the errata tell of, the adapter reads the same as from a tidy peer."""
from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from adapters.standard import contract
from adapters.standard.contract import good, sample
from adapters.standard.tests.peer import LOADED, call, platform, robot
from plugins.fields import Id, Items, Part, Record
from plugins.manager import standard_catalogue
from plugins.operation import Operation
from plugins.testing import FakeVendor, Reply

TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d) (\d\d:\d\d:\d\d)")


def everywhere(change: Callable[[Any], Any]) -> Callable[[Any, Operation], Any]:
    """Applies a change to each value of an answer, however deep."""

    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: walk(each) for name, each in value.items()}
        return [walk(each) for each in value] if isinstance(value, list) else change(value)

    return lambda data, operation: walk(data)


def is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def inner_as_text(data: Any, operation: Operation) -> Any:
    """E34 and E03: objects and arrays inside as their JSON texts."""
    return {name: json.dumps(value) if isinstance(value, (dict, list)) else value for name, value in data.items()}


def without_deleted(data: Any, operation: Operation) -> Any:
    """E22: nothing is said of deletion."""
    if isinstance(data, dict):
        return {name: without_deleted(value, operation) for name, value in data.items() if name != "isDeleted"}
    return [without_deleted(each, operation) for each in data] if isinstance(data, list) else data


def with_strange_keys(data: Any, operation: Operation) -> Any:
    """Peers have fields of their own."""
    return {**data, "vendorSpecific": {"a": [1, None]}, "sort": "x"}


def by_the_other_name(data: Any, operation: Operation) -> Any:
    """E29, E30, E31: a field under the name that the tables have for it elsewhere only."""

    def renamed(value: Any, schema: Record) -> Any:
        others = {field.attribute: name for name, field in schema.fields.items() if field.attribute and field.dump_only and name != "logAt"}
        found = {}
        for name, each in value.items():
            field: Any = schema.fields.get(name)
            if name in others.values():
                continue
            inner: Any = getattr(field, "inner", None)
            if isinstance(field, Part):
                each = renamed(each, field.schema)  # type: ignore[arg-type]
            elif isinstance(field, Items) and hasattr(inner, "schema"):
                each = [renamed(row, inner.schema) for row in each]
            found[others.get(name, name)] = each
        return found

    return renamed(data, operation.response())


STORMS: dict[str, Callable[[Any, Operation], Any]] = {
    "whole numbers as texts": everywhere(lambda value: str(value) if is_number(value) else value),
    "whole numbers with a point": everywhere(lambda value: float(value) if is_number(value) else value),
    "flags as texts": everywhere(lambda value: str(value).lower() if isinstance(value, bool) else value),
    "flags as numbers": everywhere(lambda value: int(value) if isinstance(value, bool) else value),
    "times with T": everywhere(lambda value: TIME.sub(r"\1-\2-\3T\4", value) if isinstance(value, str) else value),
    "times with slashes": everywhere(lambda value: TIME.sub(r"\1/\2/\3 \4", value) if isinstance(value, str) else value),
    "times with their zone": everywhere(lambda value: TIME.sub(r"\1-\2-\3T\4.000+08:00", value) if isinstance(value, str) else value),
    "data as JSON text": lambda data, operation: json.dumps(data, ensure_ascii=False),
    "objects and arrays as JSON texts": inner_as_text,
    "no isDeleted": without_deleted,
    "unknown fields": with_strange_keys,
    "the other name": by_the_other_name,
}
READING = [
    each for each in standard_catalogue()
    if LOADED.implements(each.name) and not each.writes and each.name in {**contract.EXAMPLES, **contract.MORE["robot"][1]}
]


def read(peer: FakeVendor, operation: Operation) -> dict[str, Any]:
    """What an operation gives, without what only says that things are not deleted."""
    examples, ctx = (contract.EXAMPLES, platform(peer)) if operation.side == "platform" else (contract.MORE["robot"][1], robot(peer))
    found = call(ctx, operation.name, **examples[operation.name])
    kept: dict[str, Any] = without_deleted(found, operation)
    return kept


@pytest.mark.parametrize("operation", READING, ids=lambda each: each.name)
def test_an_odd_answer_reads_as_a_tidy_one(peer: FakeVendor, operation: Operation) -> None:
    tidy = read(peer, operation)
    assert tidy
    data = sample(operation.response)
    for name, change in STORMS.items():
        peer.on("POST", operation.path, good(change(data, operation)))
        assert read(peer, operation) == tidy, name


@pytest.mark.parametrize("code", [0, "0", "00000", " 00000 "])
@pytest.mark.parametrize("status", [200, 201, 400, 500])
def test_the_result_code_decides_whatever_the_status_says(peer: FakeVendor, code: Any, status: int) -> None:
    peer.on("POST", "/api/platform/task/create", Reply(good({"taskIds": ["31"]}, code), status))
    assert call(platform(peer), "task_create", processId="7")["taskIds"] == ["31"]


@pytest.mark.parametrize("data", [None, "", {}, "{}"])
@pytest.mark.parametrize("operation", [each for each in standard_catalogue() if each.name in ("task_cancel", "process_list", "license_info")], ids=str)
def test_nothing_is_nothing_in_any_form(peer: FakeVendor, operation: Operation, data: Any) -> None:
    peer.on("POST", operation.path, good(data))
    found = call(platform(peer), operation.name, **contract.EXAMPLES[operation.name])
    assert not any(found.values())
    peer.on("POST", operation.path, {"resultCode": "00000", "message": ""})
    assert call(platform(peer), operation.name, **contract.EXAMPLES[operation.name]) == found


@pytest.mark.parametrize("absent", [None, "", "missing"])
def test_null_empty_and_missing_are_alike(peer: FakeVendor, absent: Any) -> None:
    task = dict.fromkeys(("startTime", "stopTime", "priority", "robotId", "outParameters", "reason", "progress"), absent) if absent != "missing" else {}
    peer.on("POST", "/api/platform/task/query", good({"taskStatus": 2, "processId": 7, **task}))
    assert call(platform(peer), "task_query", taskId="5") == {"taskId": "5", "processId": "7", "taskState": "queued", "taskStatus": 2}


@pytest.mark.parametrize(("told", "state", "status"), [
    ({"taskStatus": "0", "startTime": "2026-11-24 09:00:00"}, "succeeded", 0),
    ({"taskStatus": 1}, "failed", 1),
    ({"taskStatus": 2}, "queued", 2),
    ({"taskStatus": "2", "startTime": "2026/11/24 09:00:00"}, "running", 2),
    ({"taskStatus": 3}, "cancelled", 3),
    ({"taskStatus": "4"}, "paused", 4),
    ({"taskStatus": 1, "taskState": "timed_out"}, "timed_out", 1),
    ({"taskStatus": 0, "taskState": "FINISHED_OK"}, "succeeded", 0),
    ({"taskStatus": 9}, "unknown", 2),
    ({}, "unknown", 2),
])
def test_the_state_is_the_detailed_one_or_else_the_printed_one(peer: FakeVendor, told: dict[str, Any], state: str, status: int) -> None:
    peer.on("POST", "/api/platform/task/query", good(told))
    found = call(platform(peer), "task_query", taskId="5")
    assert (found["taskState"], found["taskStatus"]) == (state, status)


def test_ids_that_are_no_numbers_come_and_go_as_they_are(peer: FakeVendor) -> None:
    guid = "0f8fad5b-d9cb-469f-a165-70867728950e"
    peer.on("POST", "/api/platform/task/create", good({"taskIds": [guid, "007", 12.0]}))
    assert call(platform(peer), "task_create", processId=guid)["taskIds"] == [guid, "007", "12"]
    assert peer.requests[-1].json["processId"] == guid
    call(platform(peer), "task_cancel", taskId="007")
    assert peer.requests[-1].json == {"taskId": "007"}, "not the number 7, which is another id"
    call(platform(peer), "task_cancel", taskId="12")
    assert peer.requests[-1].json == {"taskId": 12}, "a number, as the tables print it"


def test_log_levels_are_read_in_any_case_and_under_their_usual_other_names(peer: FakeVendor) -> None:
    lines = [{"logLevel": level, "message": level, "logTime": "2026-11-24 09:00:00"} for level in ("INFO", "Warning", "FATAL", "debug", "noise")]
    peer.on("POST", "/api/platform/task-log/query", good({"logs": lines}))
    found = call(platform(peer), "task_log_query", taskId="5")["logs"]
    assert [each["logLevel"] for each in found] == ["info", "warn", "error", "debug", "info"]


@pytest.mark.parametrize("body", [
    {"code": 0, "data": {}}, {"resultCode": True, "data": {}}, {"resultCode": "00000", "data": [1]}, {"resultCode": "00000", "data": "words"},
    {"resultCode": "00000", "data": {"taskIds": {"a": 1}}}, {"resultCode": "00000", "data": {"taskIds": [[1]]}}, [], "text", None,
])
def test_an_answer_that_is_not_the_standards_is_said_to_be_broken_and_may_have_been_done(peer: FakeVendor, body: Any) -> None:
    peer.on("POST", "/api/platform/task/create", Reply(body))
    from plugins import VendorError
    with pytest.raises(VendorError) as caught:
        call(platform(peer), "task_create", processId="7")
    assert caught.value.maybe_done and caught.value.code.value == "20104"


def test_every_id_of_every_table_is_a_reference(peer: FakeVendor) -> None:
    def ids(value: Any, schema: Record) -> list[Any]:
        found: list[Any] = []
        for name, field in schema.fields.items():
            inner: Any = getattr(field, "inner", None)
            given = value.get(name)
            if isinstance(field, Id):
                found.append(given)
            elif isinstance(field, Items) and given:
                found += [each for row in given for each in (ids(row, inner.schema) if hasattr(inner, "schema") else [row] * isinstance(inner, Id))]
        return [each for each in found if each is not None]

    for operation in READING:
        assert all(isinstance(each, str) for each in ids(read(peer, operation), operation.response())), operation.name
