"""Reboot and shutdown: robots come to rest first, the program runs once, and no robot stays held, whatever dies."""
from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from hub import rights
from hub.core import Hub
from hub.machines import power, sweep
from hub.models import AuditEntry, MachineCommand, Robot, Task, TaskEvent
from hub.serving import full_catalogue
from hub.tasks import lifecycle
from tests.hub.conftest import Api
from tests.hub.machines.conftest import HostOf
from tests.hub.services import making

NewHost = Callable[..., HostOf]
Script = Callable[..., list[str]]
Ran = Callable[[], list[str]]
Boots = Callable[[str], None]


@pytest.fixture
def host(new_host: NewHost, script: Script) -> HostOf:
    """The machine of the first start, with two robots, whose owner allows everything."""
    allowed = {"machine_reboot_command": script("reboot"), "machine_shutdown_command": script("shutdown")}
    return new_host(socket.gethostname(), allow_machine_power=True, **allowed)


def reboot(api: Api, host: HostOf, **params: object) -> int:
    return int(api("machine_reboot", machineId=host.machine_id, reason="补丁", **params)["commandId"])


def command(hub: Hub, command_id: int) -> MachineCommand:
    with hub.db.read() as session:
        return session.get_one(MachineCommand, command_id)


def state(hub: Hub, command_id: int) -> str:
    return command(hub, command_id).state


def held(hub: Hub) -> set[str | None]:
    with hub.db.read() as session:
        return set(session.scalars(select(Robot.held_by).where(Robot.machine_id == 1)))


def begin(hub: Hub, task_id: int, robot_id: int = 1) -> lifecycle.Claim | None:
    return lifecycle.claim(hub, task_id, state="running", lease=60, robot_id=robot_id)


def age(hub: Hub, command_id: int, seconds: float, *columns: str) -> None:
    """Let the command have come to its state so much earlier."""
    with hub.db.write() as session:
        row = session.get_one(MachineCommand, command_id)
        for column in columns:
            setattr(row, column, getattr(row, column) - timedelta(seconds=seconds))


def test_a_machine_goes_down_when_its_robots_have_come_to_rest_and_they_work_again_after_its_start(
    api: Api, hub: Hub, host: HostOf, ran: Ran, boots: Boots
) -> None:
    boots("first")
    host.step()
    first, second = making.tasks(api, making.process(api), 2)
    run = begin(hub, first)
    assert run is not None
    key = reboot(api, host)
    host.step()
    assert (state(hub, key), held(hub)) == ("draining", {f"command:{key}"})
    assert begin(hub, second, 2) is None and making.task_of(hub, second).state == "queued"
    host.step(3)
    assert (state(hub, key), ran()) == ("draining", [])
    lifecycle.finish(hub, first, run.run_key, "succeeded")
    host.step(3)
    assert (state(hub, key), ran()) == ("executing", ["reboot"])
    boots("second")
    host.restart()
    host.step()
    row = command(hub, key)
    assert (row.state, held(hub), ran()) == ("done", {None}, ["reboot"]) and row.ended_at is not None
    assert begin(hub, second, 2) is not None


def test_a_pause_that_a_person_wanted_outlives_a_reboot(api: Api, hub: Hub, host: HostOf, boots: Boots) -> None:
    api("robot_pause", robotId=1)
    key = reboot(api, host)
    host.step(2)
    boots("another")
    host.step()
    assert state(hub, key) == "done"
    with hub.db.read() as session:
        assert [session.get_one(Robot, each).is_paused for each in (1, 2)] == [True, False]


def test_held_robots_are_shown_as_paused_and_found_as_such(api: Api, hub: Hub, host: HostOf) -> None:
    host.report("1.0")
    api("machine_shutdown", machineId=1, reason="搬迁")
    host.step()
    assert api("robot_query", robotId=1)["robotState"] == "paused"
    assert [each["robotId"] for each in api("robot_list", robotState="paused")["robots"]] == [1, 2]
    assert api("robot_list", robotState="idle")["robots"] == []


def test_without_force_a_task_that_does_not_end_keeps_the_machine_up(api: Api, hub: Hub, host: HostOf, ran: Ran) -> None:
    (task_id,) = making.tasks(api, making.process(api))
    begin(hub, task_id)
    key = reboot(api, host, timeout=5)
    host.step(2)
    assert state(hub, key) == "draining"
    age(hub, key, 6, "drained_from")
    host.step()
    row = command(hub, key)
    assert (row.state, ran(), held(hub)) == ("failed", [], {None})
    assert row.result and "1 个任务" in row.result
    assert making.task_of(hub, task_id).cancel_requested_at is None


def test_with_force_what_still_runs_is_cancelled_and_told_why(api: Api, hub: Hub, host: HostOf, ran: Ran) -> None:
    (task_id,) = making.tasks(api, making.process(api))
    run = begin(hub, task_id)
    assert run is not None
    key = reboot(api, host, timeout=0, force=True)
    host.step(3)
    assert (state(hub, key), ran()) == ("draining", []) and making.task_of(hub, task_id).cancel_requested_at is not None
    with hub.db.read() as session:
        details = session.scalars(select(TaskEvent.detail).where(TaskEvent.task_id == task_id, TaskEvent.state == "cancelling")).all()
    assert details == ["计算机将由 admin 重启"]
    lifecycle.finish(hub, task_id, run.run_key, "cancelled")
    host.step()
    assert (state(hub, key), ran()) == ("executing", ["reboot"])


def test_a_task_that_cannot_even_be_cancelled_does_not_keep_a_forced_one_up_for_ever(api: Api, hub: Hub, host: HostOf, ran: Ran) -> None:
    (task_id,) = making.tasks(api, making.process(api))
    begin(hub, task_id)
    key = reboot(api, host, timeout=0, force=True)
    host.step(2)
    age(hub, key, power.TIME_TO_CANCEL.total_seconds() + 1, "drained_from")
    host.step()
    assert (state(hub, key), ran()) == ("executing", ["reboot"])


def test_the_owner_of_the_machine_decides_and_not_the_hub(api: Api, hub: Hub, new_host: NewHost, script: Script, ran: Ran) -> None:
    host = new_host(socket.gethostname(), machine_reboot_command=script())
    assert api.code("machine_reboot", machineId=1, reason="x") == "30001"
    assert api("machine_reboot", machineId=1, reason="x", dryRun=True)["isAllowed"] is False
    with hub.db.write() as session:  # whatever stands in the hub's database
        session.add(MachineCommand(machine_id=1, kind="reboot", reason="x"))
    host.step(3)
    row = command(hub, 1)
    assert (row.state, row.result, ran(), held(hub)) == ("refused", power.NOT_ALLOWED, [], {None})


def test_a_dry_run_tells_everything_and_changes_nothing(api: Api, hub: Hub, host: HostOf) -> None:
    (task_id,) = making.tasks(api, making.process(api))
    begin(hub, task_id)
    told = api("machine_shutdown", machineId=1, reason="x", dryRun=True)
    assert told["runningTasks"] == [{"taskId": task_id, "robotId": 1, "robotName": "机器人1", "taskState": "running"}]
    assert (told["robotIds"], told["isAllowed"], told["isServed"], told["commandId"]) == ([1, 2], True, True, None)
    host.step()
    assert api("machine_command_list")["total"] == 0 and held(hub) == {None}


def test_a_program_that_fails_is_reported_and_the_robots_go_on(api: Api, hub: Hub, new_host: NewHost, script: Script) -> None:
    failing = script(status=3, says="echo 'password=geheim denied' >&2")
    host = new_host(socket.gethostname(), allow_machine_power=True, machine_reboot_command=failing)
    key = reboot(api, host)
    host.step(2)
    row = command(hub, key)
    assert row.state == "failed" and held(hub) == {None}
    assert "退出码 3" in (row.result or "") and "denied" in (row.output or "") and "geheim" not in f"{row.output}{row.result}"


def test_a_program_that_is_not_there_is_reported(api: Api, hub: Hub, new_host: NewHost) -> None:
    host = new_host(socket.gethostname(), allow_machine_power=True, machine_reboot_command=["/nowhere/reboot"])
    key = reboot(api, host)
    host.step(2)
    assert state(hub, key) == "failed" and "未能执行" in (command(hub, key).result or "")


def test_a_host_that_died_while_it_waited_goes_on_when_it_comes_again(api: Api, hub: Hub, host: HostOf, ran: Ran) -> None:
    (task_id,) = making.tasks(api, making.process(api))
    run = begin(hub, task_id)
    assert run is not None
    key = reboot(api, host)
    host.step()
    host.restart()
    host.step()
    assert state(hub, key) == "draining"
    lifecycle.finish(hub, task_id, run.run_key, "succeeded")
    host.step()
    assert (state(hub, key), ran()) == ("executing", ["reboot"])


def test_a_host_that_died_over_the_program_does_not_run_it_again(
    api: Api, hub: Hub, host: HostOf, ran: Ran, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = reboot(api, host)

    def die(*_: object) -> None:
        raise OSError("died")

    with monkeypatch.context() as patch:
        patch.setattr("hub.machines.programs.run", die)
        host.step(2)
    host.restart()
    host.step(2)
    assert (state(hub, key), ran()) == ("executing", [])
    age(hub, key, power.TIME_TO_GO_DOWN.total_seconds() + 1, "executed_at")
    host.step()
    assert (state(hub, key), ran(), held(hub)) == ("failed", [], {None})


def test_a_machine_that_starts_anew_while_it_waits_gives_the_command_up(api: Api, hub: Hub, host: HostOf, boots: Boots) -> None:
    (task_id,) = making.tasks(api, making.process(api))
    begin(hub, task_id)
    key = reboot(api, host)
    host.step()
    boots("another")
    host.step()
    assert (state(hub, key), held(hub)) == ("failed", {None})


@pytest.mark.parametrize(("at", "column"), [("requested", "created_at"), ("draining", "drained_from"), ("executing", "executed_at")])
def test_the_scheduler_frees_the_robots_of_a_machine_that_never_comes_again(api: Api, hub: Hub, host: HostOf, at: str, column: str) -> None:
    if at == "draining":
        begin(hub, making.tasks(api, making.process(api))[0])
    key = reboot(api, host, timeout=5)
    host.step({"requested": 0, "draining": 1, "executing": 2}[at])
    assert state(hub, key) == at
    host.vanish()
    sweep.sweep_machines(hub)
    assert state(hub, key) == at
    age(hub, key, sweep.TIME_TO_COME_BACK.total_seconds() + 1, column)
    sweep.sweep_machines(hub)
    assert (state(hub, key), held(hub)) == ("failed", {None})


def test_a_machine_that_was_shut_down_counts_as_such_once_it_is_silent(api: Api, hub: Hub, host: HostOf) -> None:
    key = api("machine_shutdown", machineId=1, reason="搬迁")["commandId"]
    host.step(2)
    host.vanish()
    age(hub, key, 60, "executed_at")
    sweep.sweep_machines(hub)
    assert (state(hub, key), held(hub)) == ("done", {None})


def test_robots_that_something_forgotten_holds_are_freed(hub: Hub) -> None:
    with hub.db.write() as session:
        session.execute(update(Robot).values(held_by="command:77"))
    sweep.sweep_machines(hub)
    assert held(hub) == {None}


def test_a_command_can_be_called_back_before_it_is_executed_and_not_after(api: Api, hub: Hub, host: HostOf, ran: Ran) -> None:
    (task_id,) = making.tasks(api, making.process(api))
    run = begin(hub, task_id)
    assert run is not None
    for rounds in (0, 1):
        key = reboot(api, host)
        host.step(rounds)
        api("machine_command_cancel", commandId=key)
        host.step()
        assert (state(hub, key), held(hub)) == ("cancelled", {None})
    lifecycle.finish(hub, task_id, run.run_key, "succeeded")
    key = reboot(api, host)
    host.step(2)
    assert api.code("machine_command_cancel", commandId=key) == "10504"
    assert ran() == ["reboot"]


def test_a_second_command_waits_for_the_end_of_the_first(api: Api, host: HostOf) -> None:
    reboot(api, host)
    assert api.code("machine_shutdown", machineId=1, reason="x") == "10504"


def test_every_change_of_a_command_stands_in_the_audit_log_and_in_its_list(api: Api, hub: Hub, host: HostOf, boots: Boots) -> None:
    key = reboot(api, host)
    host.step(2)
    boots("another")
    host.step()
    with hub.db.read() as session:
        subjects = session.scalars(select(AuditEntry.subject).where(AuditEntry.operation == "machine_reboot").order_by(AuditEntry.id)).all()
    assert [each.get("state") for each in subjects] == [None, "draining", "executing", "done"]
    [row] = api("machine_command_list", machineId=1, kind="reboot")["commands"]
    assert (row["commandId"], row["commandState"], row["reason"], row["requester"]) == (key, "done", "补丁", "admin")
    assert row["drainTime"] and row["executeTime"] and row["endTime"]


def test_a_machine_without_a_host_is_refused(api: Api) -> None:
    key = api("machine_create", machineName="无主机")["machineId"]
    assert api.code("machine_reboot", machineId=key, reason="x") == "10504"
    assert api.code("machine_reboot", machineId=key, reason=" ") == "10005"


def test_a_second_host_of_the_same_name_does_nothing_while_the_first_lives(api: Api, hub: Hub, host: HostOf, settings: object, ran: Ran) -> None:
    other = HostOf(host.settings, host.name)
    other.key = "another"
    other.restart()
    key = reboot(api, host)
    other.step(3)
    assert (state(hub, key), ran()) == ("requested", [])
    host.vanish()
    other.step(2)
    assert state(hub, key) == "executing"
    other.hub.db.dispose()


def test_only_administrators_have_machines_go_down() -> None:
    operator = set(rights.builtin_roles(full_catalogue())[rights.OPERATOR])
    assert "machine:command/list" in operator and "machine:metrics" in operator
    assert not {"machine:reboot", "machine:shutdown", "machine:command/cancel", "upgrade-campaign:create", "upgrade-campaign:rollback"} & operator


def test_tasks_of_other_machines_are_not_waited_for(api: Api, hub: Hub, host: HostOf, new_host: NewHost, ran: Ran) -> None:
    elsewhere = new_host()
    (task_id,) = making.tasks(api, making.process(api))
    assert begin(hub, task_id, elsewhere.robots()[0].id)
    key = reboot(api, host)
    host.step(2)
    assert (state(hub, key), ran()) == ("executing", ["reboot"])
    assert elsewhere.robots()[0].held_by is None
    with hub.db.read() as session:
        assert session.get_one(Task, task_id).state == "running"
