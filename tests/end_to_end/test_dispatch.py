"""How tasks are spread over robots, told their parameters, and ended."""
from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from tests.end_to_end.client import Client, until


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """A file that processes of tasks write to; its path is given to them as the parameter ``notes``."""
    return tmp_path / "notes.txt"


def lines(path: Path) -> list[str]:
    return path.read_text("utf-8").split() if path.exists() else []


NOTE = """
import json, os, time
given = {each["name"]: each["value"] for each in json.load(open(os.environ["RPA_INPUT"], encoding="utf-8"))}
with open(given["notes"], "a") as notes:
    notes.write(given.get("word", os.environ["RPA_TASK_ID"]) + "\\n")
until = given.get("until")
while until and not os.path.exists(until):
    time.sleep(0.05)
"""


@pytest.fixture(scope="module")
def note(admin: Client, group_id: int) -> int:
    """A process that writes a word to the notes, then waits for the file that ``until`` names, if any."""
    return admin.make_process(NOTE, group_id=group_id)


def parameters(**values: object) -> list[dict[str, str]]:
    return [{"name": name, "value": str(value)} for name, value in values.items()]


def test_total_count_starts_as_many_tasks_in_order(admin: Client, note: int, notes: Path) -> None:
    task_ids = admin.start(note, totalCount=5, inParameters=parameters(notes=notes))
    assert len(task_ids) == 5 and task_ids == sorted(task_ids)
    assert {each["taskState"] for each in admin.ended(task_ids)} == {"succeeded"}
    assert sorted(lines(notes), key=int) == [str(each) for each in task_ids]


def test_tasks_of_a_group_run_on_all_of_its_robots_at_once(admin: Client, note: int, notes: Path, tmp_path: Path) -> None:
    go = tmp_path / "go"
    task_ids = admin.start(note, totalCount=3, inParameters=parameters(notes=notes, until=go))
    until(lambda: len(lines(notes)) == 2, 30, "two tasks to run")
    states = [admin.task(each) for each in task_ids]
    assert sorted(each["taskState"] for each in states) == ["queued", "running", "running"]
    assert {each["robotId"] for each in states if each["taskState"] == "running"} == {1, 2}
    (queued,) = [each for each in states if each["taskState"] == "queued"]
    assert (queued["taskStatus"], queued["startTime"], queued["robotId"]) == ("2", "", None)
    assert {each["robotStatus"] for each in admin.robots() if each["robotId"] in (1, 2)} == {1}
    go.touch()
    assert {each["taskStatus"] for each in admin.ended(task_ids)} == {"0"}


@pytest.mark.parametrize("robot_id", [1, 2])
def test_tasks_run_on_the_robots_that_are_named(admin: Client, hello: int, robot_id: int) -> None:
    found = admin.ended(admin.start(hello, totalCount=3, robotIds=[robot_id]))
    assert {each["robotId"] for each in found} == {robot_id}


def test_a_robot_must_be_in_the_group_that_is_named_with_it(admin: Client, hello: int) -> None:
    group_id = admin.call("robot-group/create", {"depId": 1, "robotGroupName": "只有一个机器人"})["robotGroupId"]
    start = {"processId": hello, "priority": 1, "isRecord": False, "robotGroupId": group_id}
    admin.call("task/create", start, "11001", 409)
    admin.call("robot-group/append", {"robotGroupId": group_id, "robotIds": [2]})
    admin.call("task/create", {**start, "robotIds": [1]}, "10007", 400)
    # The robot notices its new group within a few seconds.
    (ended,) = admin.ended(admin.start(hello, robotGroupId=group_id))
    assert ended["robotId"] == 2


def test_high_priority_goes_before_medium_before_low(admin: Client, note: int, notes: Path, tmp_path: Path) -> None:
    go = tmp_path / "go"
    first = admin.start(note, robotIds=[1], inParameters=parameters(notes=notes, word="first", until=go))
    until(lambda: lines(notes) == ["first"], 30, "the robot to be busy")
    waiting = [
        task_id
        for priority in (2, 1, 0, 2, 1, 0)
        for task_id in admin.start(note, robotIds=[1], priority=priority, inParameters=parameters(notes=notes, word=priority))
    ]
    go.touch()
    admin.ended([*first, *waiting])
    assert lines(notes) == ["first", "0", "0", "1", "1", "2", "2"]


def test_parameters_of_a_task_override_those_of_its_process_by_name(admin: Client, group_id: int) -> None:
    main = "import json, os, shutil\nshutil.copy(os.environ['RPA_INPUT'], os.environ['RPA_OUTPUT'])"
    defaults = [{"name": "市场", "value": "SSE"}, {"name": "日期", "value": "2026-01-01"}]
    process_id = admin.make_process(main, group_id=group_id, in_parameters=defaults)
    shown = admin.run(process_id, inParameters=[{"name": "市场", "value": "SZSE"}, {"name": "新", "value": ""}])
    expected = [{"name": "市场", "value": "SZSE"}, {"name": "日期", "value": "2026-01-01"}, {"name": "新", "value": ""}]
    assert shown["inParameters"] == shown["outParameters"] == expected
    assert admin.run(process_id)["outParameters"] == defaults


def test_output_parameters_come_back_as_texts(admin: Client, group_id: int) -> None:
    main = "import json, os\njson.dump([{'name': '数', 'value': 3}, {'name': '表', 'value': [1, '二']}], open(os.environ['RPA_OUTPUT'], 'w'))"
    shown = admin.run(admin.make_process(main, group_id=group_id))
    assert shown["outParameters"] == [{"name": "数", "value": "3"}, {"name": "表", "value": '[1, "二"]'}]


def test_a_task_that_runs_too_long_ends_with_a_reason(admin: Client, group_id: int) -> None:
    shown = admin.run(admin.make_process("import time\ntime.sleep(60)", group_id=group_id), maxRunTime=1)
    assert (shown["taskState"], shown["taskStatus"]) == ("timed_out", "1") and shown["reason"]


def test_a_task_that_waits_too_long_ends_with_a_reason(admin: Client, note: int, notes: Path, tmp_path: Path) -> None:
    go = tmp_path / "go"
    busy = admin.start(note, robotIds=[1], inParameters=parameters(notes=notes, until=go))
    until(lambda: lines(notes), 30, "the robot to be busy")
    (shown,) = admin.ended(admin.start(note, robotIds=[1], maxWaitingTime=1, inParameters=parameters(notes=notes, word="late")))
    assert (shown["taskState"], shown["taskStatus"], shown["startTime"]) == ("timed_out", "1", "") and shown["reason"]
    go.touch()
    admin.ended(busy)
    assert "late" not in lines(notes)


def test_a_queued_task_is_cancelled_at_once_and_never_runs(admin: Client, note: int, notes: Path, tmp_path: Path) -> None:
    go = tmp_path / "go"
    busy = admin.start(note, robotIds=[1], inParameters=parameters(notes=notes, word="busy", until=go))
    until(lambda: lines(notes), 30, "the robot to be busy")
    (queued,) = admin.start(note, robotIds=[1], inParameters=parameters(notes=notes, word="never"))
    assert admin.call("task/cancel", {"taskId": queued}) == {}
    assert (admin.task(queued)["taskStatus"], admin.task(queued)["startTime"]) == ("3", "")
    admin.call("task/cancel", {"taskId": queued}, "10101", 409)
    go.touch()
    admin.ended(busy)
    admin.run(note, robotIds=[1], inParameters=parameters(notes=notes, word="after"))
    assert lines(notes) == ["busy", "after"]
    admin.call("task/cancel", {"taskId": busy[0]}, "10102", 409)


# A grandchild that has left its session, its parent and the signals behind, and shows by its heartbeat that it lives.
DAEMON = """
import json, os, signal, sys, time
given = {each["name"]: each["value"] for each in json.load(open(os.environ["RPA_INPUT"], encoding="utf-8"))}
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        while True:
            with open(given["heartbeat"] + ".new", "w") as beat:
                beat.write(f"{os.getpid()} {time.time()}")
            os.replace(given["heartbeat"] + ".new", given["heartbeat"])
            time.sleep(0.05)
    os._exit(0)
print("started", flush=True)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
time.sleep(600)
"""


def test_cancel_ends_the_whole_process_tree_also_what_has_detached_itself(admin: Client, group_id: int, tmp_path: Path) -> None:
    heartbeat = tmp_path / "heartbeat"
    (task_id,) = admin.start(admin.make_process(DAEMON, group_id=group_id), inParameters=parameters(heartbeat=heartbeat))
    until(heartbeat.exists, 30, "the grandchild's heartbeat")
    until(lambda: "started" in admin.log(task_id), 30, "the first line")
    pid = int(heartbeat.read_text().split()[0])
    assert psutil.pid_exists(pid)
    admin.call("task/cancel", {"taskId": task_id})
    (shown,) = admin.ended([task_id])
    assert (shown["taskState"], shown["taskStatus"]) == ("cancelled", "3")
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    last = heartbeat.read_text()
    admin.online([shown["robotId"]])
    assert heartbeat.read_text() == last


def test_a_robot_created_by_the_api_comes_to_life_and_takes_a_task(admin: Client, hello: int) -> None:
    machine = admin.call("machine/list")["machines"][0]
    robot = {"depId": 1, "robotName": "新机器人", "robotType": 0, "machineId": machine["machineId"], "machineName": machine["machineName"], "machineUsername": "rpa"}
    robot_id = admin.call("robot/create", robot)["robotId"]
    (task_id,) = admin.start(hello, robotIds=[robot_id])
    (shown,) = admin.ended([task_id])
    assert (shown["taskState"], shown["robotId"]) == ("succeeded", robot_id)
    admin.online([robot_id])
    assert admin.call("robot/query", {"robotId": robot_id})["robotOnlineSeconds"] >= 0
