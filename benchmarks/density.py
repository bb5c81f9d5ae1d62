"""(e) Many robots on one machine: what each idle one takes, and that as many tasks run at once, each in a folder of its own.

USS is what a process has for itself alone, PSS also its share of what it has in common with others.
"""
from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psutil

from benchmarks.client import Client, WrongAnswer
from benchmarks.running import RunningHub, running_hub
from benchmarks.starting import create_process

MIB = 1024**2
GOAL = "at most 40"
PROGRAM = """\
import json, os, sys, time
given = {each["name"]: each["value"] for each in json.load(open(os.environ["RPA_INPUT"], encoding="utf-8"))}
open(os.path.join(given["folder"], os.environ["RPA_TASK_ID"]), "w").close()
while not os.path.exists(os.path.join(given["folder"], "go")):
    time.sleep(0.05)
with open(os.environ["RPA_OUTPUT"], "w") as file:
    json.dump([{"name": "folder", "value": os.getcwd()}], file)
"""
SECONDS_TO_BE_IDLE = 60.0
SECONDS_TO_SETTLE = 5.0
LONGEST = 120.0


def measure(folder: Path, robots: int, seconds: float) -> dict[str, Any]:
    """A hub of its own with so many robots: idle for so many seconds, then with a task on each."""
    folder.mkdir(parents=True)
    with running_hub(folder / "data", "--robots", str(robots)) as hub, Client(hub.address) as client:
        _until(lambda: _idle(client, hub.token) == robots, SECONDS_TO_BE_IDLE, "the robots to be idle")
        time.sleep(SECONDS_TO_SETTLE)
        idle = _idle_figures(hub.parts(), seconds)
        return {"robots": robots, "goal": GOAL, **idle, "tasks": _run_at_once(client, hub, folder / "notes", robots)}


def _idle_figures(parts: dict[str, list[psutil.Process]], seconds: float) -> dict[str, Any]:
    """Memory of each robot in MiB, and the processor's time that the parts take meanwhile, in percent of one processor."""
    sizes = [each.memory_full_info() for each in parts["robot"]]
    before = {name: _spent(processes) for name, processes in parts.items()}
    time.sleep(seconds)
    busy = {name: round(100 * (_spent(processes) - before[name]) / seconds, 2) for name, processes in parts.items()}
    return {
        "pss_mib": round(sum(each.pss for each in sizes) / len(sizes) / MIB, 1),
        "uss_mib": round(sum(each.uss for each in sizes) / len(sizes) / MIB, 1),
        "cpu_percent": busy,
    }


def _spent(processes: Iterable[psutil.Process]) -> float:
    return sum(times.user + times.system for times in (each.cpu_times() for each in processes))


def _run_at_once(client: Client, hub: RunningHub, notes: Path, count: int) -> dict[str, Any]:
    """Start as many tasks as there are robots; none ends before all run. Raises WrongAnswer where they do not, or share a folder."""
    notes.mkdir()
    process_id = create_process(client, hub.token, "dense", {"main.py": PROGRAM})
    given = {"processId": process_id, "priority": 1, "isRecord": False, "totalCount": count, "inParameters": [{"name": "folder", "value": str(notes)}]}
    began = time.monotonic()
    task_ids = client.call("/api/platform/task/create", given, hub.token)["taskIds"]
    _until(lambda: len(list(notes.iterdir())) == count, LONGEST, "all tasks to run at once")
    running = time.monotonic() - began
    (notes / "go").touch()
    folders = {_ended(client, hub.token, each) for each in task_ids}
    if len(folders) != count:
        raise WrongAnswer(f"{count} tasks ran in {len(folders)} folders")
    return {"at_once": count, "seconds_until_all_run": round(running, 1), "seconds_until_all_ended": round(time.monotonic() - began, 1)}


def _ended(client: Client, token: str, task_id: int) -> str:
    """The folder that a task tells, once it has succeeded."""
    found: dict[str, Any] = {}

    def ended() -> bool:
        found.update(client.call("/api/platform/task/query", {"taskId": task_id}, token))
        return found["taskState"] not in ("queued", "running")

    _until(ended, LONGEST, f"task {task_id} to end")
    if found["taskState"] != "succeeded":
        raise WrongAnswer(f"task {task_id}: {found['taskState']} {found['reason']}")
    return str(found["outParameters"][0]["value"])


def _idle(client: Client, token: str) -> int:
    return int(client.call("/api/platform/robot/list", {"robotState": "idle"}, token)["total"])


def _until(condition: Any, seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise WrongAnswer(f"waited {seconds:g} s for {what}")
        time.sleep(0.1)


def lines(found: dict[str, Any]) -> list[str]:
    """The figures for the terminal."""
    busy = "   ".join(f"{name} {percent}" for name, percent in found["cpu_percent"].items())
    tasks = found["tasks"]
    return [
        f"density    {found['robots']} idle robots, each   PSS {found['pss_mib']:6.1f} MiB   USS {found['uss_mib']:6.1f} MiB (goal {found['goal']})",
        f"density    processor while idle, %: {busy}",
        f"density    {tasks['at_once']} tasks at once: all run after {tasks['seconds_until_all_run']} s, ended after {tasks['seconds_until_all_ended']} s",
    ]
