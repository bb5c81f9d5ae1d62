"""The command line beside a running hub: `rpahub demo` and `rpahub connection`, each as a process of its own."""
from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from adapters.sema4.tests.real_server import ActionServer
from tests.end_to_end.client import Client, until
from tests.end_to_end.hub_process import PASSWORD, HubProcess, clean_environment, program

NOWHERE = "http://127.0.0.1:9"


def rpahub(hub: HubProcess, *words: str, given: str = "", environment: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Run a command on the hub's data folder, without a terminal. Gives its exit status and what it said."""
    done = subprocess.run(
        [*program("rpahub"), *words],
        input=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=90,
        env={**clean_environment(data=hub.data), "COLUMNS": "200", **(environment or {})},
        cwd=hub.data.parent,
    )
    return done.returncode, done.stdout


def test_the_demonstration_shows_the_main_job_and_does_so_again(hub: HubProcess, admin: Client, group_id: int) -> None:
    for _ in range(2):
        status, said = rpahub(hub, "demo", environment={"RPAHUB_ADMIN_PASSWORD": PASSWORD})
        assert status == 0, said
        assert "all 3 tasks succeeded" in said and "matched" in said and "task-log/query" in said
        assert PASSWORD not in said
    assert len(admin.call("process/list", {"keyword": "成交对账"})["processes"]) == 1


def test_the_demonstration_says_what_is_wrong(hub: HubProcess, tmp_path: Path) -> None:
    for environment, words, message in (
        ({"RPAHUB_ADMIN_PASSWORD": "wrong password"}, (), "10004"),
        ({}, (), "RPAHUB_ADMIN_PASSWORD"),
        ({"RPAHUB_ADMIN_PASSWORD": PASSWORD}, ("--url", NOWHERE), "cannot be reached"),
        ({"RPAHUB_ADMIN_PASSWORD": PASSWORD}, ("--url", "nonsense"), "no address of a hub"),
        ({"RPAHUB_ADMIN_PASSWORD": PASSWORD}, ("--data", str(tmp_path)), "no hub runs"),
    ):
        status, said = rpahub(hub, "demo", *words, environment=environment)
        assert status == 1 and message in said, said
        assert "Traceback" not in said and PASSWORD not in said


def test_ctrl_c_in_the_demonstration_cancels_its_tasks(hub: HubProcess, admin: Client, group_id: int, tmp_path: Path) -> None:
    go, notes = tmp_path / "go", tmp_path / "demo.out"
    waits = f"import os, time\nwhile not os.path.exists({str(go)!r}):\n    time.sleep(0.05)"
    busy = admin.start(admin.make_process(waits, group_id=group_id), totalCount=2)
    with notes.open("wb") as output:
        demo = subprocess.Popen(
            [*program("rpahub"), "demo"], env=clean_environment(data=hub.data, admin_password=PASSWORD), stdout=output, stderr=output, stdin=subprocess.DEVNULL
        )
    (process_id,) = [each["processId"] for each in admin.call("process/list", {"keyword": "成交对账"})["processes"]]
    queued = until(lambda: [each["taskId"] for each in admin.call("task/list", {"processId": process_id, "taskState": "queued"})["tasks"]], 30, "tasks")
    until(lambda: "queued" in notes.read_text("utf-8") or "task/create" in notes.read_text("utf-8"), 30, "the demonstration to follow its tasks")
    demo.send_signal(signal.SIGINT)
    assert demo.wait(30) == 130
    assert {each["taskState"] for each in admin.ended(queued)} == {"cancelled"}
    go.touch()
    admin.ended(busy)


def test_connections_are_listed_without_their_credentials(hub: HubProcess) -> None:
    status, said = rpahub(hub, "connection", "list", "--json")
    assert status == 0, said
    rows = json.loads(said)
    assert rows[0]["connectionName"] == "native" and "credentials" not in rows[0]
    status, said = rpahub(hub, "connection", "check", "native")
    assert status == 0 and "native works" in said, said


@pytest.mark.parametrize("source", ["-", "env:KEY"])
def test_a_connection_is_added_with_a_key_from_elsewhere_and_imported(hub: HubProcess, admin: Client, sema4_server: ActionServer, source: str) -> None:
    name, key = f"cli {source}", sema4_server.api_key
    words = ("connection", "add", name, "--adapter", "sema4", "--address", sema4_server.address, "--credential", f"api_key={source}")
    given, environment = (f"{key}\n", {}) if source == "-" else ("", {"KEY": key})
    status, said = rpahub(hub, *words, given=given, environment=environment)
    assert status == 0 and key not in said, said
    status, said = rpahub(hub, "connection", "import", name)
    assert status == 0 and "processes" in said, said
    assert [each for each in admin.call("process/list", {"pageSize": 1000})["processes"] if each["adapter"] == name]


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (("--adapter", "sema4", "--address", NOWHERE, "--credential", "api_key=plain-secret"), 2, "does not belong on the command line"),
        (("--adapter", "sema4", "--address", NOWHERE, "--credential", "colour=-"), 2, "has no secret field colour"),
        (("--adapter", "sema4", "--address", NOWHERE), 1, "20101"),
        (("--adapter", "nobody", "--address", NOWHERE), 1, "there is no adapter nobody"),
    ],
)
def test_a_connection_that_cannot_be_is_refused_and_not_stored(
    hub: HubProcess, admin: Client, words: tuple[str, ...], status: int, message: str
) -> None:
    found, said = rpahub(hub, "connection", "add", "bad", *words)
    assert found == status and message in said, said
    assert "plain-secret" not in said and "Traceback" not in said
    assert "bad" not in {each["connectionName"] for each in admin.call("/api/ext/connection/list")["connections"]}


def test_a_data_folder_without_a_hub_is_said_to_be_one(hub: HubProcess, tmp_path: Path) -> None:
    status, said = rpahub(hub, "connection", "list", "--data", str(tmp_path / "nothing"))
    assert status == 1 and "rpahub init" in said, said
