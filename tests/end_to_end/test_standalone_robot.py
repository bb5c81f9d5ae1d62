"""A robot that stands alone (clause 5.1.1): started, driven, killed and started again, with no platform anywhere."""
from __future__ import annotations

import base64
import re
import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.end_to_end.client import Client, assert_envelope, package, until
from tests.end_to_end.hub_process import RobotProcess, clean_environment, program

SECRET = re.compile(r"^first start: robot secret (\S+)$", re.MULTILINE)


def process_on(robot: Client, main: str, name: str = "流程") -> int:
    """A process with an active package."""
    content = base64.b64encode(package(main)).decode()
    made = robot.call("package/create", {"packageName": name, "packageVersion": "1", "package": content})
    process: int = robot.call("process/create", {"processName": name})["processId"]
    robot.call("process/activate-package-version", {"processId": process, **made})
    return process


def run(robot: Client, process: int) -> int:
    return int(robot.call("task/create", {"processId": process, "isRecord": False})["taskIds"][0])


def ended(robot: Client, task: int) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        seen = robot.call("task/query", {"taskId": task})
        return seen if seen["taskState"] in ("succeeded", "failed", "cancelled", "timed_out") else None

    return until(look, 60, f"task {task} to end")


def test_the_first_start_tells_the_secret_once_and_a_new_one_can_be_made(tmp_path: Path) -> None:
    process = RobotProcess(tmp_path / "data", robot_secret="")
    with process:
        (secret,) = SECRET.findall(process.said())
        robot = process.robot(secret)
        task = run(robot, process_on(robot, "print('hello')"))
        assert ended(robot, task)["taskState"] == "succeeded"
        assert process.stop() == 0
    environment = clean_environment(data=process.data)
    made = subprocess.run([*program("rpahub"), "robot", "secret"], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True)
    other = made.stdout.split()[-1]
    with process:
        assert not SECRET.search(process.said())
        assert_envelope(Client(process.url).post("/api/robot/authenticate", {"secret": secret}), "10004", 401)
        robot = process.robot(other)
        assert robot.call("task/query", {"taskId": task})["taskState"] == "succeeded"
        assert [each["message"] for each in robot.call("task-log/query", {"taskId": task})["logs"]] == ["hello"]


def test_a_killed_robot_fails_what_it_ran_and_goes_on_with_what_waited(tmp_path: Path) -> None:
    process = RobotProcess(tmp_path / "data")
    with process:
        robot = process.robot()
        long = process_on(robot, "import time\nprint('begun')\ntime.sleep(600)", "长")
        running, waiting = run(robot, long), run(robot, process_on(robot, "print('next')", "短"))
        until(lambda: robot.call("task-log/query", {"taskId": running})["logs"], 60, "the task to begin")
        process.kill()
    with process:
        robot = process.robot()
        assert ended(robot, running)["taskState"] == "failed" and ended(robot, running)["reason"]
        assert ended(robot, waiting)["taskState"] == "succeeded"


def test_a_local_trigger_starts_its_task_by_the_clock(tmp_path: Path) -> None:
    with RobotProcess(tmp_path / "data") as process:
        robot = process.robot()
        trigger = {"name": "每秒", "cronExpression": "* * * * * ?", "processId": process_on(robot, "print('tick')"), "isActivated": True}
        robot.call("config", {"robotConfig": {"schedules": [trigger]}})
        until(lambda: len(robot.call("task/list")["tasks"]) >= 2, 60, "the trigger to fire twice")
        robot.call("config", {"robotConfig": {"schedules": []}})
        tasks = robot.call("task/list", {"pageSize": 1000})["tasks"]
        begun = [each["createTime"] for each in tasks]
        assert max(map(begun.count, begun)) == 1, "one fire makes one task"
        assert datetime.fromisoformat(begun[1]) - datetime.fromisoformat(begun[0]) >= timedelta(seconds=1)


def test_what_a_platform_has_is_not_there_and_health_and_document_are(tmp_path: Path) -> None:
    with RobotProcess(tmp_path / "data") as process:
        robot = process.robot()
        for path in ("/api/platform/department/list", "/api/platform/account/authenticate", "/api/ext/role/list", "/api/ext/connection/create"):
            assert_envelope(robot.post(path, {}), "10501", 404)
        assert robot.call("/api/platform/process/list", {})["processes"] == []
        for check in ("live", "ready"):
            assert robot.send("GET", f"/api/ext/health/{check}").status == 200
        document = robot.send("GET", "/api/ext/openapi.json").json
        assert len([path for path in document["paths"] if path.startswith("/api/robot/")]) == 28
        assert not [path for path in document["paths"] if path.startswith("/api/platform/")]


def test_a_data_folder_is_a_hubs_or_a_robots_and_never_both(tmp_path: Path) -> None:
    with RobotProcess(tmp_path / "data") as process:
        assert process.stop() == 0
    environment = clean_environment(data=process.data, port=0)
    done = subprocess.run([*program("rpahub"), "up"], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and "standalone robot" in done.stderr


def test_a_short_secret_is_refused(tmp_path: Path) -> None:
    environment = clean_environment(data=tmp_path / "data", port=0, robot_secret="zu-kurz-1")
    done = subprocess.run([*program("rpahub"), "robot", "up"], env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and "RPAHUB_ROBOT_SECRET" in done.stderr and "zu-kurz-1" not in done.stdout + done.stderr
