"""The capability matrix says what is so, and no more."""
from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner

from hub.matrix import FILE, as_json, as_markdown, matrix, present, rows
from hub.serving import handlers
from plugins import Adapter, Context, hookimpl
from plugins.manager import Adapters, discover, standard_catalogue
from plugins.operation import Catalogue


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    """The 100 operations."""
    return standard_catalogue()


@pytest.fixture(scope="module")
def adapters() -> Adapters:
    """One adapter that asks a vendor for robots, and says why it cannot pause."""
    module = ModuleType("robots_only")

    @hookimpl
    def robot_list(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
        return {"robots": []}

    module.robot_list = robot_list  # type: ignore[attr-defined]
    return Adapters([Adapter(name="one", title="一号平台", modules=(module,), cannot={"task_pause": "平台没有暂停功能"})])


def cells(catalogue: Catalogue, adapters: Adapters, served: set[str]) -> dict[str, tuple[str, str]]:
    return {each.operation.name: each.support["one"] for each in rows(catalogue, adapters, served)}


def test_every_operation_has_one_row_in_the_order_of_the_standard(catalogue: Catalogue, adapters: Adapters) -> None:
    codes = [each.operation.code for each in rows(catalogue, adapters, set())]
    assert codes == [f"P{number:02d}" for number in range(1, 73)] + [f"R{number:02d}" for number in range(1, 29)]


def test_the_four_kinds_of_support_are_told_apart(catalogue: Catalogue, adapters: Adapters) -> None:
    found = cells(catalogue, adapters, {"robot_list", "department_list"})
    assert found["robot_list"] == ("native", "")
    assert found["department_list"] == ("emulated", "")
    assert found["task_pause"] == ("cannot", "平台没有暂停功能")
    assert found["video_query"] == ("not yet", "")


def test_what_the_hub_does_not_serve_is_not_emulated(catalogue: Catalogue, adapters: Adapters) -> None:
    assert cells(catalogue, adapters, {"department_list"})["department_list"][0] == "emulated"
    assert cells(catalogue, adapters, set())["department_list"][0] == "not yet"


def test_the_page_has_a_line_for_each_operation_and_each_reason_once(catalogue: Catalogue, adapters: Adapters) -> None:
    page = as_markdown(rows(catalogue, adapters, {"robot_list"}))
    assert "| P43 | `robot_list` | 查询机器人列表 | yes | native |" in page.splitlines()
    assert "| P26 | `task_pause` | 暂停任务 | no | cannot (1) |" in page.splitlines()
    assert page.count("平台没有暂停功能") == 1
    assert sum(line.startswith(("| P", "| R")) for line in page.splitlines()) == 100


def test_this_programs_matrix_has_its_adapters_and_what_it_serves() -> None:
    found = {each["name"]: each for each in json.loads(as_json(present()))}
    assert found["task_create"]["adapters"]["native"]["support"] == "native"
    assert {name for name, each in found.items() if each["served"]} == handlers().keys() & found.keys()
    assert found["task_create"]["served"]


def test_the_command_writes_the_page_and_notices_when_it_is_out_of_date(tmp_path: Path) -> None:
    page = tmp_path / "deep" / "matrix.md"
    assert CliRunner().invoke(matrix, ["--check", str(page)]).exit_code == 1
    assert CliRunner().invoke(matrix, ["--write", str(page)]).exit_code == 0
    assert CliRunner().invoke(matrix, ["--check", str(page)]).exit_code == 0
    page.write_text(page.read_text("utf-8").replace("emulated", "native", 1), "utf-8")
    outdated = CliRunner().invoke(matrix, ["--check", str(page)])
    assert outdated.exit_code == 1 and "--write" in outdated.output


def test_the_page_in_the_documents_is_up_to_date() -> None:
    page = Path(__file__).parents[2] / FILE
    if not page.exists():
        pytest.skip("the documents are not beside the tests")
    assert page.read_text("utf-8") == as_markdown(present(), [each.adapter for each in discover().values()]), f"bring it up to date with `rpahub matrix --write {FILE}`"
