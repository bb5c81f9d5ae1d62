"""Reads what a process gives back: the file that ``RPA_OUTPUT`` names, written by a program that nobody has vouched for."""
from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

from plugins import InvalidInput

LARGEST = 1 << 20


def read_outputs(path: Path) -> list[dict[str, str]]:
    """The output parameters that the process wrote, [] if it wrote none. Raises InvalidInput for a file of any other form."""
    raw = _content(path)
    try:
        items = json.loads(raw.decode("utf-8-sig")) if raw.strip() else []
    except (ValueError, RecursionError) as error:
        raise InvalidInput("输出参数文件不是有效的 UTF-8 JSON") from error
    if not isinstance(items, list) or not all(_is_parameter(item) for item in items):
        raise InvalidInput('输出参数文件应为 [{"name": 名称, "value": 值}] 形式')
    by_name = {clean(item["name"]): item.get("value") for item in items}
    return [{"name": name, "value": _as_text(value)} for name, value in by_name.items()]


def _content(path: Path) -> bytes:
    try:
        # A process may have put a pipe or a link in the place of the file: neither wait for one nor follow the other.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise InvalidInput(f"输出参数文件不能读取：{error.strerror}") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise InvalidInput("输出参数文件应为普通文件")
    with open(descriptor, "rb") as stream:
        raw = stream.read(LARGEST + 1)
    if len(raw) > LARGEST:
        raise InvalidInput(f"输出参数文件不能超过 {LARGEST >> 20} MiB")
    return raw


def _is_parameter(item: Any) -> bool:
    return isinstance(item, dict) and isinstance(item.get("name"), str) and bool(item["name"].strip())


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    return clean(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def clean(text: str) -> str:
    """Text that every database and encoder takes: without NUL and half surrogates."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
