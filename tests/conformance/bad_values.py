"""Values that no operation takes, made from the declarations of its fields; each with the code that answers it."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from marshmallow import fields as marshmallow_fields

from plugins.fields import Day, Days, Flag, Items, Json, Moment, Printed, Record, Text, Upload, Whole

MISSING, EMPTY, WRONG = "10006", "10005", "10007"
CLOCK = "09:30"
SURROGATE = "\ud800"
# Several ways to warn at once are read too (erratum E45).
ALLOWED = [("warnType", [1])]

Bad = tuple[str, Any, str]


def plausible(record: Record) -> dict[str, Any]:
    """A request with every mandatory field that the record's schema accepts."""
    return {name: plausible_value(each, name) for name, each in record.fields.items() if isinstance(each, Printed) and each.required}


def plausible_value(each: Any, name: str = "") -> Any:
    """A value that a field accepts."""
    if isinstance(each, Days):
        return ["2027-01-01"]
    if isinstance(each, Items):
        return [plausible_value(each.inner, name)]
    if isinstance(each, marshmallow_fields.Nested):
        return plausible(each.schema)  # type: ignore[arg-type]
    if isinstance(each, Whole):
        return each.choices[0] if each.choices else max(each.least, 1)
    if isinstance(each, Text):
        return plausible_text(each, name)
    return {Flag: True, Json: {"a": "b"}, Upload: "UEsFBg=="}[type(each)]


def plausible_text(each: Text, name: str) -> str:
    """A text that a field accepts."""
    if each.choices:
        return each.choices[0]
    if isinstance(each, Moment):
        return "2027-01-01 09:30:00"
    if isinstance(each, Day):
        return "2027-01-01"
    if each.pattern:
        return CLOCK
    return {"cronExpression": "0 9 * * *"}.get(name, "x9Yz" * 3)


def bad_requests(record: Record) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Requests with one field that is wrong: what is wrong, the request, its code."""
    base = plausible(record)
    for name, each in record.fields.items():
        if not isinstance(each, Printed):
            continue
        if each.mandatory:
            yield f"without {name}", {key: value for key, value in base.items() if key != name}, MISSING
            yield f"{name}: null", {**base, name: None}, EMPTY
        for title, value, code in bad_values(each):
            if (name, value) not in ALLOWED:
                yield f"{name}: {title}", {**base, name: value}, code


def bad_values(each: Any) -> Iterator[Bad]:
    """What a field does not take."""
    if isinstance(each, Items):
        yield from of_type(None, 5, True, "a", {"a": 1})
        for title, value, code in bad_values(each.inner):
            yield f"[{title}]", [value], code
    elif isinstance(each, marshmallow_fields.Nested):
        yield from of_type(5, True, "a", ["a"])
        for title, value, code in bad_requests(each.schema):  # type: ignore[arg-type]
            yield f"{{{title}}}", value, code
    elif isinstance(each, Whole):
        yield from of_type("abc", 1.5, True, [1], {"a": 1}, 2**53, 2**63, -(2**53), 10**30, "1e3", "９")
        if each.choices:
            yield "no choice", 99, WRONG
        else:
            yield from of_type(*([each.least - 1] if each.least > -(2**53) + 1 else []), *([each.most + 1]))
    elif isinstance(each, Text):
        yield from bad_texts(each)
    elif isinstance(each, Flag):
        yield from of_type("perhaps", 2, 1.5, [True], {"a": 1})
    elif isinstance(each, Json):
        yield from of_type(5, True, "a", ["a"], {"a": SURROGATE}, {"a\x00": 1}, {"a": [{"b": "\x00"}]})
    elif isinstance(each, Upload):
        yield from of_type(5, True, ["a"], "no base64!", {"name": "x"}, {"name": "x", "content": 5}, "=" * 8, f"QUJD{SURROGATE}")


def bad_texts(each: Text) -> Iterator[Bad]:
    """What a text does not take: other types, too many characters, characters that cannot be stored or shown."""
    yield from of_type(["a"], {"a": 1})
    wrong = each.wrong_form.value
    start = plausible_text(each, "")
    for title, value in (
        ("too long", "x" * (each.longest + 1)),
        ("NUL", f"{start}\x00"),
        ("half a surrogate pair", f"{start}{SURROGATE}"),
        ("escape sequence", f"{start}\x1b[31m"),
        ("bell", f"{start}\x07"),
        ("DEL", f"{start}\x7f"),
    ):
        yield title, value, wrong
    if each.longest <= 255:
        yield "line break", f"{start}\n{start}", wrong
    if each.choices or each.pattern or isinstance(each, (Moment, Day)):
        yield "not of the form", "neither this nor that", wrong
    if isinstance(each, (Moment, Day)):
        yield "no such day", "2026-02-30", wrong


def of_type(*values: Any) -> Iterator[Bad]:
    """These values, all of a wrong type."""
    for value in values:
        if value is not None:
            yield f"{value!r:.40}", value, WRONG
