"""(b) How many ``task/query`` a second the hub answers, beside a bare Flask route with one SQLAlchemy select of the same row.

Both have the same server, with the same settings, and the same database, and are asked in turns by the same few processes over kept
connections.
"""
from __future__ import annotations

import multiprocessing
import os
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.client import Client, WrongAnswer
from benchmarks.running import RunningHub, started

ROUNDS = 3
PROCESSES = 2
CONNECTIONS = 4
WARM_UP = 0.5


@dataclass(frozen=True)
class Load:
    """One kind of request, again and again."""

    address: str
    path: str
    body: dict[str, Any]
    headers: dict[str, str]


def measure(hub: RunningHub, data: Path, task_id: int, seconds: float) -> dict[str, Any]:
    """Requests a second, the median of three rounds of ``seconds`` each, and their ratio."""
    command = [sys.executable, "-m", "benchmarks.bare_web", str(data)]
    with started(command, dict(os.environ)) as (_, bare), ProcessPoolExecutor(PROCESSES, multiprocessing.get_context("spawn")) as pool:
        loads = {
            "hub": Load(hub.address, "/api/platform/task/query", {"taskId": task_id}, {"version": "1.0.0", "token": hub.token}),
            "bare": Load(bare, "/task", {"taskId": task_id}, {}),
        }
        rates: dict[str, list[float]] = {name: [] for name in loads}
        for _ in range(ROUNDS):
            for name, load in loads.items():
                rates[name].append(sum(pool.map(ask, [load] * PROCESSES, [seconds] * PROCESSES)))
    hub_rate, bare_rate = (median(rates[name]) for name in ("hub", "bare"))
    return {
        "connections": PROCESSES * CONNECTIONS,
        "hub_per_second": round(hub_rate),
        "bare_per_second": round(bare_rate),
        "ratio": round(hub_rate / bare_rate, 2),
        "goal": "at least 0.5",
    }


def ask(load: Load, seconds: float) -> float:
    """Requests a second of one process over its connections, after a short warm-up. Raises WrongAnswer for any answer but a success."""
    counts: list[float] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            counts.append(_ask_on_one(load, seconds))
        except Exception as error:  # noqa: BLE001  It is raised again where the threads are waited for.
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return sum(counts)


def _ask_on_one(load: Load, seconds: float) -> float:
    with Client(load.address) as client:
        request = client.request(load.path, load.body, load.headers)
        begin = time.monotonic() + WARM_UP
        end = begin + seconds
        count = 0
        while (now := time.monotonic()) < end:
            status, body = client.exchange(request)
            if status != 200 or b"taskId" not in body:
                raise WrongAnswer(f"{load.address}{load.path}: {status} {body[:200]!r}")
            count += now >= begin
        return count / seconds
