"""Reads what a peer answers, by the declarations of the standard's tables, and in all forms that the errata tell of.

Whole numbers may come as texts, absent values as null, as "" or not at all, objects and arrays as JSON texts, times with T or /, a field
under its printed name or the one that it has in the twin operation (errata E03, E14, E22, E23, E29 to E31, E34 to E36, E38).
"""
from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from datetime import datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from adapters.standard.codes import LEVELS, SOURCE
from plugins import VendorError
from plugins.fields import IN_A_LINE, IN_A_TEXT, ONE_LINE, Flag, Id, Instant, Items, Json, Level, Moment, Part, Record, Text, Whole
from plugins.normalise import VendorTime

logger = logging.getLogger(__name__)

FORMATS = ("%Y/%m/%d %H:%M:%S", "%Y/%m/%dT%H:%M:%S", "%Y/%m/%d %H:%M:%S.%f", "%Y/%m/%d %H:%M", "%Y/%m/%d")


def zone_of(name: str) -> tzinfo:
    """The zone of a peer's times. Raises VendorError for a name that is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise VendorError(f"连接选项 time_zone 不是有效的时区：{name[:64]}") from error


def broken(reason: str) -> VendorError:
    """The error of an answer that came and cannot be read: what was asked for may have been done."""
    error = VendorError(f"应答结构不符：{reason}")
    error.maybe_done = True
    return error


class Reader:
    """Reads answers of a peer whose times are in ``zone``."""

    def __init__(self, zone: tzinfo) -> None:
        self._time = VendorTime("standard times", zone=zone, formats=FORMATS, source=SOURCE)

    def data(self, body: Any, record: type[Record]) -> dict[str, Any]:
        """The ``data`` of an answer as the words of ``record``: ids as references, times aware, and nothing for what is absent."""
        data = _parsed(body.get("data"))
        if data in (None, ""):
            data = {}
        if not isinstance(data, Mapping):
            raise broken("data 不是对象")
        return self.record(data, record())

    def record(self, value: Mapping[str, Any], schema: Record) -> dict[str, Any]:
        """An object with the values of the fields that ``schema`` knows."""
        found = {}
        for name, names in _names(schema).items():
            given = next((value[each] for each in names if value.get(each) not in (None, "")), None)
            if given is not None:
                read = self._value(given, schema.fields[name], name)
                if read is not None:
                    found[name] = read
        return found

    def time(self, value: Any) -> datetime | None:
        """A moment in one of the forms that peers write."""
        return self._time(value)

    def _value(self, given: Any, field: Any, name: str) -> Any:
        if isinstance(field, Items):
            return list(self._items(_parsed(given), field, name))
        if isinstance(field, Part):
            part = _parsed(given)
            if not isinstance(part, Mapping):
                raise broken(f"{name} 不是对象")
            return self.record(part, field.schema)  # type: ignore[arg-type]
        return self._scalar(given, field, name)

    def _items(self, given: Any, field: Items, name: str) -> Iterator[Any]:
        if not isinstance(given, list):
            raise broken(f"{name} 不是数组")
        inner: Any = field.inner
        for each in map(_parsed, given) if hasattr(inner, "schema") else given:
            if each in (None, ""):
                continue
            if not hasattr(inner, "schema"):
                yield self._scalar(each, inner, name)
            elif isinstance(each, Mapping):
                yield self.record(each, inner.schema)
            else:
                raise broken(f"{name} 的元素不是对象")

    def _scalar(self, given: Any, field: Any, name: str) -> Any:
        if isinstance(field, Moment):
            return self._time(given)
        if isinstance(field, Json):
            value = _parsed(given)
            return dict(value) if isinstance(value, Mapping) else None
        if isinstance(field, Flag):
            return field.read(given)
        if isinstance(field, Level):
            return LEVELS(given)
        if isinstance(field, Id):
            return _reference(given, name)
        if isinstance(field, Whole):
            return _whole(given, field, name)
        if isinstance(field, Text):
            return _text(given, field)
        return given


def present(data: Mapping[str, Any]) -> dict[str, Any]:
    """An answer without the rows of its lists that are deleted at the peer (erratum E22)."""
    return {
        name: [row for row in value if not (isinstance(row, dict) and row.get("isDeleted"))] if isinstance(value, list) else value
        for name, value in data.items()
    }


def _names(schema: Record) -> dict[str, list[str]]:
    """The names under which each field may come: its own, and those that the tables have for it elsewhere. The finer form of a time goes first."""
    names: dict[str, list[str]] = {}
    for name, field in schema.fields.items():
        own = field.attribute or name
        listed = names.setdefault(own, [own] if own in schema.fields else [])
        if isinstance(field, Instant):
            listed.insert(0, name)
        elif name not in listed:
            listed.append(name)
    return names


def _parsed(value: Any) -> Any:
    """A value that may have come as its JSON text."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _reference(given: Any, name: str) -> str:
    if isinstance(given, float) and given.is_integer():
        given = int(given)
    if isinstance(given, bool) or not isinstance(given, (int, str)):
        raise broken(f"{name} 不是标识")
    return str(given).strip()


def _whole(given: Any, field: Whole, name: str) -> int | None:
    try:
        number = int(given) if isinstance(given, int) or float(given).is_integer() else None
    except (TypeError, ValueError, OverflowError):
        number = None
    if number is None or not field.least <= number <= field.most:
        logger.warning("%s: not a whole number that can be: %r", name, str(given)[:80])
        return None
    return number


def _text(given: Any, field: Text) -> str | None:
    text = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
    text = (IN_A_LINE if field.longest <= ONE_LINE else IN_A_TEXT).sub(" ", text)
    if field.choices:
        return text.strip().lower() if text.strip().lower() in field.choices else None
    return text[: field.longest]
