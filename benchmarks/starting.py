"""(a) From asking for a task to the first line of its own code, beside a bare RQ job that starts Python on the same Redis.

Both run the same program, which notes the time before anything else. One is asked for after the other has ended, in turn, so that both meet
the same machine.
"""
from __future__ import annotations

import base64
import io
import multiprocessing
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import redis
import rq

from benchmarks.client import Client, WrongAnswer
from benchmarks.running import RunningHub
from config.settings import load

PROGRAM = """\
import time
moment = time.time_ns()
import json, os
with open(os.environ["RPA_OUTPUT"], "w") as file:
    json.dump([{"name": "moment", "value": str(moment)}], file)
"""
WARM_UP = 3
PAUSE = 0.2
LONGEST = 30.0
QUEUE = "bare"


def measure(hub: RunningHub, folder: Path, count: int) -> dict[str, Any]:
    """The waits of ``count`` tasks and of as many bare jobs: quantiles in milliseconds, and their ratios."""
    with Client(hub.address) as client, _bare_worker(hub, folder) as bare:
        process_id = create_process(client, hub.token, "moment", {"main.py": PROGRAM})
        waits: dict[str, list[float]] = {"hub": [], "bare": []}
        for number in range(WARM_UP + count):
            for name, run in (("hub", lambda: moment_of_task(client, hub.token, process_id)), ("bare", bare)):
                asked = time.time_ns()
                wait = (run() - asked) / 1e6
                if number >= WARM_UP:
                    waits[name].append(wait)
                time.sleep(PAUSE)
    figures = {name: {"p50_ms": quantile(each, 0.5), "p95_ms": quantile(each, 0.95)} for name, each in waits.items()}
    ratios = {key: round(figures["hub"][f"{key}_ms"] / figures["bare"][f"{key}_ms"], 2) for key in ("p50", "p95")}
    return {"tasks": count, **figures, "ratio": ratios, "goal": "at most 3"}


def quantile(values: list[float], share: float) -> float:
    """The value that a share of the values does not exceed."""
    return round(sorted(values)[min(len(values) - 1, int(len(values) * share))], 1)


def create_process(client: Client, token: str, name: str, files: dict[str, str]) -> int:
    """A process of that name whose package has these files; its id."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    department = client.call("/api/platform/department/list", {}, token)["departments"][0]["depId"]
    group = client.call("/api/platform/robot-group/list", {}, token)["robotGroups"][0]["robotGroupId"]
    package = {"packageName": name, "packageVersion": "1.0.0", "depId": department, "package": base64.b64encode(content.getvalue()).decode()}
    package_id = client.call("/api/platform/package/create", package, token)["packageId"]
    process = {"processName": name, "depId": department, "robotGroupId": group, "isRecord": False}
    process_id: int = client.call("/api/platform/process/create", process, token)["processId"]
    client.call("/api/platform/process/activate-package-version", {"processId": process_id, "packageId": package_id}, token)
    return process_id


def moment_of_task(client: Client, token: str, process_id: int) -> int:
    """Run one task; gives the time that its program noted (nanoseconds since 1970)."""
    return int(run_task(client, token, process_id)["outParameters"][0]["value"])


def run_task(client: Client, token: str, process_id: int) -> dict[str, Any]:
    """Run one task to its end; what task/query says of it then."""
    request = {"processId": process_id, "priority": 1, "isRecord": False, "totalCount": 1}
    task_id = client.call("/api/platform/task/create", request, token)["taskIds"][0]
    deadline = time.monotonic() + LONGEST
    while time.monotonic() < deadline:
        time.sleep(0.05)
        task = client.call("/api/platform/task/query", {"taskId": task_id}, token)
        if task["taskStatus"] == "0":
            return task
        if task["taskStatus"] != "2":
            raise WrongAnswer(f"task {task_id}: {task['taskState']} {task['reason']}")
    raise WrongAnswer(f"task {task_id} did not end in {LONGEST:g} s")


def latest_task(hub: RunningHub) -> int:
    """The id of the task that was created last."""
    with Client(hub.address) as client:
        task_id: int = client.call("/api/platform/task/list", {"pageSize": 1, "sort": "-taskId"}, hub.token)["tasks"][0]["taskId"]
        return task_id


@contextmanager
def _bare_worker(hub: RunningHub, folder: Path) -> Iterator[Callable[[], int]]:
    """A plain RQ worker on the hub's Redis; gives the function that runs one job and tells the time that its program noted."""
    folder.mkdir()
    program, output = folder / "main.py", folder / "output.json"
    program.write_text(PROGRAM, "utf-8")
    address = load(data=hub.data).redis
    worker: BaseProcess = multiprocessing.get_context("spawn").Process(target=work, args=(address,), daemon=True)
    worker.start()
    queue = rq.Queue(QUEUE, connection=redis.Redis.from_url(address))

    def run() -> int:
        output.unlink(missing_ok=True)
        job = queue.enqueue(start_python, str(program), str(output))
        deadline = time.monotonic() + LONGEST
        while time.monotonic() < deadline:
            time.sleep(0.05)
            if job.get_status() == rq.job.JobStatus.FINISHED:
                return int(output.read_text("utf-8").split('"')[-2])
        raise WrongAnswer(f"the bare job did not end: {job.get_status()}")

    try:
        yield run
    finally:
        worker.terminate()
        worker.join(10)
        worker.kill()


def work(address: str) -> None:
    """The plain RQ worker."""
    rq.Worker([QUEUE], connection=redis.Redis.from_url(address)).work(logging_level="WARNING")


def start_python(program: str, output: str) -> None:
    """The bare job."""
    subprocess.run([sys.executable, program], env={"RPA_OUTPUT": output}, check=True)
