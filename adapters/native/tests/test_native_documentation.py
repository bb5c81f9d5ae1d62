"""The examples of docs/packages.md are packages that run."""
from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from adapters.native.tests.running import FakeRun, execute

ROOT = Path(__file__).parents[3]

DOCUMENTATION = (ROOT / "docs" / "packages.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"^### Example: (.*?)\n(.*?)(?=^###|\Z)", DOCUMENTATION, re.MULTILINE | re.DOTALL))


@pytest.mark.parametrize("title", EXAMPLES)
def test_examples_of_the_documentation_run(folder: Path, title: str) -> None:
    files = dict(re.findall(r"^`([^`]+)`:\n\n```\w+\n(.*?)^```", EXAMPLES[title], re.MULTILINE | re.DOTALL))
    if "tasks.py" in files and find_spec("robocorp") is None:
        pytest.skip("robocorp is not installed")
    run = FakeRun()
    answer = execute(folder, files, run)
    assert answer["taskState"] == "succeeded", run.lines
    assert answer["outParameters"]
    assert len(EXAMPLES) == 4
