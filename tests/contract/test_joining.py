"""How adapters are found and what stops the start: outside adapters join by an entry point, mistakes in one are found before it is used."""
from __future__ import annotations

import sys
from pathlib import Path

import pytest

from plugins import ConfigurationError, Context
from plugins.manager import Adapters, discover
from plugins.testing import context_for

ADAPTER = """
from types import SimpleNamespace
from plugins import Adapter
{imports}
ADAPTER = Adapter(name="{name}", title="外部 RPA", modules=({modules}), {more})
"""


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the path, with an empty package ``bare`` in which discovery finds nothing. What is imported from it is forgotten again."""
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "") or "").startswith(str(tmp_path)):
            del sys.modules[name]


def distribution(folder: Path, package: str, *, name: str = "acme", more: str = "", entry: str = "", **modules: str) -> None:
    """Lay out an installed distribution that offers an adapter with the given modules."""
    home = folder / package
    home.mkdir()
    imports = f"from {package} import {', '.join(modules)}" if modules else ""
    (home / "__init__.py").write_text(
        ADAPTER.format(name=name, imports=imports, modules="".join(f"{each}, " for each in modules), more=more), "utf-8"
    )
    for module, text in modules.items():
        (home / f"{module}.py").write_text(text, "utf-8")
    info = folder / f"{package}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[rpa_hub.adapters]\n{name} = {entry or package + ':ADAPTER'}\n")


GOOD = """
from plugins import NotFound, hookimpl

@hookimpl
def task_cancel(ctx, params):
    if params["taskId"] != "job-1":
        raise NotFound()
    return {}
"""


def test_an_adapter_of_another_distribution_joins(outside: Path) -> None:
    distribution(outside, "acme_rpa", task=GOOD, more='cannot={"task_pause": "平台没有暂停功能"}')
    found = discover("bare")
    assert list(found) == ["acme"]
    ctx: Context = context_for(found["acme"].adapter)
    assert found["acme"].call("task_cancel", ctx, {"taskId": "job-1"}) == {}


def test_a_folder_is_enough_for_an_adapter_inside_the_tree(outside: Path) -> None:
    (outside / "bare" / "acme").mkdir()
    (outside / "bare" / "acme" / "__init__.py").write_text('from plugins import Adapter\nADAPTER = Adapter(name="acme", title="A", modules=())\n')
    assert list(discover("bare")) == ["acme"]


def test_a_folder_without_an_adapter_stops_the_start(outside: Path) -> None:
    (outside / "bare" / "acme").mkdir()
    (outside / "bare" / "acme" / "__init__.py").write_text("ADAPTER = 7\n")
    with pytest.raises(ConfigurationError, match="ADAPTER"):
        discover("bare")


def test_an_entry_point_to_something_else_stops_the_start(outside: Path) -> None:
    distribution(outside, "acme_rpa", entry="acme_rpa:SimpleNamespace")
    with pytest.raises(ConfigurationError, match="acme"):
        discover("bare")


@pytest.mark.parametrize(("text", "complaint"), [
    ("from plugins import hookimpl\n@hookimpl\ndef task_cancle(ctx, params):\n    return {}\n", "task_cancle"),
    ("from plugins import hookimpl\n@hookimpl\ndef task_cancel(ctx, parms):\n    return {}\n", "parms"),
    ("from plugins import hookimpl\n@hookimpl\ndef task_cancel(context, params):\n    return {}\n", "context"),
])
def test_a_misspelt_hook_or_argument_stops_the_start(outside: Path, text: str, complaint: str) -> None:
    distribution(outside, "acme_rpa", task=text)
    with pytest.raises(ConfigurationError, match=complaint):
        discover("bare")


def test_two_implementations_of_one_operation_stop_the_start(outside: Path) -> None:
    distribution(outside, "acme_rpa", task=GOOD, other=GOOD)
    with pytest.raises(ConfigurationError, match="task_cancel is implemented more than once"):
        discover("bare")


def test_two_adapters_of_one_name_stop_the_start(outside: Path) -> None:
    distribution(outside, "acme_one", task=GOOD)
    distribution(outside, "acme_two", task=GOOD)
    with pytest.raises(ConfigurationError, match="acme"):
        discover("bare")


@pytest.mark.parametrize(("more", "complaint"), [
    ('cannot={"task_cancel": "没有"}', "cannot"),
    ('cannot={"task_pauze": "没有"}', "task_pauze"),
    ('not_yet={"task_cancel": "没有"}', "not_yet"),
    ('cannot={"task_pause": "没有"}, not_yet={"task_pause": "还没有"}', "task_pause"),
])
def test_wrong_words_about_what_is_missing_stop_the_start(outside: Path, more: str, complaint: str) -> None:
    distribution(outside, "acme_rpa", task=GOOD, more=more)
    with pytest.raises(ConfigurationError, match=complaint):
        discover("bare")


def test_one_adapters_hooks_do_not_reach_another(outside: Path) -> None:
    distribution(outside, "acme_one", name="one", task=GOOD)
    distribution(outside, "acme_two", name="two")
    found: Adapters = discover("bare")
    assert found["one"].implements("task_cancel")
    assert not found["two"].implements("task_cancel")
