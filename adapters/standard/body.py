"""What is sent to a peer: the parameters that an operation's table has, in their printed types."""
from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from adapters.standard.answers import zone_of
from adapters.standard.form import DEFAULT_ZONE, chosen
from plugins import Connection
from plugins.fields import TIME_FORMAT, Id, Items, Part, Printed, Record, Upload
from plugins.files import FileContent
from plugins.operation import Operation


class Body:
    """The parameters of one request. What the operation does not know stays behind; ``seal`` encrypts secrets for the peer."""

    def __init__(self, operation: Operation, params: Mapping[str, Any], connection: Connection, seal: Callable[[str], str]) -> None:
        self._zone = zone_of(chosen(connection, "time_zone", DEFAULT_ZONE))
        self._additive = connection.options.get("additive") is not False
        self._seal = seal
        self.files: dict[str, FileContent] = {}
        self.secrets: list[str] = []
        self._values = self._record(operation.request(), params)

    def json(self) -> dict[str, Any]:
        """All of it as JSON, contents in base64."""
        return self._values | {name: base64.b64encode(file.read()).decode() for name, file in self.files.items()}

    def form(self) -> dict[str, str]:
        """All but the files as the texts of a form."""
        return {name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for name, value in self._values.items()}

    def _record(self, schema: Record, given: Mapping[str, Any]) -> dict[str, Any]:
        values = {}
        for name, field in schema.fields.items():
            value = given.get(name)
            if value is None or (isinstance(field, Printed) and field.additive and not self._additive):
                continue
            if isinstance(field, Upload):
                self.files[name] = value
            else:
                values[name] = self._value(value, field)
        return values

    def _value(self, value: Any, field: Any) -> Any:
        if getattr(field, "secret", False) and value:
            self.secrets.append(str(value))
            return self._seal(str(value))
        if isinstance(field, Part):
            return self._record(field.schema, value)  # type: ignore[arg-type]
        if isinstance(field, Items):
            inner: Any = field.inner
            return [self._record(inner.schema, each) if hasattr(inner, "schema") else self._value(each, inner) for each in value]
        if isinstance(field, Id):
            return _reference(value, getattr(field, "as_text", False))
        if isinstance(value, datetime):
            return value.astimezone(self._zone).strftime(TIME_FORMAT)
        return value.isoformat() if isinstance(value, date) else value


def _reference(value: Any, as_text: bool) -> int | str:
    """An id as the table prints it, a number; peers that have other ids get theirs back as they gave them."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and str(int(text)) == text and not as_text else text
