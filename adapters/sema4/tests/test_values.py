"""Parameter values and the log format."""
from __future__ import annotations

import json
from typing import Any

import pytest

from adapters.sema4.client import Action
from adapters.sema4.task_log import RoboLog
from adapters.sema4.values import inputs, outputs
from plugins import InvalidInput, VendorError


def converted(schema: dict[str, Any], text: str) -> Any:
    action = Action("a", "p", "n", "n", "", {"properties": {"x": schema}})
    return inputs(action, [{"name": "x", "value": text}]).get("x", "not given")


@pytest.mark.parametrize(("schema", "text", "value"), [
    ({"type": "string"}, "12", "12"),
    ({"type": "string"}, "", ""),
    ({"type": "integer"}, "12", 12),
    ({"type": "integer"}, "12.0", 12),
    ({"type": "integer"}, "", "not given"),
    ({"type": "number"}, "-1.5e3", -1500.0),
    ({"type": "boolean"}, "TRUE", True),
    ({"type": "boolean"}, "0", False),
    ({"type": "object"}, '{"a": [1]}', {"a": [1]}),
    ({"type": "array"}, "[1, 2]", [1, 2]),
    ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "7", 7),
    ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "null", None),
    ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "7", "7"),
    ({"$ref": "#/$defs/Thing"}, '{"a": 1}', {"a": 1}),
    ({"$ref": "#/$defs/Colour"}, "red", "red"),
])
def test_a_text_becomes_the_declared_type(schema: dict[str, Any], text: str, value: Any) -> None:
    result = converted(schema, text)
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(("schema", "text"), [
    ({"type": "integer"}, "ten"), ({"type": "number"}, "NaN"), ({"type": "boolean"}, "yes"), ({"type": "object"}, "{"),
    ({"type": "array"}, "[" * 100_000),
])
def test_a_text_that_is_no_such_value_is_refused(schema: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidInput, match="入参 x"):
        converted(schema, text)


def test_an_undeclared_input_is_sent_as_text_for_the_server_to_judge() -> None:
    action = Action("a", "p", "n", "n", "", {"properties": {}})
    assert inputs(action, [{"name": "other", "value": "1"}]) == {"other": "1"}


@pytest.mark.parametrize(("result", "expected"), [
    ("", []),
    ("null", [{"name": "result", "value": ""}]),
    ('"text"', [{"name": "result", "value": "text"}]),
    ("[1, 2]", [{"name": "result", "value": "[1, 2]"}]),
    ('{"a": "十", "b": true}', [{"name": "a", "value": "十"}, {"name": "b", "value": "true"}]),
    ("{}", []),
    ("no json", [{"name": "result", "value": "no json"}]),
])
def test_a_result_becomes_out_parameters(result: str, expected: list[dict[str, str]]) -> None:
    assert outputs(result) == expected


def robolog(*rows: str) -> str:
    return "\n".join(["V 0.0.4", "T 2026-11-24T03:09:57.549+00:00", *rows, ""])


def texts(**memory: str) -> list[str]:
    return [f"M {name}:{json.dumps(text)}" for name, text in memory.items()]


def test_pieces_are_put_together_to_lines_that_begin_where_the_first_piece_came() -> None:
    memory = texts(o="stdout", e="stderr", a="one ", b="two\nthree", c="\n", d="oops\n")
    lines = RoboLog().read(robolog(*memory, "C o|a|1", "C e|d|2", "C o|b|3", "C o|c|4"))
    assert [(line["message"], line["logLevel"], line["logTime"].second) for line in lines] == [
        ("oops", "warn", 59), ("one two", "info", 58), ("three", "info", 0),
    ]


def test_log_messages_keep_their_level_and_snapshots_are_left_out() -> None:
    memory = texts(m="fine", s="process details")
    lines = RoboLog().read(robolog(*memory, "P p:m|m|m|m|1", "L W|m|p|0.5", "SPS s|1", "L I|s|p|2", "EPS 3", "L E|m|p|4"))
    assert [(line["message"], line["logLevel"]) for line in lines] == [("fine", "warn"), ("fine", "error")]


def test_a_row_that_is_still_being_written_is_left_for_the_next_time() -> None:
    content = robolog(*texts(o="stdout", a="one\n"), "C o|a|1") + 'M b:"half a te'
    assert [line["message"] for line in RoboLog().read(content)] == ["one"]


@pytest.mark.parametrize("row", ["C x|y|1", "M a:no json", "C a|b", "L W|m|p|soon"])
def test_another_format_is_said_to_be_one(row: str) -> None:
    with pytest.raises(VendorError, match="格式"):
        RoboLog().read(robolog(*texts(a="stdout", b="b", m="m"), row))
