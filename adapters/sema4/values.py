"""Parameter values: the standard has texts, an action has JSON of the types in its schema (erratum E62)."""
from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from adapters.sema4.client import Action
from plugins import InvalidInput, codes

BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


def inputs(action: Action, parameters: list[Mapping[str, Any]]) -> dict[str, Any]:
    """The action's JSON inputs from ``[{name, value}]``.

    An empty value for anything but a text counts as not given, so that the action's own default holds. Only what decides about the
    conversion is checked; all else is the server's to refuse. Raises InvalidInput.
    """
    body: dict[str, Any] = {}
    for parameter in parameters:
        name, value = str(parameter.get("name") or ""), parameter.get("value")
        kinds = _kinds(action.parameters.get(name))
        if value is None or (value == "" and "string" not in kinds):
            continue
        body[name] = _converted(name, str(value), kinds)
    missing = [name for name in action.required if name not in body]
    if missing:
        raise InvalidInput(f"缺少必填入参：{'、'.join(map(str, missing))}", code=codes.PARAMETER_MISSING)
    return body


def _kinds(schema: Any) -> set[str]:
    """The JSON types that a schema allows; "string" for an input that the action does not declare."""
    if not isinstance(schema, Mapping):
        return {"string"}
    if isinstance(schema.get("type"), str):
        return {schema["type"]}
    choices = [each for key in ("anyOf", "oneOf") for each in schema.get(key) or []]
    return set().union(*(_kinds(each) for each in choices)) if choices else {"any"}


def _converted(name: str, text: str, kinds: set[str]) -> Any:
    if "string" in kinds:
        return text
    try:
        if kinds == {"boolean"}:
            return BOOLEANS[text.strip().lower()]
        value = json.loads(text, parse_constant=_refused)
    except (ValueError, KeyError, RecursionError) as error:
        if "any" in kinds:
            return text
        raise InvalidInput(f"入参 {name} 的值不能转换为 {'、'.join(sorted(kinds))}") from error
    if kinds == {"integer"} and isinstance(value, float) and math.isfinite(value) and value.is_integer():
        return int(value)
    return value


def _refused(constant: str) -> Any:
    raise ValueError(constant)


def outputs(result: str) -> list[dict[str, str]]:
    """Out parameters from a run's result: an object gives one for each key, anything else one called "result"."""
    if not result:
        return []
    try:
        value = json.loads(result)
    except ValueError:
        value = result
    named = value if isinstance(value, dict) else {"result": value}
    return [{"name": str(name), "value": as_text(each)} for name, each in named.items()]


def as_text(value: Any) -> str:
    """A JSON value as parameter text: texts as they are, nothing as empty, all else as JSON."""
    return "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
