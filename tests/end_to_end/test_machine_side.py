"""The machine side of a running hub: figures, drained reboot, desktops, and robots that die."""
from __future__ import annotations

import getpass
import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from adapters.native.tests.loginctl import Loginctl
from tests.end_to_end.client import Client, until
from tests.end_to_end.hub_process import HubProcess

WAITS = """
import json, os, time
given = {each["name"]: each["value"] for each in json.load(open(os.environ["RPA_INPUT"], encoding="utf-8"))}
open(given["note"], "w").close()
while not os.path.exists(given["note"] + ".go"):
    time.sleep(0.02)
"""


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Loginctl:
    """A desktop session of this user, locked."""
    return Loginctl(tmp_path_factory.mktemp("logind") / "state")


@pytest.fixture(scope="module")
def reboots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file in which the harmless stand-in of a reboot leaves a line."""
    return tmp_path_factory.mktemp("power") / "reboots"


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory, session: Loginctl, reboots: Path) -> Iterator[HubProcess]:
    """A hub of its own, whose lost robots would be noticed late if nobody told of them."""
    settings = {
        "robot_timeout": 60, "task_lease": 45, "machine_sample_interval": 1, "allow_machine_power": "true",
        "machine_reboot_command": json.dumps(["/bin/sh", "-c", f"echo $(id -u) >> {reboots}"]),
    }  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", session.path)
        process = HubProcess(tmp_path_factory.mktemp("machine") / "data", **settings)
        with process:
            yield process
            status = process.stop()
    assert status == 0, process.said()


@pytest.fixture
def admin(machine: HubProcess, session: Loginctl) -> Client:
    """The administrator, with both robots idle and the desktop locked."""
    client = machine.admin()
    client.online([1, 2])
    session.set(True)
    return client


@pytest.fixture(scope="module")
def waits(machine: HubProcess) -> int:
    """A process that waits until it is told to go on."""
    client = machine.admin()
    return client.make_process(WAITS, group_id=int(client.call("robot-group/list")["robotGroups"][0]["robotGroupId"]))


def begun(admin: Client, process_id: int, note: Path) -> int:
    """A task that runs."""
    (task_id,) = admin.start(process_id, inParameters=[{"name": "note", "value": str(note)}])
    until(note.exists, 30, "the task to run")
    return task_id


def robot_of(machine: HubProcess, task_id: int) -> psutil.Process:
    """The process of the robot that runs a task."""
    for process in machine.tree():
        if process.cmdline()[-1:] == ["main.py"] and process.environ().get("RPA_TASK_ID") == str(task_id):
            return process.parents()[1]
    raise AssertionError("nobody runs the task")


def robots(admin: Client) -> dict[int, dict[str, Any]]:
    return {each["robotId"]: each for each in admin.robots()}


def events(admin: Client, task_id: int) -> list[str]:
    return [each["event"] for each in admin.call("/api/ext/task/timeline", {"taskId": task_id})["events"]]


def test_a_killed_robot_is_seen_and_its_task_has_failed_within_seconds(
    machine: HubProcess, admin: Client, waits: int, tmp_path: Path
) -> None:
    task_id = begun(admin, waits, tmp_path / "note")
    robot_id = admin.task(task_id)["robotId"]
    began = time.monotonic()
    robot_of(machine, task_id).kill()
    [task] = admin.ended([task_id], 10)
    assert time.monotonic() - began < 10, "the lease would have told as much"
    assert (task["taskState"], task["reason"]) == ("failed", "机器人进程中断，任务失败")
    until(lambda: robots(admin)[robot_id]["robotState"] == "idle", 20, "the robot to be back")


def test_when_the_robot_host_is_killed_robots_finish_their_tasks_and_come_back(
    machine: HubProcess, admin: Client, waits: int, tmp_path: Path
) -> None:
    task_id = begun(admin, waits, tmp_path / "note")
    host = robot_of(machine, task_id).parent()
    assert host is not None
    host.kill()
    (tmp_path / "note.go").touch()
    assert admin.ended([task_id])[0]["taskState"] == "succeeded"
    until(lambda: {each["robotState"] for each in robots(admin).values()} == {"idle"}, 20, "the robots to be back")
    until(lambda: admin.call("/api/ext/machine/reboot", {"machineId": 1, "reason": "x", "dryRun": True}, status=200)["isServed"], 20, "the machine's host")


def test_when_the_robot_host_is_killed_with_all_robots_the_tasks_have_failed_within_seconds(
    machine: HubProcess, admin: Client, waits: int, tmp_path: Path
) -> None:
    task_id = begun(admin, waits, tmp_path / "note")
    host = robot_of(machine, task_id).parent()
    assert host is not None
    began = time.monotonic()
    for each in (host, *host.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            each.kill()
    [task] = admin.ended([task_id], 15)
    assert time.monotonic() - began < 15 and task["taskState"] == "failed"
    until(lambda: {each["robotState"] for each in robots(admin).values()} == {"idle"}, 20, "the robots to be back")


def test_a_machine_reboots_once_its_task_has_ended_and_its_robots_go_on_afterwards(
    machine: HubProcess, admin: Client, waits: int, tmp_path: Path, reboots: Path
) -> None:
    task_id = begun(admin, waits, tmp_path / "note")
    told = admin.call("/api/ext/machine/reboot", {"machineId": 1, "reason": "补丁", "dryRun": True}, status=200)
    assert [each["taskId"] for each in told["runningTasks"]] == [task_id] and told["isAllowed"] is True
    key = admin.call("/api/ext/machine/reboot", {"machineId": 1, "reason": "补丁"}, status=200)["commandId"]
    state = lambda: admin.call("/api/ext/machine/command/list", {"commandId": key})["commands"][0]["commandState"]  # noqa: E731
    until(lambda: state() == "draining", 10, "the machine's host to begin")
    other = next(each for each in (1, 2) if each != admin.task(task_id)["robotId"])
    assert robots(admin)[other]["robotState"] == "paused"
    assert not reboots.exists()
    (waiting,) = admin.start(waits, inParameters=[{"name": "note", "value": str(tmp_path / "other")}])
    (tmp_path / "note.go").touch()
    (tmp_path / "other.go").touch()
    until(lambda: state() == "executing", 15, "the reboot")
    assert len(reboots.read_text("utf-8").splitlines()) == 1
    assert (admin.task(task_id)["taskState"], admin.task(waiting)["taskState"]) == ("succeeded", "queued")
    assert {each["robotState"] for each in robots(admin).values()} == {"paused"}
    # The stand-in does not really start the machine anew; that the command was given on another start of it is written into its row instead.
    with sqlite3.connect(machine.data / "hub.db", timeout=30) as database:
        database.execute("UPDATE machine_command SET boot_id = 'the start before' WHERE id = ?", (key,))
    until(lambda: state() == "done", 10, "the machine's host to see the new start")
    assert admin.ended([waiting])[0]["taskState"] == "succeeded"
    assert len(reboots.read_text("utf-8").splitlines()) == 1


def test_figures_are_there_within_seconds_of_the_start(admin: Client) -> None:
    found = admin.call("machine/query", {"machineId": 1})
    assert found["resourceDetail"]["memoryTotal"] > 0 and found["resourceTime"]


def test_an_operator_locks_and_unlocks_the_desktop_of_a_robot(admin: Client, session: Loginctl) -> None:
    admin.call("robot/update", {"robotId": 1, "machineUsername": getpass.getuser()})
    assert admin.call("/api/ext/robot/unlock", {"robotId": 1})["commandState"] == "done"
    assert not session.is_locked
    assert admin.call("/api/ext/robot/lock", {"robotId": 1})["result"] == "已锁定会话 c7"
    assert session.is_locked
    admin.call("robot/update", {"robotId": 2, "machineUsername": "nobody-here"})
    reply = admin.post("/api/ext/robot/lock", {"robotId": 2})
    assert reply.json["resultCode"] == "10504" and "没有可锁定的桌面会话" in reply.json["message"]


def test_the_timeline_proves_that_the_desktop_was_locked_again(
    machine: HubProcess, admin: Client, session: Loginctl, waits: int, tmp_path: Path
) -> None:
    for robot_id in (1, 2):
        admin.call("robot/update", {"robotId": robot_id, "machineUsername": getpass.getuser(), "isAutoUnlockEnabled": True})
    task_id = begun(admin, waits, tmp_path / "first")
    assert not session.is_locked
    (tmp_path / "first.go").touch()
    admin.ended([task_id])
    assert session.is_locked and events(admin, task_id) == ["created", "running", "unlocked", "locked", "succeeded"]


@pytest.mark.parametrize("generation", [0, 1], ids=["the process that watches the task", "the robot"])
def test_a_killed_runner_leaves_no_desktop_open(
    machine: HubProcess, admin: Client, session: Loginctl, waits: int, tmp_path: Path, generation: int
) -> None:
    task_id = begun(admin, waits, tmp_path / "note")
    robot = robot_of(machine, task_id)
    (robot if generation else robot.children()[0]).kill()
    admin.ended([task_id], 20)
    until(lambda: session.is_locked, 20, "the desktop to be locked")
    until(lambda: "locked" in events(admin, task_id), 20, "the timeline to say so")
