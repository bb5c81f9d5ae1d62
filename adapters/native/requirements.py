"""What a package needs of other people's Python packages: written in ``rpa.toml``, ``requirements.txt``, or robocorp's two files."""
from __future__ import annotations

import hashlib
import json
import platform
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import Any

from adapters.native.manifest import LARGEST, Manifest
from plugins import InvalidInput

FILE = "requirements.txt"
WHEELS = "wheels"
ROBOCORP = {"package.yaml": "pypi", "conda.yaml": "pip"}
COMMENT = re.compile(r"(^|\s)#.*$")
INCLUDED = re.compile(r"(?:-r|-c|--requirement|--constraint)[\s=]+(\S+)")
# What lies in the package itself: its content counts then, and not only its name.
LOCAL = re.compile(r"(-e|--editable|-f|--find-links)\b|[./~]|file:|.*@\s*file:|[^@:]*\.(whl|zip|tar\.gz)\b")
# The same in the other ways that pip takes: -rmore.txt, --req=more.txt, several options in one line.
TAKES_IN = re.compile(r"^-(?:.*\s-)?(?:[rc]|-r(?!equire-hashes)|-c)")
DEEPEST = 8


@dataclass(frozen=True)
class Requirements:
    """``lines`` is what counts; ``file`` is what pip reads, None where the lines have to be written for it.

    ``key`` tells environments apart: the same lines for the same interpreter are one.
    """

    lines: tuple[str, ...]
    file: str | None
    key: str
    has_wheels: bool


def requirements_of(package: Path, manifest: Manifest) -> Requirements | None:
    """The requirements of an unpacked package, None when it needs nothing. Raises InvalidInput for files that cannot be read."""
    file = None
    if manifest.requirements:
        lines = [_tidy(line) for line in manifest.requirements]
    elif (package / FILE).is_file():
        file, lines = FILE, _lines(package, PurePosixPath(FILE), 0)
    else:
        lines = _robocorp(package) if manifest.kind == "robocorp" else []
    lines = sorted({line for line in lines if line})
    if not [line for line in lines if not line.startswith("-")]:
        return None
    has_wheels = (package / WHEELS).is_dir()
    own = package.name if has_wheels or any(line.startswith("-") or LOCAL.match(line) for line in lines) else ""
    about = [lines, own, sys.implementation.name, platform.python_version(), platform.machine(), sys.prefix, version("robotframework")]
    key = hashlib.sha256(json.dumps(about).encode()).hexdigest()[:32]
    return Requirements(tuple(lines), file, key, has_wheels)


def _tidy(line: str) -> str:
    return " ".join(COMMENT.sub("", line).split())


def _lines(package: Path, path: PurePosixPath, depth: int) -> list[str]:
    """The lines of a file and of those that it includes, without comments."""
    if path.is_absolute() or ".." in path.parts or depth > DEEPEST:
        raise InvalidInput(f"{FILE} 只能引用包内的文件：{str(path)[:80]}")
    found: list[str] = []
    for line in map(_tidy, _joined(_text(package, str(path)))):
        included = INCLUDED.fullmatch(line)
        if included:
            found += _lines(package, path.parent / included[1], depth + 1)
        elif TAKES_IN.search(line):
            raise InvalidInput(f"{FILE} 中的 -r、-c 应单独成行，与文件名以空格隔开：{line[:80]}")
        else:
            found.append(line)
    return found


def _joined(text: str) -> Iterator[str]:
    """The lines with what is continued in the next one, as pip joins them: a comment is never continued."""
    begun = ""
    for line in text.splitlines():
        is_comment = COMMENT.match(line) is not None
        if line.endswith("\\") and not is_comment:
            begun += line.strip("\\")
            continue
        yield f"{begun} {line}" if is_comment else begun + line
        begun = ""
    if begun:
        yield begun


def _text(package: Path, name: str) -> str:
    try:
        with (package / name).open("rb") as stream:
            raw = stream.read(LARGEST + 1)
        if len(raw) > LARGEST:
            raise InvalidInput(f"{name} 不能超过 {LARGEST >> 10} KiB")
        return raw.decode("utf-8-sig").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{name[:80]} 不存在，或不是 UTF-8 文本") from error


def _robocorp(package: Path) -> list[str]:
    """The packages for pip in robocorp's files. What they say of the interpreter and of conda is not for this runtime."""
    import yaml

    for name, section in ROBOCORP.items():
        if not (package / name).is_file():
            continue
        try:
            table: Any = yaml.safe_load(_text(package, name))
        except (yaml.YAMLError, RecursionError) as error:
            raise InvalidInput(f"{name} 不是有效的 YAML") from error
        needs = table.get("dependencies") if isinstance(table, dict) else None
        for part in needs if isinstance(needs, list) else [needs]:
            lines = part.get(section) if isinstance(part, dict) else None
            if isinstance(lines, list) and all(isinstance(line, str) for line in lines):
                return [_pinned(_tidy(line)) for line in lines]
    return []


def _pinned(line: str) -> str:
    """``name=1.2``, as robocorp's package.yaml writes it, in the way of pip."""
    return re.sub(r"(?<![=<>!~])=(?!=)", "==", line)
