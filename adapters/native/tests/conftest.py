"""The folder that the runtime works in."""
from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of the runtime, which does not exist yet."""
    return tmp_path / "robot"
