"""The measurements at their smallest: that they run against a real hub and give the figures that the README quotes."""
from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.report import WORDS, quoted, table
from benchmarks.starting import quantile

ROOT = Path(__file__).parents[2]


def test_a_small_run_measures_everything_and_leaves_the_files_alone() -> None:
    before = (ROOT / "benchmarks" / "results.json").read_bytes()
    command = [sys.executable, "-m", "benchmarks", "--no-write", "--tasks", "2", "--seconds", "0.5", "--rows", "2000", "--robots", "3"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=150)
    assert done.returncode == 0, done.stderr[-2000:]
    for word in ("start p50", "start p95", "query", "robot ", "total", "deep page", "call log", "3 tasks at once"):
        assert word in done.stdout
    assert (ROOT / "benchmarks" / "results.json").read_bytes() == before


def test_the_readme_files_quote_the_figures_of_the_last_run() -> None:
    results = json.loads((ROOT / "benchmarks" / "results.json").read_text("utf-8"))
    for name, words in WORDS.items():
        assert table(results, words) in (ROOT / name).read_text("utf-8"), f"{name}: run python -m benchmarks"


def test_a_table_takes_the_place_of_the_one_before_it() -> None:
    text = "a\n<!-- benchmarks -->\nold\n<!-- /benchmarks -->\nb\n"
    assert quoted(text, "new\n") == "a\n<!-- benchmarks -->\nnew\n<!-- /benchmarks -->\nb\n"


def test_a_quantile_is_a_value_that_was_measured() -> None:
    values = [float(each) for each in range(1, 31)]
    assert quantile(values, 0.5) == 16
    assert quantile(values, 0.95) == 29
