"""(e) What recording a task costs: the share of one processor core that its robots take, beside the same task on the same desktop unrecorded.

The task writes into a window ten times a second where Python has Tk, and leaves its desktop alone elsewhere; the figures say which.
"""
from __future__ import annotations

import shutil
import time
from importlib.util import find_spec
from typing import Any

import psutil

from benchmarks.client import Client, WrongAnswer
from benchmarks.running import RunningHub
from benchmarks.starting import create_process

MANIFEST = 'kind = "python"\nentry = "main.py"\ndesktop = true\n'
PROGRAM = """\
import sys, time
deadline = time.monotonic() + {seconds}
try:
    import tkinter
except ImportError:
    tkinter = None
if tkinter is None:
    time.sleep({seconds})
    sys.exit()
window = tkinter.Tk()
window.geometry("1000x600+100+50")
text = tkinter.Text(window)
text.pack(fill="both", expand=True)
number = 0
while time.monotonic() < deadline:
    number += 1
    text.insert("end", f"line {{number}} of a task that has something to show\\n")
    text.see("end")
    window.update()
    time.sleep(0.1)
"""
SETTLE = 3.0
LONGEST = 60.0


def measure(hub: RunningHub, seconds: float) -> dict[str, Any] | None:
    """The shares of one core (percent) over so many seconds, and their ratio. None where Xvfb or ffmpeg is not installed."""
    if shutil.which("Xvfb") is None or shutil.which("ffmpeg") is None:
        return None
    shares: dict[str, float] = {}
    size = 0
    with Client(hub.address) as client:
        files = {"rpa.toml": MANIFEST, "main.py": PROGRAM.format(seconds=seconds + 2 * SETTLE)}
        process_id = create_process(client, hub.token, "shows", files)
        for name, is_recorded in (("unrecorded", False), ("recorded", True)):
            task_id = _start(client, hub.token, process_id, is_recorded)
            time.sleep(SETTLE)
            shares[name] = _share(hub, seconds)
            ended = _end(client, hub.token, task_id)
            if is_recorded:
                found = client.call("/api/ext/recording/list", {"taskId": task_id}, hub.token)["recordings"]
                size = sum(each["size"] for each in found)
                if ended["taskState"] != "succeeded" or not found:
                    raise WrongAnswer(f"task {task_id}: {ended['taskState']} {ended['reason']}, {len(found)} recordings")
    return {
        "seconds": seconds,
        "draws": find_spec("tkinter") is not None,
        "unrecorded_percent": round(shares["unrecorded"], 1),
        "recorded_percent": round(shares["recorded"], 1),
        "recording_percent": round(shares["recorded"] - shares["unrecorded"], 1),
        "ratio": round(shares["recorded"] / shares["unrecorded"], 2),
        "bytes_a_second": round(size / (seconds + 2 * SETTLE)),
    }


def _start(client: Client, token: str, process_id: int, is_recorded: bool) -> int:
    request = {"processId": process_id, "priority": 1, "isRecord": is_recorded, "totalCount": 1}
    task_id: int = client.call("/api/platform/task/create", request, token)["taskIds"][0]
    deadline = time.monotonic() + LONGEST
    while client.call("/api/platform/task/query", {"taskId": task_id}, token)["taskState"] != "running":
        if time.monotonic() > deadline:
            raise WrongAnswer(f"task {task_id} did not begin in {LONGEST:g} s")
        time.sleep(0.1)
    return task_id


def _end(client: Client, token: str, task_id: int) -> dict[str, Any]:
    deadline = time.monotonic() + LONGEST
    while time.monotonic() < deadline:
        time.sleep(0.1)
        task = client.call("/api/platform/task/query", {"taskId": task_id}, token)
        if task["taskStatus"] != "2":
            return task
    raise WrongAnswer(f"task {task_id} did not end in {LONGEST:g} s")


def _share(hub: RunningHub, seconds: float) -> float:
    """The percent of one core that the robots and all that they have started take during so many seconds."""
    before, began = _spent(hub), time.monotonic()
    time.sleep(seconds)
    after = _spent(hub)
    return 100 * sum(after[pid] - before.get(pid, 0.0) for pid in after) / (time.monotonic() - began)


def _spent(hub: RunningHub) -> dict[int, float]:
    """The seconds of processor time of each process of the robots."""
    spent: dict[int, float] = {}
    for process in hub.parts()["robot"]:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        spent[process.pid] = times.user + times.system
    return spent
