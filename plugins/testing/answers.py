"""Whether an adapter's answer can be given out: its words are those of the response, its ids are texts, its times have a zone."""
from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from marshmallow import ValidationError

from plugins.fields import Id, Items, Moment, Part, Record, Text, Upload
from plugins.records import Parameter


class CheckAnswer(Record):
    """connection_check."""

    product = Text("产品名称")
    version = Text("产品版本")


class ImportedPackage(Record):
    """connection_import, packages."""

    packageId = Id(kind="package")
    packageName = Text()
    packageVersion = Text()


class ImportedProcess(Record):
    """connection_import, processes."""

    processId = Id(kind="process")
    processName = Text()
    remark = Text()
    packageId = Id(kind="package")
    inParameters = Items(Parameter)


class ImportedRobot(Record):
    """connection_import, robots."""

    robotId = Id(kind="robot")
    robotName = Text()
    robotStatus = Text()


class ImportAnswer(Record):
    """connection_import."""

    packages = Items(ImportedPackage)
    processes = Items(ImportedProcess)
    robots = Items(ImportedRobot)


class WatchedTask(Record):
    """task_watch, one task."""

    taskId = Id(kind="task")
    taskState = Text()
    taskStatus = Text()
    outParameters = Items(Parameter)
    reason = Text(longest=1024)
    progress = Text()
    step = Text()
    startTime = Moment()
    stopTime = Moment()


class WatchAnswer(Record):
    """task_watch."""

    tasks = Items(WatchedTask)


class FindAnswer(Record):
    """task_find."""

    taskId = Id(kind="task")


class RunAnswer(Record):
    """task_run."""

    taskState = Text()
    outParameters = Items(Parameter)
    reason = Text(longest=1024)


class RecordingAnswer(Record):
    """recording_fetch."""

    content = Upload(required=True)


HOOK_ANSWERS: dict[str, type[Record]] = {
    "connection_check": CheckAnswer,
    "connection_import": ImportAnswer,
    "task_watch": WatchAnswer,
    "task_find": FindAnswer,
    "task_run": RunAnswer,
    "recording_fetch": RecordingAnswer,
}


def answer_problems(answer: Any, response: type[Record]) -> list[str]:
    """What is wrong with an answer to an operation with this response; empty when nothing is."""
    schema = response()
    problems = list(_misfits(answer, schema, "answer"))
    if problems:
        return problems
    try:
        schema.load(schema.dump(_with_numbers(answer, schema)))
    except (ValidationError, ValueError, TypeError, AttributeError) as error:
        return [f"cannot be given out: {error}"]
    return []


def _misfits(value: Any, schema: Record, where: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{where} is no object but {type(value).__name__}"
        return
    for name in value.keys() - _words(schema):
        yield f"{where} has {name}, which the response does not know"
    for name, field in schema.fields.items():
        given = value.get(field.attribute or name)
        if given is None:
            continue
        if isinstance(field, Id) and not (isinstance(given, str) and given):
            yield f"{where}.{name} must be the vendor's reference, a text, and is {given!r}"
        elif isinstance(field, Moment) and not (isinstance(given, datetime) and given.tzinfo is not None):
            yield f"{where}.{name} must be an aware datetime and is {given!r}"
        elif isinstance(field, Text) and not isinstance(field, Moment) and not isinstance(given, (str, int)):
            yield f"{where}.{name} must be a text and is {type(given).__name__}"
        elif isinstance(field, Items):
            yield from _item_misfits(given, field, f"{where}.{name}")


def _item_misfits(value: Any, field: Items, where: str) -> Iterator[str]:
    if not isinstance(value, (list, tuple)):
        yield f"{where} is no list but {type(value).__name__}"
        return
    inner: Any = field.inner
    for place, each in enumerate(value):
        if hasattr(inner, "schema"):
            yield from _misfits(each, inner.schema, f"{where}[{place}]")
        elif isinstance(inner, Id) and not (isinstance(each, str) and each):
            yield f"{where}[{place}] must be the vendor's reference, a text, and is {each!r}"


def _words(schema: Record) -> set[str]:
    return {field.attribute or name for name, field in schema.fields.items()}


def _with_numbers(value: Any, schema: Record) -> dict[str, Any]:
    """The answer with a number in the place of each reference, as the hub puts it there."""
    numbered = dict(value)
    for name, field in schema.fields.items():
        key = field.attribute or name
        given = numbered.get(key)
        if given is None:
            continue
        if isinstance(field, Id):
            numbered[key] = 1
        elif isinstance(field, Items):
            inner: Any = field.inner
            if isinstance(inner, Id):
                numbered[key] = [1 for _ in given]
            elif hasattr(inner, "schema"):
                numbered[key] = [_with_numbers(each, inner.schema) for each in given]
        elif isinstance(field, Part):
            numbered[key] = _with_numbers(given, field.schema)  # type: ignore[arg-type]
    return numbered
