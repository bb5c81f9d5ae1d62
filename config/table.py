"""The table of all settings that `rpahub settings` shows."""
from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Literal, get_args, get_origin

from pydantic import SecretStr

from config.settings import PREFIX, Settings, source

MASK = "***"


@dataclass(frozen=True)
class Row:
    """One setting. ``source`` is where its value comes from: environment, file or default."""

    name: str
    variable: str
    type: str
    default: str
    meaning: str
    value: str
    source: str


def rows(settings: Settings) -> list[Row]:
    """Every setting with its present value; secrets are masked."""
    return [
        Row(
            name=name,
            variable=f"{PREFIX}{name.upper()}",
            type=_type(field.annotation),
            default=_text(field.default),
            meaning=field.description or "",
            value=_text(getattr(settings, name)),
            source=source(name),
        )
        for name, field in Settings.model_fields.items()
    ]


def _text(value: Any) -> str:
    if isinstance(value, SecretStr):
        return MASK if value.get_secret_value() else '""'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    return str(value) if value != "" else '""'


def _type(annotation: Any) -> str:
    """The type in words that an operator knows."""
    if get_origin(annotation) is Literal:
        return " or ".join(map(str, get_args(annotation)))
    if isinstance(annotation, UnionType):
        return " or ".join(map(_type, get_args(annotation)))
    if get_origin(annotation) is list:
        return "list of texts in JSON"
    return {bool: "true or false", int: "whole number", float: "number", Path: "path", SecretStr: "secret text", str: "text"}[annotation]
