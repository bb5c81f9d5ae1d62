"""What each operation of clause 6.2 says to parameters that are missing, empty, of a wrong type or form, or name nothing."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.conformance.checking import type_of
from tests.conformance.conftest import Door
from tests.conformance.things import path_of
from tests.end_to_end.client import OK, assert_envelope
from tests.printed import Page, Row, for_every_operation, needs_text

pytestmark = needs_text

NOBODY = 999_999_999
MISSING, EMPTY, WRONG, TIME, LEVEL, UNKNOWN = "10006", "10005", "10007", "10301", "10401", "10501"

# Printed as mandatory, but filled in by a lenient hub (erratum E41).
FILLED_IN = {("task/create", "priority"), ("task/create", "isRecord"), ("trigger/create", "isRecord")}

# No value of these types can be read as the printed one, however lenient the reader.
OTHER_TYPES: dict[str, list[Any]] = {
    "int": ["abc", "1x", 1.5, True, [1], {"a": 1}, 2**53, 2**63, -(2**53)],
    "string": [[1], {"a": 1}, ["a"]],
    "boolean": ["perhaps", 2, 1.5, [True], {"a": 1}],
    "array": ["a", 5, True, {"a": 1}],
    "file": [5, True, ["a"], "no base64!"],
}
# Without loss the same value in another type: refused in strict mode alone (erratum E25).
OTHER_FORMS: dict[str, list[Any]] = {"int": ["12", 12.0], "string": [5, True], "boolean": ["true", 1], "array": ["[]"], "file": []}

Case = tuple[str, str, dict[str, Any]]


def changed(base: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
    """The request with another value of one parameter."""
    return {**base, name: value}


def tried(door: Door, page: Page, cases: Iterator[Case]) -> None:
    """Make every call; all that are not answered as expected are told at once."""
    path, wrong = path_of(page), []
    for title, expected, params in cases:
        reply = door.admin.post(path, params)
        try:
            door.checker.checked(page, reply, expected)
        except AssertionError as error:
            wrong.append(f"{title}: {expected} expected, {str(error)[:300]}")
    assert not wrong, "\n".join([page.path, *wrong])


def is_allowed(door: Door, page: Page, row: Row, value: Any) -> bool:
    """Whether a value is taken, though it is not of the type that is read: several ways to warn (erratum E45), an int as printed (E35)."""
    return (row.name == "warnType" and value == [1] and not door.strict) or (type_of(page, row) != row.type == "int" and value == 5)


def mandatory(door: Door, page: Page) -> list[Row]:
    """The parameters that must be there."""
    return [row for row in page.request if row.required and (door.strict or (path_of(page), row.name) not in FILLED_IN)]


@for_every_operation(lambda page: any(row.required for row in page.request))
def test_a_mandatory_parameter_that_is_missing_or_empty(door: Door, page: Page) -> None:
    base = door.things.request(page)

    def cases() -> Iterator[Case]:
        yield "nothing at all", MISSING, {}
        for row in mandatory(door, page):
            yield f"without {row.name}", MISSING, {name: value for name, value in base.items() if name != row.name}
            yield f"{row.name}: null", EMPTY, changed(base, row.name, None)
            kind = type_of(page, row)
            if kind == "array":
                yield f"{row.name}: []", EMPTY, changed(base, row.name, [])
            elif kind == "string":
                yield f"{row.name}: blank", EMPTY, changed(base, row.name, "  ")
            if kind == "string" or not door.strict:
                yield f'{row.name}: ""', EMPTY, changed(base, row.name, "")

    tried(door, page, cases())


@for_every_operation(lambda page: any((path_of(page), row.name) in FILLED_IN for row in page.request))
def test_what_a_lenient_hub_fills_in_may_be_missing(running: Door, page: Page) -> None:
    for path, name in FILLED_IN:
        if path == path_of(page):
            base = running.things.request(page)
            running.checker.call(path, {key: value for key, value in base.items() if key != name})


@for_every_operation(lambda page: bool(page.request))
def test_a_parameter_of_a_wrong_type_or_form(door: Door, page: Page) -> None:
    base = door.things.request(page)

    def cases() -> Iterator[Case]:
        for row in page.request:
            kind = type_of(page, row)
            for value in OTHER_TYPES[kind] + (OTHER_FORMS[kind] if door.strict else []):
                if not is_allowed(door, page, row, value):
                    yield f"{row.name}: {value!r}", WRONG, changed(base, row.name, value)
            yield from cases_of_form(row)
        if door.strict:
            yield "unknown parameter", WRONG, {**base, "colour": "red"}

    def cases_of_form(row: Row) -> Iterator[Case]:
        if row.choices:
            yield f"{row.name}: no choice", WRONG, changed(base, row.name, 9)
        if row.name.endswith("Id"):
            yield f"{row.name}: negative", WRONG, changed(base, row.name, -1)
        if row.name.endswith("Ids"):
            yield f"{row.name}: an element of a wrong type", WRONG, changed(base, row.name, ["x"])
        if row.name in ("pageNum", "pageSize"):
            yield f"{row.name}: 0", WRONG, changed(base, row.name, 0)
        if row.name == "logLevel":
            yield f"{row.name}: unknown", LEVEL, changed(base, row.name, "fatal")
        if row.inner:
            yield f"{row.name}: no object in it", WRONG, changed(base, row.name, ["x"])
            yield f"{row.name}: {row.inner[0].name} missing in it", MISSING, changed(base, row.name, [{row.inner[1].name: "x"}])
        if row.name == "nonWorkingDays":
            for value in ("2026-02-30", "tomorrow", "2026-13-01"):
                yield f"{row.name}: {value}", TIME, changed(base, row.name, [value])
        elif "yyyy-MM-dd HH:mm:ss" in row.description:
            for value in ("yesterday", "2026-02-30 00:00:00", "2026-01-01 25:00:00", "1767225600"):
                yield f"{row.name}: {value}", TIME, changed(base, row.name, value)
        elif type_of(page, row) == "string":
            yield f"{row.name}: too long", WRONG if row.name != "logLevel" else LEVEL, changed(base, row.name, "x" * 70_000)
            yield f"{row.name}: NUL", WRONG if row.name != "logLevel" else LEVEL, changed(base, row.name, "a\x00b")

    tried(door, page, cases())


@for_every_operation(lambda page: any(row.name.endswith(("Id", "Ids")) for row in page.request))
def test_an_id_of_nothing_is_10501(door: Door, page: Page) -> None:
    base = door.things.request(page)
    cases = [(row.name, NOBODY if row.name.endswith("Id") else [NOBODY]) for row in page.request if row.name.endswith(("Id", "Ids"))]
    tried(door, page, ((f"unknown {name}", UNKNOWN, changed(base, name, value)) for name, value in cases))


@for_every_operation(lambda page: page.verb in ("list", "query"))
def test_an_optional_parameter_that_is_null_counts_as_absent(door: Door, page: Page) -> None:
    base = door.things.request(page)
    tried(door, page, ((f"{row.name}: null", OK, changed(base, row.name, None)) for row in page.request if not row.required))


@for_every_operation(lambda page: page.resource != "account")
def test_without_a_good_token_it_is_10001(door: Door, page: Page) -> None:
    for token in ("", "wrong", "密".encode().hex(), "x" * 5000):
        headers = {**door.anybody.headers(), **({"token": token} if token else {})}
        reply = door.anybody.send("POST", page.path, b"{}", headers)
        door.checker.checked(page, reply, "10001")


@for_every_operation()
def test_another_version_of_the_interface_is_10002(door: Door, page: Page) -> None:
    for version in ("2.0.0", "0.9", "one", "1.0.0.0"):
        door.checker.checked(page, door.admin.send("POST", page.path, b"{}", {**door.admin.headers(), "version": version}), "10002")
    without = {name: value for name, value in door.admin.headers().items() if name != "version"}
    reply = door.admin.send("POST", page.path, b"[]", without)
    door.checker.checked(page, reply, MISSING if door.strict else WRONG)


@for_every_operation()
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_another_method_is_405_and_says_which_one_is_right(door: Door, page: Page, method: str) -> None:
    reply = door.admin.send(method, page.path, None, door.admin.headers())
    assert_envelope(reply, WRONG, 405)
    assert "POST" in reply.headers["allow"]
