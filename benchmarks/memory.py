"""(c) The memory of an idle hub, by process.

PSS counts a page that several processes share in equal parts to each, so that the sum is what the hub really takes; RSS counts it in full to each.
"""
from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import psutil

from benchmarks.running import RunningHub

MIB = 1024**2


@dataclass(frozen=True)
class PartMemory:
    """The processes of one part; sizes in MiB, ``pss`` None where the system does not tell it."""

    part: str
    processes: int
    pss: float | None
    rss: float


def measure(hub: RunningHub) -> dict[str, Any]:
    """By part and in total, of the hub as it is."""
    parts = [_of(name, processes) for name, processes in hub.parts().items()]
    known = [each.pss for each in parts if each.pss is not None]
    return {
        "parts": [asdict(each) for each in parts],
        "processes": sum(each.processes for each in parts),
        "total_pss_mib": round(sum(known), 1) if len(known) == len(parts) else None,
        "total_rss_mib": round(sum(each.rss for each in parts), 1),
    }


def _of(name: str, processes: list[psutil.Process]) -> PartMemory:
    rss = sum(each.memory_info().rss for each in processes) / MIB
    shares = [_pss(each.pid) for each in processes]
    known = [each for each in shares if each is not None]
    return PartMemory(name, len(processes), round(sum(known) / MIB, 1) if len(known) == len(shares) else None, round(rss, 1))


def _pss(pid: int) -> int | None:
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("Pss:"))
    except OSError:
        return None
