"""The demonstration's process, run by the native runtime, finds exactly the differences that were planted in its data."""
from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from adapters.native.package import package_create
from adapters.native.task import task_run
from hub.demo.make_data import Data, make
from hub.demo.package import build
from plugins import Connection, Context, FileContent
from plugins.testing.doubles import FakeRun


class QuietRun(FakeRun):
    """The hub's side of a run, kept in lists."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[tuple[str, str]] = []  # type: ignore[assignment]
        self.steps: list[tuple[float | None, str | None]] = []

    def log(self, level: str, message: str, at: datetime | None = None, step: str | None = None) -> None:
        self.lines.append((level, message))

    def progress(self, percent: float | None = None, step: str | None = None) -> None:
        self.steps.append((percent, step))

    def command(self, timeout: float = 0.0) -> None:
        return None

    def paused(self, is_paused: bool) -> None:
        raise AssertionError("nobody has paused the run")


@pytest.fixture(scope="module")
def data() -> Data:
    return make()


@pytest.fixture(scope="module")
def package(data: Data) -> FileContent:
    return FileContent.of(build(data), "reconcile.zip")


def run_demo(package: FileContent, folder: Path, run: QuietRun, **inputs: str) -> tuple[dict[str, Any], dict[str, str]]:
    context = Context(Connection("native", "native"), folder=folder, run=run)
    given = [{"name": name, "value": value} for name, value in inputs.items()]
    params = {"taskId": "1", "package": package, "packageDigest": package.digest(), "inParameters": given, "logLevel": "info"}
    answer = task_run(context, params)
    return answer, {item["name"]: item["value"] for item in answer["outParameters"]}


def test_counts_equal_the_planted_differences(package: FileContent, data: Data, tmp_path: Path) -> None:
    run = QuietRun()
    answer, outputs = run_demo(package, tmp_path, run)
    assert answer["taskState"] == "succeeded", run.lines
    workbook = outputs.pop("difference_workbook")
    assert outputs == {name: str(value) for name, value in asdict(data.planted).items()}
    book = load_workbook(next(tmp_path.glob(f"tasks/*/work/{workbook}")))
    kinds = [row[0] for row in book["差异"].iter_rows(min_row=2, values_only=True)]
    assert len(kinds) == sum(int(outputs[name]) for name in outputs if name not in ("matched", "amount_difference_total"))
    assert kinds.count("金额不符") == data.planted.amount_differences
    assert run.steps[-1] == (100.0, "完成")
    assert any(level == "warn" and text.startswith("金额不符：") for level, text in run.lines)


def test_tolerance_of_zero_finds_the_rounded_cents(package: FileContent, data: Data, tmp_path: Path) -> None:
    answer, outputs = run_demo(package, tmp_path, QuietRun(), tolerance="0")
    assert answer["taskState"] == "succeeded"
    assert int(outputs["amount_differences"]) == data.planted.amount_differences + 9
    assert int(outputs["matched"]) == data.planted.matched - 9


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [({"trade_date": "2025-03-13"}, "没有 2025-03-13 的成交"), ({"tolerance": "一分"}, "不是数字"), ({"trade_date": "昨天"}, "不是日期")],
)
def test_impossible_inputs_fail_with_a_reason(package: FileContent, tmp_path: Path, inputs: dict[str, str], reason: str) -> None:
    answer, outputs = run_demo(package, tmp_path, QuietRun(), **inputs)
    assert answer["taskState"] == "failed"
    assert reason in answer["reason"]
    assert outputs == {}


def test_package_is_accepted_and_the_same_each_time(package: FileContent, data: Data, tmp_path: Path) -> None:
    answer = package_create(Context(Connection("native", "native"), folder=tmp_path), {"package": package})
    assert answer == {"packageId": FileContent.of(build(make())).digest()}
    assert make(seed=1, trades=100).planted.matched == 85
    assert make(seed=1, trades=100).export != data.export


def test_export_needs_gb18030(data: Data) -> None:
    text = data.export.decode("gb18030")
    assert len(text.splitlines()) == 4036
    with pytest.raises(UnicodeDecodeError):
        data.export.decode("gbk")
