"""Measure everything in one run, print it, and write it where the README quotes it."""
from __future__ import annotations

import os
import platform
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from benchmarks import density, memory, packages, querying, recording, report, scale, starting
from benchmarks.running import running_hub

SECONDS_TO_SETTLE = 4.0
RECORDED_FOR = 10.0  # seconds
LINES_PER_TASK = 1000


@click.command()
@click.option("--tasks", default=30, show_default=True, type=click.IntRange(2, 200), help="Tasks and bare jobs that are started.")
@click.option("--seconds", default=4.0, show_default=True, type=click.FloatRange(0.5, 20), help="Length of each of six rounds of requests.")
@click.option("--rows", default=1_000_000, show_default=True, type=click.IntRange(2_000, 5_000_000), help="Tasks that long lists have.")
@click.option("--robots", default=20, show_default=True, type=click.IntRange(1, 200), help="Robots on this machine at once.")
@click.option("--write/--no-write", default=True, show_default=True, help="Keep the figures in benchmarks/results.json and the README files.")
def main(tasks: int, seconds: float, rows: int, robots: int, write: bool) -> None:
    """Measure the hub beside the barest program that does the same."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="rpahub-benchmarks-") as folder:
        results: dict[str, Any] = {"machine": _machine(), **_measure(Path(folder), tasks, seconds, rows, robots)}
    for line in report.lines(results):
        click.echo(line)
    click.echo(f"took {time.monotonic() - began:.0f} s")
    if write:
        report.write(results)


def _measure(folder: Path, tasks: int, seconds: float, rows: int, robots: int) -> dict[str, Any]:
    with running_hub(folder / "data") as hub:
        time.sleep(SECONDS_TO_SETTLE)
        idle = memory.measure(hub)
        start = starting.measure(hub, folder / "bare", tasks)
        runtime = packages.measure(hub, folder / "packages", max(2, tasks // 3), LINES_PER_TASK * tasks)
        query = querying.measure(hub, folder / "data", starting.latest_task(hub), seconds)
        filmed = recording.measure(hub, RECORDED_FOR)
    dense = density.measure(folder / "density", robots, 5 * seconds)
    long = scale.measure(folder / "scale", rows)
    return {"start": start, "packages": runtime, "query": query, "recording": filmed, "memory": idle, "density": dense, "scale": long}


def _machine() -> dict[str, Any]:
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }


if __name__ == "__main__":
    main()
