"""Processes ask the hub for credentials, assets, queue items and files through the run's socket."""
from __future__ import annotations

import json
import os
import socket
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from adapters.native.tests.running import FakeRun, Going, execute, until
from plugins import FileContent, HubError, codes

PASSWORD = "Pass-ÄÖ-word"


def answering(**answers: Any) -> FakeRun:
    """A run whose hub gives these answers."""
    run = FakeRun()
    run.answers = {name: value if callable(value) else lambda params, value=value: value for name, value in answers.items()}
    return run


LEASE = {"credentialUsername": "books", "credentialPassword": PASSWORD, "expirationTime": "2026-01-01 00:00:00"}


def test_python_gets_credentials_and_typed_assets(folder: Path) -> None:
    values = {"城市": (0, "上海分公司"), "开关": (1, "true"), "费率": (2, "0.5"), "笔数": (2, "12"), "表": (3, '{"a": [1]}')}
    run = answering(
        credential_lease=lambda params: {**LEASE, "credentialName": params["credentialName"]},
        asset_lease=lambda params: dict(zip(("dataType", "assetValue"), values[params["assetName"]], strict=True)),
    )
    answer = execute(folder, {"main.py": """
from rpa_task import asset, credential, set_output
found = credential("账务系统")
username, password = found
print(found, username, len(password))
assert password == found.password
set_output("values", [asset(name) for name in ("城市", "开关", "费率", "笔数", "表")])
"""}, run)
    assert answer["taskState"] == "succeeded", run.lines
    assert run.texts("info") == ["Credential(username='books', password='***') books 12"]
    assert json.loads(answer["outParameters"][0]["value"]) == ["上海分公司", True, 0.5, 12, {"a": [1]}]


def test_robot_framework_has_the_same_as_keywords_and_keeps_secrets_out_of_its_files(folder: Path) -> None:
    item = {"itemId": 7, "reference": "R", "content": {"n": 1}, "attempts": 1}
    asked: list[dict[str, Any]] = []
    run = answering(credential_lease=LEASE, queue_item_lease=item, queue_item_complete=lambda params: asked.append(params) or {})
    suite = """
*** Settings ***
Library    rpa_task
*** Tasks ***
One
    ${login} =    Credential    账务系统
    Log    user ${login.username} password ${login.password}
    ${item} =    Lease Item    待办
    Should Be Equal As Integers    ${item}[content][n]    1
    Complete Item    ${item}
    Run Keyword And Ignore Error    Should Be Equal    ${login.password}    other
    Should Be Equal    ${login.password}    other
"""
    answer = execute(folder, {"a.robot": suite}, run, logLevel="trace")
    assert answer["reason"] == "进程以退出码 1 结束：One：*** != other"
    assert "user books password ***" in run.texts("info")
    assert asked == [{"itemId": 7}]
    for name in ("output.xml", "log.html"):
        assert PASSWORD not in next(folder.glob(f"tasks/*/robot/{name}")).read_text("utf-8")


def test_a_refusal_comes_with_its_code_and_fails_the_task_where_nobody_catches_it(folder: Path) -> None:
    def refuse(params: dict[str, Any]) -> dict[str, Any]:
        raise HubError("credential 无", code=codes.NOT_FOUND)

    answer = execute(folder, {"main.py": """
from rpa_task import ServiceError, asset, credential
try:
    asset("x")
except ServiceError as error:
    assert error.code == "10501", error.code
credential("无")
"""}, answering(credential_lease=refuse))
    assert answer["reason"].startswith("进程以退出码 1 结束：rpa_services.ServiceError: ")
    assert answer["reason"].endswith("credential 无")


def test_at_a_desk_it_is_said_that_there_is_no_platform(folder: Path) -> None:
    run = FakeRun()
    execute(folder, {"main.py": """
import os, rpa_task
del os.environ["RPA_SERVICES"]
try:
    rpa_task.credential("x")
except rpa_task.ServiceError as error:
    print(error)
"""}, run)
    assert "只有机器人执行的任务可以使用平台的凭据" in run.texts("info")[0]


def test_items_are_leased_held_and_given_back(folder: Path) -> None:
    asked: list[tuple[str, dict[str, Any]]] = []
    items = [{"itemId": 5, "reference": None, "content": {"账号": "1"}, "attempts": 2}, {"itemId": None}]
    run = answering(
        queue_item_lease=lambda params: asked.append(("lease", params)) or items.pop(0),
        queue_item_heartbeat=lambda params: asked.append(("heartbeat", params)) or {},
        queue_item_fail=lambda params: asked.append(("fail", params)) or {"isRetried": True},
        queue_item_submit=lambda params: asked.append(("submit", params)) or {"itemId": 6},
    )
    answer = execute(folder, {"main.py": """
from rpa_task import add_item, fail_item, heartbeat, lease_item
while (item := lease_item("待办", 60)) is not None:
    heartbeat(item, 120)
    fail_item(item, "账不平", retry=False)
assert add_item("待办", {"a": 1}, "R-2", priority=0) == 6
"""}, run)
    assert answer["taskState"] == "succeeded", run.lines
    assert asked == [
        ("lease", {"queueName": "待办", "leaseSeconds": 60}), ("heartbeat", {"itemId": 5, "leaseSeconds": 120}),
        ("fail", {"itemId": 5, "reason": "账不平", "isRetry": False, "delaySeconds": 0}), ("lease", {"queueName": "待办", "leaseSeconds": 60}),
        ("submit", {"queueName": "待办", "content": {"a": 1}, "priority": 0, "reference": "R-2"}),
    ]  # fmt: skip


def test_files_travel_through_the_folder_of_the_run(folder: Path) -> None:
    stored: dict[str, bytes] = {}

    def write(params: dict[str, Any]) -> dict[str, Any]:
        stored[params["filePath"]] = params["file"].read()
        assert params["file"].name == "报表.bin"
        return {"fileId": 1, "version": 3}

    big = os.urandom(3 << 20)
    run = answering(file_read=lambda params: {"fileId": 1, "version": 2, "content": FileContent.of(big, "余额.bin")}, file_write=write)
    answer = execute(folder, {"main.py": """
import os
from rpa_task import read_file, set_output, write_file
path = read_file("/日报/余额.bin")
assert path == os.path.join(os.environ["RPA_WORK_DIR"], "余额.bin"), path
other = read_file("/日报/余额.bin", "copy.bin")
os.rename("余额.bin", "报表.bin")
set_output("version", write_file("/日报/报表.bin"))
assert not os.listdir(os.environ["RPA_TRANSFERS"])
"""}, run)
    assert answer["outParameters"] == [{"name": "version", "value": "3"}], run.lines
    assert stored == {"/日报/报表.bin": big}
    assert next(folder.glob("tasks/*/work/copy.bin")).read_bytes() == big


def test_a_file_to_be_sent_cannot_be_another_one_of_the_robot(folder: Path) -> None:
    run = answering(file_write=lambda params: {"version": len(params["file"].read())})
    answer = execute(folder, {"main.py": """
import os, rpa_services
def refused(transfer):
    try:
        rpa_services.ask("write_file", {"filePath": "/x", "transfer": transfer})
    except rpa_services.ServiceError as error:
        return error.code
os.symlink("/etc/hostname", os.path.join(os.environ["RPA_TRANSFERS"], "link"))
os.mkfifo(os.path.join(os.environ["RPA_TRANSFERS"], "pipe"))
codes = [refused(each) for each in ("../../work/main.py", "/etc/hostname", "link", "pipe", "none", None)]
assert codes == ["10007", "10007", "10203", "10007", "10203", "10007"], codes
"""}, run)
    assert answer["taskState"] == "succeeded", run.lines


def test_many_children_may_ask_at_once(folder: Path) -> None:
    lock, most, now = threading.Lock(), [0], [0]

    def slowly(params: dict[str, Any]) -> dict[str, Any]:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        threading.Event().wait(0.01)
        with lock:
            now[0] -= 1
        return {"dataType": 2, "assetValue": params["assetName"]}

    answer = execute(folder, {"main.py": """
import os, sys
from concurrent.futures import ThreadPoolExecutor
children = []
for number in range(4):
    child = os.fork()
    if not child:
        from rpa_task import asset
        with ThreadPoolExecutor(20) as pool:
            values = list(pool.map(lambda n: asset(str(n)), range(60)))
        os._exit(0 if values == list(range(60)) else 1)
    children.append(child)
sys.exit(sum(os.waitpid(child, 0)[1] for child in children))
"""}, answering(asset_lease=slowly))
    assert answer["taskState"] == "succeeded"
    assert 1 < most[0] <= 32


def test_what_is_no_request_and_what_is_too_large_is_refused(folder: Path) -> None:
    run = answering(asset_lease={"dataType": 0, "assetValue": "x" * (2 << 20)})
    answer = execute(folder, {"main.py": """
import json, os, socket
def say(data):
    guest = socket.socket(socket.AF_UNIX)
    guest.connect(os.environ["RPA_SERVICES"])
    try:
        guest.sendall(data)
    except BrokenPipeError:
        pass
    return json.loads(guest.makefile().readline())["error"]["code"]
for data, code in ((b"nonsense\\n", "10007"), (b'{"ask": "shell"}\\n', "10007"), (b"x" * (2 << 20), "10505"), (b'{"ask": "asset"}\\n', "10505")):
    assert say(data) == code, (data[:20], code)
guest = socket.socket(socket.AF_UNIX)
guest.connect(os.environ["RPA_SERVICES"])
guest.sendall(b'{"ask": ')  # And never ends: the task may end all the same.
"""}, run)
    assert answer["taskState"] == "succeeded", run.lines


@pytest.mark.parametrize("depth", [0, 1], ids=["short", "deep"])
def test_the_socket_is_for_the_robots_user_alone_and_goes_with_the_run(tmp_path: Path, folder: Path, depth: int) -> None:
    place = folder / ("x" * 80) if depth else folder
    going = Going(place, {"main.py": "import os,time\nprint(os.environ['RPA_SERVICES'])\nwhile not os.path.exists('go'): time.sleep(0.01)"})
    path = Path(until(lambda: going.run.texts("info"))[0])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    next(place.glob("tasks/*/work")).joinpath("go").touch()
    assert going.wait()["taskState"] == "succeeded"
    assert not path.exists()
    with socket.socket(socket.AF_UNIX) as guest, pytest.raises(OSError, match=r"No such file|too long"):
        guest.connect(str(path))


def test_no_secret_is_in_the_environment_of_a_process(folder: Path) -> None:
    run = answering(credential_lease=LEASE)
    execute(folder, {"main.py": "import os, rpa_task\nrpa_task.credential('x')\nprint(open(f'/proc/self/environ').read().replace('\\0', '\\n'))"}, run)
    assert not [text for text in run.texts() if PASSWORD in text or "TOKEN" in text]
