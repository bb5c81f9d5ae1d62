"""Field types of the standard's tables, as marshmallow fields with one typing rule for all operations (errata E23, E25, E36).

Each field takes its description as first argument (the 详细说明 column, published in the OpenAPI document) and ``required=True``
where the table prints 是. Two ways to read a request:

* strict: only the printed JSON type is taken;
* lenient: lossless other forms are coerced ("12" for 12, "true" for true, 12 for "12"), and an empty text where the table prints no
  free text counts as absent, as forms send it.

Answers are emitted as printed: every documented key, null for an unknown int or boolean, "" for an unknown string or time, [] for arrays.
"""
from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any

from marshmallow import Schema, fields

from plugins import codes
from plugins.codes import Code
from plugins.files import FileContent
from plugins.schema import ZONE, Printed, Problem, Record, problem

__all__ = [
    "LOG_LEVELS", "SAFE_INTEGER", "TIME_FORMAT", "ZONE", "Day", "Days", "Flag", "Id", "Instant", "Items", "Json", "Level", "Moment",
    "Part", "Printed", "Problem", "Record", "Text", "Upload", "Whole", "problem",
]

TIME_FORMAT = "%Y-%m-%d %H:%M:%S"
SAFE_INTEGER = 2**53 - 1
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
# Control characters could forge lines of a log or steer a terminal. Long texts may have tabs and line breaks, short ones are one line.
ONE_LINE = 255
IN_A_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
IN_A_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
LOG_LEVELS = ("trace", "debug", "info", "warn", "error")


class Text(Printed, fields.String):
    """string. ``longest`` bounds its length in characters; ``any_case`` reads the choices in any case and keeps them as declared.

    ``or_number``: the table prints int where a text must be meant, so that a whole number is taken in every mode (erratum E35).
    """

    absent = ""
    wrong_form: Code = codes.PARAMETER_TYPE

    def __init__(
        self,
        description: str = "",
        *,
        longest: int = 255,
        choices: tuple[str, ...] = (),
        any_case: bool = False,
        pattern: str = "",
        or_number: bool = False,
        **options: Any,
    ) -> None:
        self.longest, self.choices, self.pattern = longest, choices, pattern
        self.any_case, self.or_number = any_case, or_number
        self.blank_is_absent = bool(choices or pattern)
        metadata: dict[str, Any] = {"maxLength": longest, **({"type": ["string", "integer"]} if or_number else {})}
        if choices:
            # An unknown value is emitted as "", so a published list of choices has to allow it.
            metadata = {"enum": [*choices] if options.get("required") else [*choices, ""]}
        if pattern:
            metadata["pattern"] = f"^({pattern})$" if options.get("required") else f"^({pattern})?$"
        super().__init__(description, metadata=metadata, **options)

    def accept(self, value: Any) -> Any:
        text = self.read(value)
        if self.any_case:
            text = {each.lower(): each for each in self.choices}.get(text.strip().lower(), text)
        if self.choices and text not in self.choices:
            raise self.wrong(f"取值应为 {'、'.join(self.choices)} 之一", self.wrong_form)
        if self.pattern and not re.fullmatch(self.pattern, text):
            raise self.wrong("格式不正确", self.wrong_form)
        return text

    def read(self, value: Any) -> str:
        """The value as a text that can be stored and shown: not too long, without control characters, and all of it UTF-8."""
        if (not self.exact and isinstance(value, (bool, int, float))) or (self.or_number and type(value) is int):
            value = json.dumps(value)
        if not isinstance(value, str):
            raise self.wrong("应为字符串")
        if self.required and not value.strip():
            raise self.make_error("null")
        if len(value) > self.longest:
            raise self.wrong(f"长度不能超过 {self.longest} 个字符", self.wrong_form)
        if (IN_A_LINE if self.longest <= ONE_LINE else IN_A_TEXT).search(value):
            raise self.wrong("包含不允许的字符", self.wrong_form)
        return value

    def emit(self, value: Any) -> str:
        """A text as it is; what a vendor gave as another JSON value, as its JSON text (erratum E62)."""
        return json.dumps(value, ensure_ascii=False) if isinstance(value, (bool, dict, list)) else str(value)


class Level(Text):
    """A log level: trace, debug, info, warn or error, in any case; an unknown one is 10401 (erratum E61)."""

    wrong_form = codes.LOG_LEVEL

    def __init__(self, description: str = "", **options: Any) -> None:
        super().__init__(description, choices=LOG_LEVELS, any_case=True, **options)

    def emit(self, value: Any) -> str:
        return super().emit(value).lower()


class Moment(Text):
    """A time ``yyyy-MM-dd HH:mm:ss`` in the deployment's zone; in the hub an aware UTC datetime (erratum E14)."""

    wrong_form = codes.TIME_FORMAT

    def __init__(self, description: str = "", **options: Any) -> None:
        super().__init__(description, longest=40, **options)
        self.blank_is_absent = True

    def accept(self, value: Any) -> datetime:
        text = self.read(value).strip()
        try:
            moment = datetime.strptime(text, TIME_FORMAT) if self.exact else datetime.fromisoformat(text.replace("/", "-"))
            if self.exact and str(moment) != text:
                raise ValueError("digits are missing")
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=getattr(self.root, "zone", ZONE))
            return moment.astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise self.wrong("时间格式应为 yyyy-MM-dd HH:mm:ss", self.wrong_form) from error

    def emit(self, value: Any) -> str:
        """Raises ValueError for a datetime without a zone: guessing one would shift the time without a trace."""
        return value if isinstance(value, str) else self.local(value).replace(tzinfo=None).isoformat(" ", "seconds")

    def local(self, value: datetime) -> datetime:
        """The time in the deployment's zone."""
        if value.tzinfo is None:
            raise ValueError(f"{self.name}: a time without a zone")
        return value.astimezone(getattr(self.root, "zone", ZONE))


class Instant(Moment):
    """The same time in ISO 8601 with milliseconds and offset; only ever beside a printed time (erratum E14)."""

    def emit(self, value: Any) -> str:
        return value if isinstance(value, str) else self.local(value).isoformat(timespec="milliseconds")


class Day(Text):
    """A day ``yyyy-MM-dd``; leniently also ``yyyyMMdd`` and ``yyyy/MM/dd``. In the hub a date (erratum E49)."""

    wrong_form = codes.TIME_FORMAT
    form = re.compile(r"(\d{4})([-/]?)(\d{2})\2(\d{2})", re.ASCII)

    def __init__(self, description: str = "", **options: Any) -> None:
        super().__init__(description, longest=10, **options)
        self.blank_is_absent = True

    def accept(self, value: Any) -> date:
        found = self.form.fullmatch(self.read(value).strip())
        try:
            if not found or (self.exact and found[2] != "-"):
                raise ValueError("not the form of a day")
            return date(int(found[1]), int(found[3]), int(found[4]))
        except ValueError as error:
            raise self.wrong("日期格式应为 yyyy-MM-dd", self.wrong_form) from error

    def emit(self, value: Any) -> str:
        return value if isinstance(value, str) else value.isoformat()


class Whole(Printed, fields.Integer):
    """int, at most 53 bits. ``as_text`` emits it as a digit string where a table prints string (errata E36, E38)."""

    form = re.compile(r"[+-]?\d{1,19}", re.ASCII)

    def __init__(
        self,
        description: str = "",
        *,
        choices: tuple[int, ...] = (),
        least: int = -SAFE_INTEGER,
        most: int = SAFE_INTEGER,
        as_text: bool = False,
        **options: Any,
    ) -> None:
        self.choices, self.least, self.most, self.as_text = choices, least, most, as_text
        nullable = not (as_text or options.get("required"))
        options.setdefault("allow_none", nullable)
        metadata: dict[str, Any] = {}
        if as_text:
            self.absent = ""
            metadata["type"] = "string"
        elif choices:
            metadata["enum"] = [*choices, None] if nullable else [*choices]
        else:
            bounds = {"minimum": least, "maximum": most}
            metadata |= {name: bound for name, bound in bounds.items() if abs(bound) < SAFE_INTEGER}
        super().__init__(description, metadata=metadata, **options)

    def accept(self, value: Any) -> int:
        digits = isinstance(value, str) and (self.as_text or not self.exact) and self.form.fullmatch(value.strip())
        if digits or (isinstance(value, float) and value.is_integer() and not self.exact):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.wrong("应为整数")
        if not self.least <= value <= self.most:
            raise self.wrong("数值超出范围")
        if self.choices and value not in self.choices:
            raise self.wrong(f"取值应为 {'、'.join(map(str, self.choices))} 之一")
        return value

    def emit(self, value: Any) -> int | str:
        return str(value) if self.as_text else int(value)


class Id(Whole):
    """The hub's id of a thing of ``kind`` ("department", "robot", …): rights, isolation and vendor references hang on it (erratum E24)."""

    def __init__(self, description: str = "", *, kind: str, **options: Any) -> None:
        self.kind = kind
        super().__init__(description, least=0, **options)


class Flag(Printed, fields.Boolean):
    """boolean."""

    forms = {"true": True, "false": False, "1": True, "0": False}

    def __init__(self, description: str = "", **options: Any) -> None:
        options.setdefault("allow_none", not options.get("required"))
        super().__init__(description, **options)

    def accept(self, value: Any) -> bool:
        flag = value if isinstance(value, bool) else None if self.exact else self.read(value)
        if flag is None:
            raise self.wrong("应为布尔值 true 或 false")
        return flag

    def emit(self, value: Any) -> bool | None:
        """A value that says neither true nor false is unknown, thus null."""
        return self.read(value)

    def read(self, value: Any) -> bool | None:
        """The truth value of true, "true", 1, "1" and their opposites; None for anything else."""
        return self.forms.get(str(value).strip().lower()) if isinstance(value, (bool, int, str)) else None


class Inner(fields.Nested):
    """A record inside a record, read and written in the mode and the zone of the outer one."""

    @property
    def schema(self) -> Schema:
        record = super().schema
        if isinstance(record, Record) and isinstance(self.root, Record):
            record.strict, record.zone, record.form = self.root.strict, self.root.zone, self.root.form
        return record


class Items(Printed, fields.List):
    """array of one field type, at most ``most`` long."""

    def __init__(self, inner: fields.Field | type[Record], description: str = "", *, most: int = 10_000, **options: Any) -> None:
        self.most = most
        item = Inner(inner) if isinstance(inner, type) else inner
        item.allow_none = False
        if isinstance(item, (Text, Whole)) and item.choices:
            # An element is never absent, so that neither null nor "" belongs to its choices.
            item.metadata = {**item.metadata, "enum": [*item.choices]}
        Printed.__init__(self, description, cls_or_instance=item, **options)

    def nothing(self) -> list[Any]:
        return []

    def emit(self, value: Any) -> list[Any]:
        return fields.List._serialize(self, value, None, None) or []

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> Any:
        if isinstance(value, str) and not self.exact:
            value = parse_json(value, self)
        if not isinstance(value, list):
            raise self.wrong("应为数组")
        if self.required and not value:
            raise self.make_error("null")
        if len(value) > self.most:
            raise self.wrong(f"数组元素不能超过 {self.most} 个")
        return fields.List._deserialize(self, value, attr, data, **options)


class Days(Items):
    """array of days; leniently also of ranges ``{"start", "end"}``. In the hub a sorted list of dates, each once (erratum E49)."""

    day = Day()

    def __init__(self, description: str = "", **options: Any) -> None:
        super().__init__(Day(), description, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> Any:
        if isinstance(value, str) and not self.exact:
            value = parse_json(value, self)
        if isinstance(value, list) and not self.exact:
            days = (day for each in value for day in (self.spread(each) if isinstance(each, dict) else [each]))
            value = list(islice(days, self.most + 1))
        return sorted(set(super()._deserialize(value, attr, data, **options)))

    def spread(self, span: dict[str, Any]) -> list[str]:
        """The days from ``start`` to ``end``, both included."""
        start, end = (self.day.accept(span.get(key)) for key in ("start", "end"))
        length = (end - start).days + 1
        if not 0 < length <= self.most:
            raise self.wrong("日期范围不正确", codes.TIME_FORMAT)
        return [str(start + timedelta(days=offset)) for offset in range(length)]


class Part(Printed, Inner):  # type: ignore[misc]  # the two bases name the same parameters differently
    """json: one nested record."""

    def __init__(self, record: type[Record], description: str = "", **options: Any) -> None:
        Printed.__init__(self, description, nested=record, **options)

    def nothing(self) -> Any:
        return self.emit({})

    def emit(self, value: Any) -> Any:
        return self.schema.dump(value)

    def accept(self, value: Any) -> Any:
        if isinstance(value, str) and not self.exact:
            value = parse_json(value, self)
        return self._load(value)


class Json(Printed, fields.Raw):
    """Any JSON object, passed on as it is. Used for options whose keys an adapter names."""

    def __init__(self, description: str = "", **options: Any) -> None:
        super().__init__(description, metadata={"type": "object"}, **options)

    def nothing(self) -> dict[str, Any]:
        return {}

    def accept(self, value: Any) -> dict[str, Any]:
        if isinstance(value, str) and not self.exact:
            value = parse_json(value, self)
        if not isinstance(value, dict):
            raise self.wrong("应为 JSON 对象")
        if any(UNSTORABLE.search(text) for text in texts_in(value)):
            raise self.wrong("包含不允许的字符")
        return value


class Upload(Printed, fields.Raw):
    """file: a part of a multipart form, base64 text, or ``{"name", "content"}`` with base64 content (erratum E05)."""

    def __init__(self, description: str = "", **options: Any) -> None:
        super().__init__(description, metadata={"type": "string", "format": "binary"}, **options)

    def accept(self, value: Any) -> FileContent:
        if isinstance(value, FileContent):
            return value
        name = ""
        if isinstance(value, dict):
            name, value = str(value.get("name") or ""), value.get("content")
        if not isinstance(value, str):
            raise self.wrong("应为上传文件、base64 文本或 {name, content}")
        try:
            content = base64.b64decode("".join(value.split()), validate=True)
        except (binascii.Error, ValueError) as error:
            raise self.wrong("文件内容不是有效的 base64") from error
        if not content:
            raise self.make_error("null")
        return FileContent.of(content, name)


def texts_in(value: Any) -> Iterator[str]:
    """All texts of a JSON value, keys included, however deep it goes."""
    left = [value]
    while left:
        each = left.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, dict):
            left += [*each.keys(), *each.values()]
        elif isinstance(each, list):
            left += each


def parse_json(text: str, field: Printed) -> Any:
    """The value of a JSON text, as form fields carry arrays and objects."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise field.wrong("不是有效的 JSON") from error
