"""What a package is: its kind, what is started, and the parameters it declares. Written in ``rpa.toml`` or seen from its files."""
from __future__ import annotations

import re
import shutil
import sys
import tomllib
from collections.abc import Collection
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from adapters.native.limits import NONE, Bounds
from adapters.native.outputs import clean
from plugins import HubError, InvalidInput

if TYPE_CHECKING:
    from adapters.native.environments import Environment

FILE = "rpa.toml"
LARGEST = 64 * 1024
KINDS = ("python", "robot", "robocorp", "command")
KEYS = {"kind", "entry", "arguments", "parameters", "desktop", "requirements", "limits"}
MOST_REQUIREMENTS = 500
PARAMETER_KEYS = {"default", "description", "required"}


@dataclass(frozen=True)
class Manifest:
    """``entry`` holds one path, or several for Robot Framework; ``defaults`` and ``required`` come from the declared parameters.

    ``desktop``: the process needs a display of its own. ``requirements`` are lines for pip, ``limits`` what the package bounds itself to.
    """

    kind: str
    entry: tuple[str, ...]
    arguments: tuple[str, ...] = ()
    defaults: dict[str, str] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    desktop: bool = False
    requirements: tuple[str, ...] = ()
    limits: Bounds = NONE

    def inputs(self, given: list[dict[str, Any]]) -> dict[str, str]:
        """The values of a run: those ``given``, over the declared defaults. Raises InvalidInput when a required one is missing."""
        values = {**self.defaults, **{clean(item["name"]): as_text(item.get("value")) for item in given}}
        missing = sorted(self.required - values.keys())
        if missing:
            raise InvalidInput(f"缺少流程参数：{'、'.join(missing)}")
        return values


def as_text(value: Any) -> str:
    """A parameter's value as the text that a process is given."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else clean(str(value))


def read_manifest(files: Collection[PurePosixPath], toml: bytes | None) -> Manifest:
    """The manifest of a package with these ``files``; ``toml`` is the content of its ``rpa.toml``. Raises InvalidInput."""
    return _seen(files) if toml is None else _declared(files, toml)


def _seen(files: Collection[PurePosixPath]) -> Manifest:
    """The kind of a package without a manifest: main.py, then Robot Framework suites, then tasks.py."""
    top = sorted(path.name for path in files if len(path.parts) == 1)
    if "main.py" in top:
        return Manifest("python", ("main.py",))
    if "__init__.robot" in top:
        return Manifest("robot", (".",))
    suites = tuple(name for name in top if name.endswith(".robot"))
    if suites:
        return Manifest("robot", suites)
    if "tasks.py" in top:
        return Manifest("robocorp", ("tasks.py",))
    folders = tuple(sorted({path.parts[0] for path in files if len(path.parts) > 1 and path.suffix == ".robot"}))
    if folders:
        return Manifest("robot", folders)
    raise InvalidInput(f"流程包没有入口：应有 main.py、*.robot、tasks.py 或 {FILE}")


def _declared(files: Collection[PurePosixPath], toml: bytes) -> Manifest:
    try:
        table = tomllib.loads(toml.decode("utf-8-sig"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise wrong(f"不是有效的 TOML（{error}）") from error
    unknown = sorted(table.keys() - KEYS)
    if unknown:
        raise wrong(f"没有 {unknown[0]} 这一项")
    kind = table.get("kind")
    if kind not in KINDS:
        raise wrong(f"kind 应为 {'、'.join(KINDS)} 之一")
    arguments = table.get("arguments", [])
    if not isinstance(arguments, list) or not all(isinstance(item, str) and "\0" not in item for item in arguments):
        raise wrong("arguments 应为文本数组")
    desktop = table.get("desktop", False)
    if not isinstance(desktop, bool):
        raise wrong("desktop 应为 true 或 false")
    defaults, required = _parameters(table.get("parameters", {}))
    entry = (_entry(files, kind, table.get("entry")),)
    return Manifest(
        kind,
        entry,
        tuple(arguments),
        defaults,
        required,
        desktop=desktop,
        requirements=_requirements(table.get("requirements", [])),
        limits=_limits(table.get("limits", {})),
    )


def _requirements(lines: Any) -> tuple[str, ...]:
    if not isinstance(lines, list) or len(lines) > MOST_REQUIREMENTS or not all(isinstance(line, str) and line.isprintable() for line in lines):
        raise wrong('requirements 应为文本数组，如 ["openpyxl>=3.1"]')
    return tuple(lines)


def _limits(table: Any) -> Bounds:
    if not isinstance(table, dict) or table.keys() - Bounds.__dataclass_fields__.keys():
        raise wrong("limits 只能有 memory、cpu_seconds、file_size")
    try:
        return Bounds.of(table)
    except InvalidInput as error:
        raise wrong(error.reason) from error


def _entry(files: Collection[PurePosixPath], kind: str, entry: Any) -> str:
    if not isinstance(entry, str) or not entry.strip() or "\0" in entry:
        raise wrong("缺少 entry")
    if kind == "command" and re.fullmatch(r"[\w.+-]+", entry) and PurePosixPath(entry) not in files:
        return entry  # A program of the machine, looked for on its PATH when the task starts.
    path = PurePosixPath(entry)
    if path.is_absolute() or ".." in path.parts or "\\" in entry:
        raise wrong("entry 应为包内的相对路径")
    is_folder = any(path in file.parents for file in files)
    if path not in files and not (kind == "robot" and is_folder):
        raise wrong(f"entry 在包内不存在：{entry[:80]}")
    return str(path)


def _parameters(table: Any) -> tuple[dict[str, str], frozenset[str]]:
    if not isinstance(table, dict):
        raise wrong("parameters 应为表")
    defaults: dict[str, str] = {}
    required: set[str] = set()
    for name, declared in table.items():
        about = declared if isinstance(declared, dict) else {"default": declared}
        if about.keys() - PARAMETER_KEYS or not isinstance(about.get("required", False), bool):
            raise wrong(f"参数 {name} 只能有 default、description、required")
        if "default" in about:
            if not isinstance(about["default"], (str, int, float, bool)):
                raise wrong(f"参数 {name} 的默认值应为文本、数字或布尔值")
            defaults[name] = as_text(about["default"])
        elif about.get("required"):
            required.add(name)
    return defaults, frozenset(required)


def wrong(reason: str) -> InvalidInput:
    """The error of a manifest that cannot be used."""
    return InvalidInput(f"流程包清单 {FILE} 有误：{reason}")


def command_line(manifest: Manifest, work: Path, robot_output: Path, log_level: str, environment: Environment | None = None) -> list[str]:
    """What is executed in the folder ``work``, inside of ``environment`` or of the robot's own.

    Raises HubError when this machine, or the environment, lacks what the package needs.
    """
    python = str(environment.python) if environment is not None else sys.executable
    if manifest.kind == "python":
        return [python, *manifest.entry, *manifest.arguments]
    if manifest.kind == "robot":
        level = {"trace": "TRACE", "debug": "DEBUG"}.get(log_level, "INFO")
        return [
            python, "-m", "robot", "--console", "none", "--outputdir", str(robot_output), "--report", "none",
            "--loglevel", level, "--listener", "rpa_listener.Listener", "--variablefile", "rpa_variables.py",
            *manifest.arguments, *manifest.entry,
        ]
    if manifest.kind == "robocorp":
        if environment is not None and not environment.has("robocorp/tasks"):
            raise HubError("流程包的依赖中没有 robocorp，不能执行 tasks.py 流程包")
        if environment is None and (find_spec("robocorp") is None or find_spec("robocorp.tasks") is None):
            raise HubError("本机的 Python 环境未安装 robocorp，流程包也没有声明依赖，不能执行 tasks.py 流程包")
        return [python, "-m", "robocorp.tasks", "run", "--console-colors", "plain", *manifest.entry, *manifest.arguments]
    inside = work / manifest.entry[0]
    if inside.is_file():
        inside.chmod(inside.stat().st_mode | 0o100)
        return [str(inside), *manifest.arguments]
    program = environment.program(manifest.entry[0]) if environment is not None else shutil.which(manifest.entry[0])
    if program is None:
        raise HubError(f"本机没有程序 {manifest.entry[0]}")
    return [program, *manifest.arguments]
