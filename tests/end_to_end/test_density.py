"""Many robots on one machine: each idle one is small, and all work at once."""
from __future__ import annotations

from pathlib import Path

from benchmarks import density

ROBOTS = 8


def test_robots_share_their_memory_and_each_works_in_a_folder_of_its_own(tmp_path: Path) -> None:
    found = density.measure(tmp_path / "density", ROBOTS, 1.0)
    assert found["uss_mib"] <= found["pss_mib"] <= 40, found
    assert found["tasks"]["at_once"] == ROBOTS
