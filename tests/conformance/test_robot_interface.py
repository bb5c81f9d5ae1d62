"""All 28 operations of clause 6.3, as whoever has nothing but the printed tables would drive a robot: one of a hub, and one that stands alone."""
from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conformance.checking import Checker
from tests.conformance.conftest import Door
from tests.conformance.things import PACKAGE
from tests.end_to_end.client import Client, package, until
from tests.end_to_end.hub_process import ROBOT_SECRET, RobotProcess
from tests.printed import needs_text, robot_pages

pytestmark = needs_text

PRINTED_LIST = "/api/platform/process/list"  # erratum E27
ENDED = (0, 1, 3)
LONG = "import time\nprint('begun')\ntime.sleep(600)"


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A standalone robot: its address and secret."""
    process = RobotProcess(tmp_path_factory.mktemp("alone") / "data")
    with process:
        yield process.url, ROBOT_SECRET
        assert process.stop() == 0, process.said()


@pytest.fixture(params=["hub", "alone"])
def place(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Where a robot answers, and its secret."""
    if request.param == "alone":
        return request.getfixturevalue("alone")
    door: Door = request.getfixturevalue("running")
    return door.admin.url, door.admin.call("/api/ext/robot/secret/rotate", {"robotId": 2})["secret"]


def life(robot: Checker, mark: str) -> None:
    """Lead all things of a robot through their lives."""
    package = robot.call("package/create", {"packageName": f"包{mark}", "package": PACKAGE, "packageVersion": "1"})["packageId"]
    (shown,) = [each for each in robot.call("package/query", {"pageNum": 1, "pageSize": 100})["packages"] if each["packageId"] == package]
    assert (shown["packageName"], shown["isDeleted"]) == (f"包{mark}", False)
    process = robot.call("process/create", {"processName": f"流程{mark}", "remark": "夜间"})["processId"]
    robot.call("process/activate-package-version", {"processId": process, "packageId": package, "inParameters": [{"name": "日期", "value": "今天"}]})
    robot.call("process/update", {"processId": process, "processName": f"改名{mark}", "remark": "白天"})
    (shown,) = [each for each in robot.call(PRINTED_LIST, {"pageNum": 1, "pageSize": 100})["processes"] if each["processId"] == process]
    assert (shown["processName"], shown["remark"]) == (f"改名{mark}", "白天")
    run_to_the_end(robot, process)
    robot.call("process/delete", {"processId": process})
    robot.call("package/delete", {"packageId": package})
    robot.call("package/delete", {"packageId": package}, "10501")


def run_to_the_end(robot: Checker, process: int) -> None:
    given = {"processId": process, "totalCount": 1, "priority": 1, "isRecord": False, "maxRunTime": 600, "maxWaitingTime": 600}
    given["inParameters"] = [{"name": "日期", "value": "2026-11-24"}]
    (task,) = robot.call("task/create", given)["taskIds"]
    seen = until(lambda: found if (found := robot.call("task/query", {"taskId": task}))["taskStatus"] in ENDED else None, 60, "the task to end")
    assert (seen["taskStatus"], seen["processId"], seen["inParameters"]) == (0, process, given["inParameters"])
    lines = robot.call("task-log/query", {"taskId": task, "logLevel": "info"})["logs"]
    assert "你好" in [each["message"] for each in lines]
    between = {"runningStartTimeRange_startTime": seen["startTime"], "runningStartTimeRange_endTime": seen["startTime"], "processId": process}
    assert [each["taskId"] for each in robot.call("task/list", {**between, "pageNum": 1, "pageSize": 10})["tasks"]] == [task]
    assert robot.call("video/query", {"taskId": str(task)})["recordFileInfos"] == []
    robot.call("task/cancel", {"taskId": task}, "10102")


def files(robot: Checker, mark: str) -> None:
    given = {"file": PACKAGE, "folderPath": "/日报", "fileName": f"{mark}.csv", "filePassword": "File-passw0rd"}
    file = robot.call("file/create", given)["fileId"]
    robot.call("file/create", given, "10201")
    robot.call("file/update", {"fileId": int(file), "fileName": f"{mark}-2.csv", "filePassword": "File-passw0rd", "file": PACKAGE, "folderPath": "/周报"})
    shown = robot.call("file/query", {"fileId": int(file)})
    assert (shown["fileName"], shown["folderPath"]) == (f"{mark}-2.csv", "/周报")
    assert int(file) in [each["fileId"] for each in robot.call("file/list", {"pageNum": 1, "pageSize": 100})["files"]]
    robot.call("file/delete", {"fileId": int(file)})
    robot.call("file/delete", {"fileId": int(file)}, "10501")


def held(robot: Checker, process: int) -> int:
    """A task that runs, is paused, and goes on."""
    (task,) = robot.call("task/create", {"processId": process, "isRecord": False})["taskIds"]
    until(lambda: robot.call("task-log/query", {"taskId": task})["logs"], 60, "the task to begin")
    robot.call("task/pause", {"taskId": task})
    assert robot.call("task/query", {"taskId": task})["taskStatus"] == 4
    robot.call("task/resume", {"taskId": task})
    assert robot.call("task/query", {"taskId": task})["taskStatus"] == 2
    return task


def settings(robot: Checker) -> None:
    config = {
        "machineUsername": "rpa", "machinePassword": "Machine-passw0rd", "desktopType": 1, "resolutionWidth": 1600, "resolutionHeight": 900,
        "resolutionDepth": 24, "isAutoUnlockEnabled": True, "logLevel": "info",
    }  # fmt: skip
    robot.call("config", {"robotConfig": config})
    info = robot.call("query")["robotInfo"]
    assert {name: info[name] for name in config} == {**config, "machinePassword": ""}
    machine = robot.call("machine/query", {"resourceTypes": ["machineName", "ip", "cpu", "disk", "memory", "systemVersion"]})["resourceInfo"]
    assert machine["machineName"] == info["machineName"] and machine["ip"]
    assert robot.call("license/info")["type"]


def state(robot: Checker, wanted: int) -> None:
    until(lambda: robot.call("query")["robotInfo"]["robotStatus"] == wanted, 60, f"the robot's status to be {wanted}")


def test_everything_that_the_robot_interface_prints(place: tuple[str, str], request: pytest.FixtureRequest) -> None:
    url, secret = place
    Checker(Client(url, side="robot")).call("authenticate", {"secret": secret})
    Checker(Client(url, side="robot")).call("authenticate", {"secret": f"{secret}x"}, "10004")
    client = Client(url).as_robot(secret)
    robot, mark = Checker(client), f"-{request.node.callspec.id}"
    robot.call("start")
    state(robot, 0)
    settings(robot)
    files(robot, mark)
    life(robot, mark)
    long = made_process(client, LONG, mark)
    task = held(robot, long)
    robot.call("task/cancel", {"taskId": task})
    assert robot.call("task/query", {"taskId": task})["taskStatus"] == 3
    robot.call("stop")
    state(robot, 2)
    robot.call("start")
    state(robot, 0)
    authenticated = "/api/robot/authenticate"
    assert robot.succeeded | {authenticated} == {page.path for page in robot_pages()}


def made_process(client: Client, main: str, mark: str) -> int:
    content = base64.b64encode(package(main)).decode()
    made: Any = client.call("package/create", {"packageName": f"长{mark}", "packageVersion": "1", "package": content})
    process: int = client.call("process/create", {"processName": f"长{mark}"})["processId"]
    client.call("process/activate-package-version", {"processId": process, "packageId": made["packageId"]})
    return process


def test_a_token_of_nobody_is_refused_everywhere(place: tuple[str, str]) -> None:
    for token in ("", "no-such-token"):
        robot = Checker(Client(place[0], token, "robot"))
        for page in robot_pages():
            if page.verb != "authenticate":
                robot.call(f"/{page.path.lstrip('/')}", {}, "10001")  # one is printed without it (erratum E28)
