"""kill -9 of a robot, of Redis, and of everything, while 50 tasks are queued and running: nothing is lost and nothing runs twice."""
from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.end_to_end.client import Client, until
from tests.end_to_end.hub_process import HubProcess

TASKS = 50
ROBOTS = 4
TIME_FOR_ALL = 120.0

LEDGER = """
import json, os, time
given = {each["name"]: each["value"] for each in json.load(open(os.environ["RPA_INPUT"], encoding="utf-8"))}
def note(word):
    ledger = os.open(given["ledger"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(ledger, f"{word} {os.environ['RPA_TASK_ID']}\\n".encode())
    os.close(ledger)
note("start")
time.sleep(0.2)
note("end")
"""


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """A hub of its own, with four robots and a short lease."""
    settings = {"robots": ROBOTS, "task_lease": 4, "requeue_after": 2, "scheduler_interval": 0.3}
    process = HubProcess(tmp_path_factory.mktemp("crashes") / "data", **settings)
    with process:
        yield process
        status = process.stop()
    assert status == 0, process.said()


class Batch:
    """Fifty tasks that write down when they start and when they end."""

    def __init__(self, admin: Client, ledger: Path) -> None:
        self.admin = admin
        self.ledger = ledger
        group = admin.call("robot-group/list")["robotGroups"][0]
        admin.online(group["robotIds"])
        process_id = admin.make_process(LEDGER, group_id=group["robotGroupId"])
        self.task_ids = admin.start(process_id, totalCount=TASKS, inParameters=[{"name": "ledger", "value": str(ledger)}])
        until(lambda: self.noted("end") >= 5, 60, "the first tasks to end")
        assert self.noted("end") < TASKS, "all tasks had ended before anything was killed"

    def noted(self, word: str) -> int:
        return sum(self.counts(word).values())

    def counts(self, word: str) -> Counter[int]:
        """How often each task has written this word."""
        lines = self.ledger.read_text().split("\n") if self.ledger.exists() else []
        return Counter(int(line.split()[1]) for line in lines if line.startswith(f"{word} "))

    def check(self, *, most_failed: int) -> None:
        """Wait for the end of all tasks; none may be lost, none may have run twice, and only those that were killed may have failed."""
        deadline = time.monotonic() + TIME_FOR_ALL
        tasks = [self.admin.ended([task_id], max(1.0, deadline - time.monotonic()))[0] for task_id in self.task_ids]
        starts, ends = self.counts("start"), self.counts("end")
        assert not [task_id for task_id, count in starts.items() if count > 1], "tasks ran twice"
        for task in tasks:
            told = f"task {task['taskId']}: {task['taskState']} {task['reason']}"
            if task["taskState"] == "succeeded":
                assert (starts[task["taskId"]], ends[task["taskId"]]) == (1, 1), told
            else:
                assert task["taskState"] == "failed" and task["reason"], told
                assert self.admin.log(task["taskId"]), told
        failed = [task for task in tasks if task["taskState"] == "failed"]
        assert len(failed) <= most_failed, [task["reason"] for task in failed]


def running_task(hub: HubProcess) -> psutil.Process:
    """A process of the hub's tree that executes a task's package."""
    return until(lambda: next(_executing(hub), None), 30, "a task to run")


def _executing(hub: HubProcess) -> Iterator[psutil.Process]:
    for process in hub.tree():
        with suppress(psutil.NoSuchProcess):
            if process.cmdline()[-1:] == ["main.py"]:
                yield process


def ancestor(process: psutil.Process, generations: int) -> psutil.Process | None:
    """The parent's parent's … parent; None where one of them has just ended."""
    found: psutil.Process | None = process
    for _ in range(generations):
        with suppress(psutil.NoSuchProcess):
            found = found.parent() if found else None
    return found


@pytest.mark.parametrize("generations", [1, 2], ids=["the process that watches the task", "the robot"])
def test_a_killed_robot_loses_its_one_task_and_comes_back(fragile: HubProcess, tmp_path: Path, generations: int) -> None:
    batch = Batch(fragile.admin(), tmp_path / "ledger")
    victim = ancestor(running_task(fragile), generations)
    assert victim is not None
    victim.kill()
    batch.check(most_failed=1)
    batch.admin.online(range(1, ROBOTS + 1))


def test_a_killed_redis_comes_back_and_no_task_fails(fragile: HubProcess, tmp_path: Path) -> None:
    batch = Batch(fragile.admin(), tmp_path / "ledger")
    (server,) = [each for each in fragile.tree() if each.name().startswith(("valkey-server", "redis-server"))]
    server.kill()
    batch.check(most_failed=0)
    assert batch.admin.send("GET", "/api/ext/health/ready").status == 200


def test_after_a_kill_of_everything_the_next_start_goes_on(fragile: HubProcess, tmp_path: Path) -> None:
    batch = Batch(fragile.admin(), tmp_path / "ledger")
    running_task(fragile)
    fragile.kill()
    before = batch.noted("start")
    assert before < TASKS, "all tasks had started before everything was killed"
    fragile.start()
    batch.admin = fragile.admin()
    batch.check(most_failed=ROBOTS)
    assert batch.noted("start") > before
