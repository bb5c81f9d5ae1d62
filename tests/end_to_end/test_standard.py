"""Three programs that speak the standard with one another: a hub, another hub behind it, and a robot that stands alone behind it."""
from __future__ import annotations

import base64
import hashlib
import shutil
import socket
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.end_to_end.client import Client, package, until
from tests.end_to_end.hub_process import PASSWORD, ROBOT_SECRET, HubProcess, RobotProcess
from tests.end_to_end.lossy import LossyLine

HUB, ROBOT = "另一平台", "独立机器人"
needs_recording = pytest.mark.skipif(not all(map(shutil.which, ("Xvfb", "ffmpeg"))), reason="no Xvfb or ffmpeg here: apt-get install xvfb ffmpeg")
WORK = """
import json, os, time
given = {each["name"]: each["value"] for each in json.load(open(os.environ["RPA_INPUT"], encoding="utf-8"))}
for number in range(int(given.get("lines", "3"))):
    print(f"第 {number} 行", flush=number % 100 == 0)
for number in range(int(given.get("steps", "0"))):
    print(f"count {number}", flush=True)
    time.sleep(0.1)
json.dump([{"name": "greeting", "value": "你好 " + given.get("name", "")}], open(os.environ["RPA_OUTPUT"], "w", encoding="utf-8"))
raise SystemExit(int(given.get("status", "0")))
"""


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture(scope="module")
def near(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """The hub that everything is asked of. It has no robots of its own."""
    with HubProcess(tmp_path_factory.mktemp("near") / "data", robots=0, workers=2, vendor_poll_interval=0.5, vendor_timeout=10) as process:
        yield process


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """The other hub, with a robot."""
    with HubProcess(tmp_path_factory.mktemp("far") / "data", robots=1, port=free_port()) as process:
        yield process


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RobotProcess]:
    """The robot that stands alone."""
    with RobotProcess(tmp_path_factory.mktemp("alone") / "data") as process:
        yield process


@pytest.fixture(scope="module")
def client(near: HubProcess) -> Client:
    """The administrator of the near hub."""
    return near.admin()


def connect(client: Client, name: str, address: str, options: dict[str, Any], credentials: dict[str, str]) -> int:
    """Connect a peer and import what it has; gives the connection's id."""
    body = {"connectionName": name, "adapter": "standard", "address": address, "options": options, "credentials": credentials}
    connection_id = int(client.call("/api/ext/connection/create", body)["connectionId"])
    client.call("/api/ext/connection/import", {"connectionId": connection_id})
    return connection_id


@pytest.fixture(scope="module")
def connections(client: Client, far: HubProcess, alone: RobotProcess) -> dict[str, int]:
    """Both peers, connected."""
    return {
        HUB: connect(client, HUB, far.url, {"kind": "platform", "username": "admin"}, {"password": PASSWORD}),
        ROBOT: connect(client, ROBOT, alone.url, {"kind": "robot"}, {"secret": ROBOT_SECRET}),
    }


@pytest.fixture(scope="module")
def group_id(client: Client) -> int:
    """A robot group of the near hub; it is empty."""
    return int(client.call("robot-group/create", {"depId": 1, "robotGroupName": "空组"})["robotGroupId"])


def make_process(client: Client, group_id: int, adapter: str) -> int:
    """A process that is made at the near hub for a peer."""
    name = f"流程 {uuid.uuid4().hex[:8]}"
    content = base64.b64encode(package(WORK)).decode()
    made = {"packageName": name, "packageVersion": "1", "depId": 1, "package": content, "adapter": adapter}
    package_id = client.call("package/create", made)["packageId"]
    process = {"processName": name, "depId": 1, "robotGroupId": group_id, "isRecord": False, "adapter": adapter}
    process_id = int(client.call("process/create", process)["processId"])
    client.call("process/activate-package-version", {"processId": process_id, "packageId": package_id})
    return process_id


@pytest.fixture(scope="module")
def processes(client: Client, connections: dict[str, int], group_id: int) -> dict[str, int]:
    """A process on each peer."""
    return {name: make_process(client, group_id, name) for name in connections}


def parameters(**values: object) -> list[dict[str, str]]:
    return [{"name": name, "value": str(value)} for name, value in values.items()]


@pytest.fixture(params=[HUB, ROBOT])
def process_id(request: pytest.FixtureRequest, processes: dict[str, int]) -> int:
    """The process of each peer in turn."""
    return processes[request.param]


def test_a_task_runs_there_and_its_state_log_and_outputs_come_back(client: Client, process_id: int) -> None:
    task = client.run(process_id, inParameters=parameters(name="总部"))
    assert (task["taskStatus"], task["taskState"]) == ("0", "succeeded"), task["reason"]
    assert task["outParameters"] == [{"name": "greeting", "value": "你好 总部"}]
    assert task["adapter"] in (HUB, ROBOT) and task["vendorId"]
    assert task["startTime"] and task["stopTime"] and task["packageVersion"] == "1"
    assert [line for line in client.log(task["taskId"]) if line.startswith("第")] == ["第 0 行", "第 1 行", "第 2 行"]


def test_a_failure_there_is_a_failure_here_with_its_reason(client: Client, process_id: int) -> None:
    task = client.run(process_id, inParameters=parameters(status=3))
    assert task["taskStatus"] == "1" and task["reason"]


def test_what_was_made_here_is_there_and_the_import_finds_nothing_new(
    client: Client, processes: dict[str, int], connections: dict[str, int], far: HubProcess, alone: RobotProcess
) -> None:
    here = {row["processId"]: row["processName"] for row in client.call("process/list", {"pageSize": 1000})["processes"]}
    for name, peer in ((HUB, far.admin()), (ROBOT, alone.robot())):
        assert here[processes[name]] in [row["processName"] for row in peer.call("process/list", {"pageSize": 1000})["processes"]]
        found = client.call("/api/ext/connection/import", {"connectionId": connections[name]})
        assert (found["processes"], found["packages"], found["robots"], found["removed"]) == (0, 0, 0, 0)
    robots = [row["robotName"] for row in client.robots() if row["adapter"] == ROBOT]
    assert len(robots) == 1


def test_a_log_that_needs_several_answers_comes_back_whole(client: Client, process_id: int) -> None:
    task = client.run(process_id, inParameters=parameters(lines=12_000))
    assert task["taskState"] == "succeeded", task["reason"]
    lines = [line for line in client.log(task["taskId"]) if line.startswith("第")]
    assert lines == [f"第 {number} 行" for number in range(12_000)]


def test_a_running_task_is_paused_resumed_and_cancelled_there(client: Client, process_id: int) -> None:
    (task_id,) = client.start(process_id, inParameters=parameters(steps=600))
    until(lambda: "count 3" in client.log(task_id), 60, "the run to count")
    client.call("task/pause", {"taskId": task_id})
    until(lambda: client.task(task_id)["taskStatus"] == "4", 30, "the task to be paused")
    client.call("task/resume", {"taskId": task_id})
    until(lambda: client.task(task_id)["taskState"] == "running", 30, "the task to go on")
    client.call("task/cancel", {"taskId": task_id})
    (task,) = client.ended([task_id])
    assert task["taskStatus"] == "3"
    client.call("task/cancel", {"taskId": task_id}, code="10101", status=409)


@needs_recording
@pytest.mark.parametrize("name", [HUB, ROBOT])
def test_recordings_come_back_and_are_given_out_by_this_hub(
    client: Client, near: HubProcess, far: HubProcess, alone: RobotProcess, processes: dict[str, int], name: str
) -> None:
    (task_id,) = client.start(processes[name], isRecord=True, inParameters=parameters(steps=20))
    (task,) = client.ended([task_id])
    (shown,) = until(lambda: client.call("video/query", {"taskId": task_id})["recordFileInfos"], 60, "the recording")
    there = far.admin() if name == HUB else alone.robot()
    (kept,) = there.call("video/query", {"taskId": task["vendorId"]})["recordFileInfos"]
    assert shown["url"].startswith(near.url) and shown["videoStartTime"] == kept["videoStartTime"]
    film = client.send("GET", shown["url"].removeprefix(near.url)).body
    assert film[4:8] == b"ftyp", "an MP4 file begins so"
    assert hashlib.sha256(film).hexdigest() == shown["digest"] == kept["digest"]
    near_files = [path for path in (near.data / "files").rglob("*") if path.is_file()]
    assert near_files and all(film[:64] not in path.read_bytes() for path in near_files)


def test_many_tasks_need_no_new_sign_in(client: Client, far: HubProcess, processes: dict[str, int]) -> None:
    there = far.admin()
    before = len(logins(there))
    client.ended(client.start(processes[HUB], totalCount=10))
    assert len(logins(there)) <= before + 1, "the test's own may have been written down late"


def logins(there: Client) -> list[dict[str, Any]]:
    """The calls by which callers signed in at a hub."""
    return list(there.call("/api/ext/api-log/list", {"operation": "account_authenticate", "pageSize": 1000})["calls"])


def test_the_interface_of_a_robot_here_reaches_the_robot_there(client: Client, connections: dict[str, int], alone: RobotProcess) -> None:
    robot_id = next(row["robotId"] for row in client.robots() if row["adapter"] == ROBOT)
    robot = client.as_robot(client.call("/api/ext/robot/secret/issue", {"robotId": robot_id})["secret"])
    there = alone.robot()
    assert robot.call("query")["robotInfo"]["robotInstallPath"] == there.call("query")["robotInfo"]["robotInstallPath"]
    assert robot.call("machine/query")["resourceInfo"]["machineName"] == there.call("machine/query")["resourceInfo"]["machineName"]
    made = robot.call("process/create", {"processName": "在机器人上"})
    assert made["processId"] and "在机器人上" in [row["processName"] for row in there.call("process/list")["processes"]]


def test_a_start_whose_answer_is_lost_runs_once_and_is_found(client: Client, far: HubProcess, group_id: int) -> None:
    with LossyLine(far.url) as line:
        connect(client, "不稳的线路", line.url, {"kind": "platform", "username": "admin"}, {"password": PASSWORD})
        process_id = make_process(client, group_id, "不稳的线路")
        line.lose.append("/task/create")
        task = client.run(process_id, inParameters=parameters(name="一次"))
        assert line.lost == ["/api/platform/task/create"]
        assert (task["taskState"], task["outParameters"]) == ("succeeded", [{"name": "greeting", "value": "你好 一次"}])
    there = far.admin()
    name = next(row["processName"] for row in client.call("process/list", {"pageSize": 1000})["processes"] if row["processId"] == process_id)
    its_id = next(row["processId"] for row in there.call("process/list", {"pageSize": 1000})["processes"] if row["processName"] == name)
    assert len(there.call("task/list", {"processId": its_id})["tasks"]) == 1


def test_a_dead_peer_is_an_error_of_its_own_in_bounded_time_and_works_again_when_it_is_back(
    client: Client, processes: dict[str, int], connections: dict[str, int], far: HubProcess
) -> None:
    began = time.monotonic()
    far.stop()
    client.call("/api/ext/connection/check", {"connectionId": connections[HUB]}, code="20101", status=500)
    task = client.run(processes[HUB])
    assert task["taskStatus"] == "1" and "无法连接厂商平台" in task["reason"]
    assert client.run(processes[ROBOT])["taskStatus"] == "0", "one peer's death is no other's"
    assert time.monotonic() - began < 90
    far.start()
    assert client.call("/api/ext/connection/check", {"connectionId": connections[HUB]})["product"]
    assert client.run(processes[HUB])["taskStatus"] == "0"


def test_a_task_that_runs_while_its_hub_is_restarted_ends_as_what_it_became_there(
    client: Client, processes: dict[str, int], far: HubProcess
) -> None:
    (task_id,) = client.start(processes[HUB], inParameters=parameters(steps=30))
    until(lambda: client.task(task_id)["taskState"] == "running", 60, "the task to run")
    far.kill()
    time.sleep(1)
    assert client.task(task_id)["taskState"] == "running", "that the peer is away says nothing about the task"
    far.start()
    (task,) = client.ended([task_id], 90)
    there = far.admin().task(int(task["vendorId"]))
    assert (task["taskState"], task["reason"]) == (there["taskState"], there["reason"])


@pytest.mark.parametrize(("options", "credentials", "code"), [
    ({"kind": "platform", "username": "admin"}, {"password": "wrong-password-1"}, "20104"),
    ({"kind": "platform"}, {"password": PASSWORD}, "20104"),
    ({"kind": "robot"}, {"secret": "no secret of any robot"}, "20104"),
    ({"kind": "other"}, {}, "10007"),
    ({}, {}, "10007"),
])
def test_a_connection_that_does_not_work_is_not_stored(
    client: Client, far: HubProcess, options: dict[str, str], credentials: dict[str, str], code: str
) -> None:
    body = {"connectionName": "无效", "adapter": "standard", "address": far.url, "options": options, "credentials": credentials}
    client.call("/api/ext/connection/create", body, code=code, status=500 if code == "20104" else 400)
    assert "无效" not in [row["connectionName"] for row in client.call("/api/ext/connection/list")["connections"]]


def test_no_file_of_the_hub_holds_the_credentials_in_plain(near: HubProcess, connections: dict[str, int]) -> None:
    for path in near.data.rglob("*"):
        if path.is_file() and not path.is_socket():
            assert ROBOT_SECRET.encode() not in path.read_bytes(), path
