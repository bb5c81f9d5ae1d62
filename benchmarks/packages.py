"""(e) What the runtime adds to a package: to the start of Python and of Robot Framework, and to each line of their output.

The bare program is started by ``subprocess`` from here, without a hub; its output goes to a file.
"""
from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import starting
from benchmarks.client import Client
from benchmarks.running import RunningHub

SUITE = """\
*** Tasks ***
Moment
    Evaluate    open(os.environ["RPA_OUTPUT"], "w").write(json.dumps([{"name": "moment", "value": str(time.time_ns())}]))    modules=json,os,time
"""
CHATTER = """\
import json, os, time
began = time.time_ns()
for number in range({lines}):
    print(f"{{number:08}} 核对第 {{number}} 笔成交，证券代码 600901，数量 100，金额 1234.56，结果一致")
with open(os.environ["RPA_OUTPUT"], "w") as file:
    json.dump([{{"name": "moment", "value": str(began)}}], file)
"""
KINDS = {"python": {"main.py": starting.PROGRAM}, "robot": {"moment.robot": SUITE}}


def measure(hub: RunningHub, folder: Path, count: int, lines: int) -> dict[str, Any]:
    """Starts in milliseconds (medians of ``count``), and lines a second, beside the bare program."""
    folder.mkdir()
    with Client(hub.address) as client:
        starts = {kind: _starts(client, hub.token, folder / kind, kind, count) for kind in KINDS}
        process_id = starting.create_process(client, hub.token, "chatter", {"main.py": CHATTER.format(lines=lines)})
        stored = lines / _until_stored(client, hub.token, process_id, lines)
    (folder / "chatter.py").write_text(CHATTER.format(lines=lines), "utf-8")
    bare = lines / _bare_lines(folder)
    return {"starts": starts, "log": {"lines": lines, "stored_per_second": round(stored), "file_per_second": round(bare)}}


def _starts(client: Client, token: str, folder: Path, kind: str, count: int) -> dict[str, float]:
    folder.mkdir()
    for name, text in KINDS[kind].items():
        (folder / name).write_text(text, "utf-8")
    output = folder / "output.json"
    program = [sys.executable, "main.py"]
    if kind == "robot":
        program = [sys.executable, "-m", "robot", "--console", "none", "--outputdir", "results", "moment.robot"]

    def bare() -> int:
        subprocess.run(program, cwd=folder, env={**os.environ, "RPA_OUTPUT": str(output)}, check=True)
        return int(json.loads(output.read_text("utf-8"))[0]["value"])

    process_id = starting.create_process(client, token, f"start {kind}", KINDS[kind])
    waits: dict[str, list[float]] = {"hub": [], "bare": []}
    sides: dict[str, Callable[[], int]] = {"hub": lambda: starting.moment_of_task(client, token, process_id), "bare": bare}
    for number in range(1 + count):
        for name, run in sides.items():
            asked = time.time_ns()
            wait = (run() - asked) / 1e6
            if number:
                waits[name].append(wait)
            time.sleep(starting.PAUSE)
    return {f"{name}_ms": starting.quantile(each, 0.5) for name, each in waits.items()}


def _until_stored(client: Client, token: str, process_id: int, lines: int) -> float:
    """Seconds from the first line that the program says until all of them can be read."""
    task = starting.run_task(client, token, process_id)
    found = client.call("/api/platform/task-log/query", {"taskId": task["taskId"], "afterSeq": lines - 1, "limit": 10}, token)["logs"]
    ended = time.time_ns()
    if not found:
        raise starting.WrongAnswer(f"not all of {lines} lines were stored")
    return (ended - int(task["outParameters"][0]["value"])) / 1e9


def _bare_lines(folder: Path) -> float:
    """Seconds that the program takes to say the same into a file."""
    output = folder / "chatter.json"
    with (folder / "chatter.log").open("wb") as log:
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "chatter.py"], cwd=folder, stdout=log, env={**os.environ, "RPA_OUTPUT": str(output), "PYTHONUNBUFFERED": "1"}, check=True
        )
        return time.perf_counter() - began
