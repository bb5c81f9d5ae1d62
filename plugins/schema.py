"""The base of all requests and responses, and what all field types share: modes, result codes, absent values (errata E23, E25)."""
from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from marshmallow import EXCLUDE, Schema, ValidationError, fields, missing, pre_load
from marshmallow.exceptions import SCHEMA
from marshmallow.schema import SchemaMeta

from plugins import codes
from plugins.codes import Code

ZONE = ZoneInfo("Asia/Shanghai")


class Problem(str):
    """A validation message that knows its result code."""

    code: Code

    def __new__(cls, code: Code, text: str) -> Problem:
        problem = super().__new__(cls, text)
        problem.code = code
        return problem


def problem(code: Code, text: str, field_name: str | None = None) -> ValidationError:
    """A validation error that will be answered with ``code``; ``field_name`` names the field where the schema as a whole complains."""
    return ValidationError([Problem(code, text)], field_name or SCHEMA)


class OwnFieldsFirst(SchemaMeta):
    """Puts a record's own fields before the inherited ones: the tables print what is particular first and the paging last."""

    @classmethod
    def get_declared_fields(
        mcs,  # noqa: N804 (marshmallow's own name)
        klass: SchemaMeta,
        cls_fields: list[tuple[str, fields.Field]],
        inherited_fields: list[tuple[str, fields.Field]],
        dict_cls: type[dict] = dict,
    ) -> dict[str, fields.Field]:
        own = dict(cls_fields)
        return dict_cls(own | {name: each for name, each in inherited_fields if name not in own})


class Record(Schema, metaclass=OwnFieldsFirst):
    """Base of every request and response: knows its mode (``strict``) and the wire's time zone.

    ``form``: what is read came as a form, which tells all values but files as texts, so that no types are insisted on (erratum E05).
    The name of a subclass is the name of the schema in the OpenAPI document.
    """

    class Meta:
        unknown = EXCLUDE

    error_messages = {"type": Problem(codes.PARAMETER_TYPE, "应为 JSON 对象")}

    def __init__(self, *, strict: bool = False, zone: ZoneInfo = ZONE, form: bool = False, **options: Any) -> None:
        self.strict = strict
        self.form = form
        self.zone = zone
        super().__init__(**options)

    @pre_load
    def _drop_absent(self, data: Any, **_: Any) -> Any:
        """An optional parameter that is null counts as absent (erratum E23), and so may an empty text."""
        if not isinstance(data, dict):
            return data
        return {key: value for key, value in data.items() if not self._is_absent(key, value)}

    def _is_absent(self, key: str, value: Any) -> bool:
        each = self.fields.get(key)
        if not isinstance(each, Printed) or each.mandatory:
            return False
        return value is None or (value == "" and not self.strict and (each.blank_is_absent or each.forgiving))


class Printed(fields.Field):
    """What all field types share: a description, a code for each kind of error, and the rule for absent values on output.

    ``additive``: not in the standard's table, always optional. ``secret``: never logged, shown or stored as it is. ``forgiving``: printed
    as mandatory, but may be left out in the lenient mode (errata E41, E57).
    """

    absent: Any = None
    blank_is_absent = True
    wrong_type: Code = codes.PARAMETER_TYPE

    def __init__(
        self,
        description: str = "",
        *,
        additive: bool = False,
        secret: bool = False,
        forgiving: bool = False,
        metadata: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        self.additive, self.secret, self.forgiving = additive, secret, forgiving
        metadata = {**({"description": description} if description else {}), **(metadata or {})}
        if secret:
            metadata["format"] = "password"
        if additive:
            metadata["x-additive"] = True
        options.setdefault("dump_default", None)
        super().__init__(metadata=metadata, **options)

    @property
    def description(self) -> str:
        """What the field means, as published."""
        return self.metadata.get("description", "")

    @property
    def exact(self) -> bool:
        """Whether only the printed JSON type is taken."""
        return bool(getattr(self.root, "strict", False)) and not getattr(self.root, "form", False)

    @property
    def mandatory(self) -> bool:
        """Whether the parameter must be there in the present mode."""
        return self.required and (bool(getattr(self.root, "strict", False)) or not self.forgiving)

    def make_error(self, key: str, **details: Any) -> ValidationError:
        code = {"required": codes.PARAMETER_MISSING, "null": codes.PARAMETER_EMPTY}.get(key, codes.PARAMETER_TYPE)
        texts = {"required": "缺少必填参数", "null": "参数不能为空"}
        return problem(code, texts.get(key, "类型或取值不正确"))

    def wrong(self, text: str, code: Code = codes.PARAMETER_TYPE) -> ValidationError:
        """The error of a value that has the wrong type, form or range."""
        return problem(code, text)

    def _validate_missing(self, value: Any) -> None:
        if value is not missing or self.mandatory:
            super()._validate_missing(value)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **_: Any) -> Any:
        return self.nothing() if value is None else self.emit(value)

    def nothing(self) -> Any:
        """What goes on the wire for an absent value (erratum E23)."""
        return self.absent

    def emit(self, value: Any) -> Any:
        """The value as it goes on the wire."""
        return value

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **options: Any) -> Any:
        """An empty text in the place of a number, a flag or a time is an empty parameter, as forms send it, rather than one of a wrong type."""
        if value == "" and self.required and self.blank_is_absent and not self.exact:
            raise self.make_error("null")
        return super().deserialize(value, attr, data, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> Any:
        return self.accept(value)

    def accept(self, value: Any) -> Any:
        """The value as the hub keeps it; raises when it cannot be read."""
        return value
