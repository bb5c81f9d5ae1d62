"""Who may import whom, read from the source: the hub and the adapters know each other only through ``plugins``."""
from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Part of the tree -> the parts that it may import, itself included.
ALLOWED = {
    "config": {"config"},
    "plugins": {"plugins"},
    "adapters": {"adapters", "plugins"},
    "hub": {"hub", "plugins", "config"},
}
# A module of another distribution that only one of our files may import.
ONE_PLACE = {"requests": "plugins/http.py", "urllib3": "plugins/http.py"}
OTHER_CLIENTS = {"httpx", "aiohttp", "http.client", "urllib.request"}

VENDORS = re.compile(
    r"uipath|automation.?anywhere|a360|blue.?prism|yingdao|shadowbot|laiye|uibot|sema4|robocorp|encoo|i-?search|cyclone"
    r"|影刀|来也|云扩|艺赛旗|金智维|弘玑|容智|实在智能",
    re.IGNORECASE,
)


def sources(part: str) -> Iterator[Path]:
    """The Python files of a part that are shipped: tests look inside and import what they like."""
    for path in sorted((ROOT / part).rglob("*.py")):
        if "tests" not in path.parts and not path.name.startswith("test_") and path.name != "conftest.py":
            yield path


def imported(path: Path) -> Iterator[str]:
    """The full names of the modules that a file imports, wherever in the file it does so."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text("utf-8"), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(filter(None, (base, node.module)))
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("importlib.import_module", "import_module", "__import__"):
            yield from (argument.value for argument in node.args[:1] if isinstance(argument, ast.Constant))


def ours(name: str) -> str | None:
    part = name.split(".", maxsplit=1)[0]
    return part if part in ALLOWED else None


def test_there_is_something_to_look_at() -> None:
    assert {part for part in ALLOWED if next(sources(part), None)} == set(ALLOWED)


@pytest.mark.parametrize("part", ALLOWED)
def test_parts_import_what_they_may(part: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sources(part) for name in imported(path)
        if (ours(name) or part) not in ALLOWED[part]
    ]
    assert not wrong, "\n".join(wrong)


def test_no_adapter_imports_another() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sources("adapters") for name in imported(path)
        if name.startswith("adapters.") and name.split(".")[1] != path.relative_to(ROOT).parts[1]
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("library", ONE_PLACE)
def test_the_wire_is_touched_in_one_place(library: str) -> None:
    users = {str(path.relative_to(ROOT)) for part in ALLOWED for path in sources(part) for name in imported(path) if name.split(".")[0] == library}
    assert users <= {ONE_PLACE[library]}


def test_adapters_reach_their_vendors_through_the_seam() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sources("adapters") for name in imported(path) if name in OTHER_CLIENTS or name.split(".")[0] in OTHER_CLIENTS
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("part", ["hub", "config", "plugins"])
def test_no_vendor_is_named_outside_its_folder(part: str) -> None:
    """``native`` is the built-in robot's name, which the hub may say."""
    wrong = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in sources(part) for number, line in enumerate(path.read_text("utf-8").splitlines(), 1) if VENDORS.search(line)
    ]
    assert not wrong, "\n".join(wrong)


def test_the_hub_imports_no_adapter_by_any_way() -> None:
    """Not even as a text that ``import_module`` gets: adapters are found by looking into the folder."""
    wrong = [
        str(path.relative_to(ROOT)) for path in sources("hub") if re.search(r"[\"']adapters\.\w", path.read_text("utf-8"))
    ]
    assert not wrong, "\n".join(wrong)
