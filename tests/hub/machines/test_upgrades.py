"""Upgrade campaigns: wave by wave, once on each machine whatever dies, stopped by failures, undone by the previous installer."""
from __future__ import annotations

import base64
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from hub.core import Hub
from hub.machines import campaigns, sweep, upgrades
from hub.models import RobotInstaller, UpgradeItem
from hub.tasks import lifecycle
from tests.hub.conftest import Api
from tests.hub.machines.conftest import HostOf
from tests.hub.services import making

NewHost = Callable[..., HostOf]
Script = Callable[..., list[str]]
Ran = Callable[[], list[str]]


@pytest.fixture
def installer(api: Api) -> dict[str, int]:
    """Two versions of a product, and another product."""

    def upload(name: str, version: str) -> int:
        file = {"name": f"robot-{version}.bin", "content": base64.b64encode(f"content of {name} {version}".encode()).decode()}
        return int(api("robot_installer_upload", installerName=name, installerVersion=version, file=file)["installerId"])

    return {"old": upload("机器人", "1.0"), "other": upload("设计器", "9.9"), "new": upload("机器人", "2.0")}


@pytest.fixture
def command(script: Script) -> list[str]:
    """Installs: writes down the version and what the installer holds."""
    return script("{version}", "{file}", before='test -s "$2" && cat "$2"')


def create(api: Api, installer_id: int, hosts: list[HostOf], **params: Any) -> int:
    return int(api("upgrade_campaign_create", installerId=installer_id, machineIds=[each.machine_id for each in hosts], **params)["campaignId"])


def query(api: Api, campaign_id: int) -> dict[str, Any]:
    return api("upgrade_campaign_query", campaignId=campaign_id)


def states(api: Api, campaign_id: int, rollback: bool = False) -> list[str]:
    return [each["itemState"] for each in query(api, campaign_id)["items"] if each["isRollback"] is rollback]


def go_on(host: HostOf, hub: Hub, *, until: tuple[str, ...] = ("verifying", "succeeded", "failed")) -> str:
    """Step until the machine's present item is in one of these states."""
    deadline = time.monotonic() + 30
    while True:
        host.step()
        with hub.db.read() as session:
            newest = select(UpgradeItem.state).where(UpgradeItem.machine_id == host.machine_id).order_by(UpgradeItem.id.desc()).limit(1)
            found = session.scalars(newest).one()
        if found in until:
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.02)


def upgrade(host: HostOf, hub: Hub, version: str) -> str:
    """Let the machine install and its robots come up with a version."""
    go_on(host, hub)
    host.report(version)
    host.step()
    return go_on(host, hub, until=("succeeded", "failed", "verifying"))


def versions(ran: Ran) -> list[str]:
    return [line.split()[0] for line in ran()]


def test_waves_follow_one_another_and_each_machine_is_installed_on_once(
    api: Api, hub: Hub, new_host: NewHost, installer: dict[str, int], command: list[str], ran: Ran
) -> None:
    hosts = [new_host(upgrade_command=command) for _ in range(3)]
    for each in hosts:
        each.report("1.0")
    key = create(api, installer["new"], hosts, waveSize=2, remark="十一月")
    hosts[2].step(3)
    assert states(api, key) == ["waiting"] * 3
    for each in hosts[:2]:
        each.step()
        assert each.robots()[0].held_by is not None
        assert upgrade(each, hub, "2.0") == "succeeded"
        assert each.robots()[0].held_by is None
    assert states(api, key) == ["succeeded", "succeeded", "waiting"]
    assert upgrade(hosts[2], hub, "2.0") == "succeeded"
    for each in hosts:
        each.step(2)
    told = query(api, key)
    assert (told["campaignState"], told["remark"], versions(ran)) == ("done", "十一月", ["2.0"] * 3)
    assert [(each["wave"], each["versionBefore"], each["versionAfter"]) for each in told["items"]] == [(1, "1.0", "2.0"), (1, "1.0", "2.0"), (2, "1.0", "2.0")]
    assert "content of 机器人 2.0" in told["items"][0]["log"]
    assert not list((hub.settings.data / "upgrades").iterdir())


def test_robots_name_the_machines_that_they_are_on(api: Api, new_host: NewHost, installer: dict[str, int], command: list[str]) -> None:
    host = new_host(upgrade_command=command)
    making.robot(api, machineId=host.machine_id, machineName=host.name, robotName="又一个")
    robots = [each.id for each in host.robots()]
    key = api("upgrade_campaign_create", installerId=installer["new"], robotIds=robots)["campaignId"]
    assert [each["machineId"] for each in query(api, key)["items"]] == [host.machine_id]
    assert [each["campaignId"] for each in api("upgrade_campaign_list")["campaigns"]] == [key]


def test_an_upgrade_waits_for_running_tasks_and_shows_its_robots_as_upgrading(
    api: Api, hub: Hub, new_host: NewHost, installer: dict[str, int], command: list[str], ran: Ran
) -> None:
    host = new_host(upgrade_command=command)
    host.report("1.0")
    robot = host.robots()[0].id
    process = making.process(api)
    first, second = making.tasks(api, process, 2)
    run = lifecycle.claim(hub, first, state="running", lease=60, robot_id=robot)
    assert run is not None
    key = create(api, installer["new"], [host])
    host.step(3)
    assert (states(api, key), ran()) == (["draining"], [])
    lifecycle.finish(hub, first, run.run_key, "succeeded")
    assert lifecycle.claim(hub, second, state="running", lease=60, robot_id=robot) is None
    host.report("1.0")
    assert api("robot_query", robotId=robot)["robotState"] == "upgrading"
    assert [each["robotId"] for each in api("robot_list", robotState="upgrading")["robots"]] == [robot]
    assert upgrade(host, hub, "2.0") == "succeeded"


def test_a_task_that_does_not_end_in_time_fails_the_machine_and_not_the_task(
    api: Api, hub: Hub, new_host: NewHost, installer: dict[str, int], command: list[str], ran: Ran
) -> None:
    host = new_host(upgrade_command=command)
    (task_id,) = making.tasks(api, making.process(api))
    lifecycle.claim(hub, task_id, state="running", lease=60, robot_id=host.robots()[0].id)
    key = create(api, installer["new"], [host], timeout=0)
    host.step(3)
    assert (states(api, key), ran(), making.task_of(hub, task_id).state) == (["failed"], [], "running")
    assert host.robots()[0].held_by is None


def test_too_many_failures_stop_a_campaign_and_a_person_may_go_on(
    api: Api, hub: Hub, new_host: NewHost, installer: dict[str, int], command: list[str], script: Script, ran: Ran
) -> None:
    broken = script("broken", status=4, says="echo 'token=abcdef1234 no space left'")
    hosts = [new_host(upgrade_command=broken), new_host(upgrade_command=broken), new_host(upgrade_command=command), new_host(upgrade_command=command)]
    key = create(api, installer["new"], hosts, maximumFailures=1)
    for each in hosts[:2]:
        assert go_on(each, hub) == "failed"
    hosts[2].step(3)
    told = query(api, key)
    assert (told["campaignState"], states(api, key)) == ("stopped", ["failed", "failed", "waiting", "waiting"])
    assert "失败 2 台" in told["reason"] and "退出码 4" in told["items"][0]["reason"]
    assert "no space left" in told["items"][0]["log"] and "abcdef1234" not in str(told)
    api("upgrade_campaign_resume", campaignId=key)
    for each in hosts[2:]:
        assert upgrade(each, hub, "2.0") == "succeeded"
    assert query(api, key)["campaignState"] == "done"


def test_robots_that_come_up_with_another_version_fail_the_upgrade(
    api: Api, hub: Hub, new_host: NewHost, installer: dict[str, int], command: list[str]
) -> None:
    host = new_host(upgrade_command=command)
    key = create(api, installer["new"], [host])
    go_on(host, hub)
    host.report("1.5")
    host.step()
    assert states(api, key) == ["verifying"]
    with hub.db.write() as session:
        item = session.scalars(select(UpgradeItem)).one()
        assert item.verified_from is not None
        item.verified_from -= timedelta(seconds=host.settings.upgrade_timeout + 1)
    host.step()
    [told] = query(api, key)["items"]
    assert (told["itemState"], told["versionAfter"]) == ("failed", "1.5") and "应为 2.0" in told["reason"]


def test_a_paused_campaign_begins_on_nothing_and_gives_back_what_only_waits(
    api: Api, hub: Hub, new_host: NewHost, installer: dict[str, int], command: list[str], ran: Ran
) -> None:
    host, next_one = new_host(upgrade_command=command), new_host(upgrade_command=command)
    (task_id,) = making.tasks(api, making.process(api))
    run = lifecycle.claim(hub, task_id, state="running", lease=60, robot_id=host.robots()[0].id)
    assert run is not None
    key = create(api, installer["new"], [host, next_one], waveSize=2)
    host.step()
    assert host.robots()[0].held_by is not None
    api("upgrade_campaign_pause", campaignId=key)
    assert api.code("upgrade_campaign_pause", campaignId=key) == "10504"
    host.step(2)
    next_one.step(2)
    assert (states(api, key), ran(), host.robots()[0].held_by) == (["waiting", "waiting"], [], None)
    lifecycle.finish(hub, task_id, run.run_key, "succeeded")
    api("upgrade_campaign_resume", campaignId=key)
    assert upgrade(host, hub, "2.0") == "succeeded"


def test_a_rollback_puts_the_previous_version_on_the_machines_that_have_the_new_one(
    api: Api, hub: Hub, new_host: NewHost, installer: dict[str, int], command: list[str], ran: Ran
) -> None:
    hosts = [new_host(upgrade_command=command) for _ in range(3)]
    key = create(api, installer["new"], hosts)
    upgrade(hosts[0], hub, "2.0")
    hosts[1].step()
    api("upgrade_campaign_rollback", campaignId=key)
    assert states(api, key) == ["succeeded", "skipped", "skipped"] and hosts[1].robots()[0].held_by is None
    for each in hosts:
        each.step(3)
    assert upgrade(hosts[0], hub, "1.0") == "succeeded"
    assert (states(api, key, rollback=True), versions(ran)) == (["succeeded"], ["2.0", "1.0"])
    assert query(api, key)["campaignState"] == "rolled_back"
    assert api.code("upgrade_campaign_rollback", campaignId=key) == "10504"


def test_a_rollback_waits_for_an_installation_that_goes_on(
    api: Api, hub: Hub, new_host: NewHost, installer: dict[str, int], command: list[str], ran: Ran
) -> None:
    host = new_host(upgrade_command=command)
    key = create(api, installer["new"], [host])
    assert go_on(host, hub, until=("installing",)) == "installing"
    api("upgrade_campaign_rollback", campaignId=key)
    assert states(api, key, rollback=True) == ["waiting"]
    deadline = time.monotonic() + 30
    while states(api, key) != ["succeeded"]:
        assert time.monotonic() < deadline and states(api, key, rollback=True) == ["waiting"]
        host.step()
        host.report("2.0")
    assert upgrade(host, hub, "1.0") == "succeeded"
    assert versions(ran) == ["2.0", "1.0"]


def test_without_a_previous_installer_there_is_no_rollback(
    api: Api, new_host: NewHost, installer: dict[str, int], command: list[str]
) -> None:
    key = create(api, installer["old"], [new_host(upgrade_command=command)])
    assert query(api, key)["previousInstallerId"] is None
    assert api.code("upgrade_campaign_rollback", campaignId=key) == "10504"


def test_a_host_that_dies_over_the_installation_takes_up_its_result(
    api: Api, hub: Hub, new_host: NewHost, installer: dict[str, int], script: Script, ran: Ran, tmp_path: Any
) -> None:
    slow = script("{version}", before=f"while [ ! -e {tmp_path}/go ]; do sleep 0.05; done")
    host = new_host(upgrade_command=slow)
    key = create(api, installer["new"], [host])
    go_on(host, hub, until=("installing",))
    host.restart()
    host.step(3)
    assert states(api, key) == ["installing"]
    (tmp_path / "go").touch()
    assert upgrade(host, hub, "2.0") == "succeeded"
    assert versions(ran) == ["2.0"]


def test_an_installation_that_was_broken_off_is_not_repeated(
    api: Api, hub: Hub, new_host: NewHost, installer: dict[str, int], command: list[str], ran: Ran, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = new_host(upgrade_command=command)
    key = create(api, installer["new"], [host])
    monkeypatch.setattr("hub.machines.installing.Installation.begin", lambda *_: None)  # the host dies at this very moment
    go_on(host, hub, until=("installing",))
    monkeypatch.undo()
    host.restart()
    host.step(2)
    with hub.db.write() as session:
        item = session.scalars(select(UpgradeItem)).one()
        assert item.installed_from is not None
        item.installed_from -= upgrades.TIME_TO_APPEAR + timedelta(seconds=1)
    host.step(2)
    assert (states(api, key), ran()) == (["verifying"], [])
    host.report("2.0")  # it had been done all the same
    host.step()
    assert (states(api, key), ran()) == (["succeeded"], [])


def test_a_command_that_does_not_end_is_ended(api: Api, hub: Hub, new_host: NewHost, installer: dict[str, int], script: Script) -> None:
    host = new_host(upgrade_command=script(before="sleep 600 & echo $!; wait"), upgrade_timeout=5)
    key = create(api, installer["new"], [host])
    go_on(host, hub, until=("installing",))
    with hub.db.write() as session:
        item = session.scalars(select(UpgradeItem)).one()
        assert item.installed_from is not None
        item.installed_from -= timedelta(seconds=6)
    assert go_on(host, hub) == "failed"
    assert "已终止" in query(api, key)["items"][0]["reason"]


@pytest.mark.parametrize("change", [{"digest": "0" * 64}, {"blob": "0" * 32}], ids=["another digest", "no content"])
def test_an_installer_that_is_not_what_was_uploaded_is_not_run(
    api: Api, hub: Hub, new_host: NewHost, installer: dict[str, int], command: list[str], ran: Ran, change: dict[str, str]
) -> None:
    host = new_host(upgrade_command=command)
    key = create(api, installer["new"], [host])
    with hub.db.write() as session:
        session.execute(update(RobotInstaller).where(RobotInstaller.id == installer["new"]).values(**change))
    assert go_on(host, hub) == "failed"
    assert ran() == [] and host.robots()[0].held_by is None
    assert query(api, key)["campaignState"] == "done"


def test_a_machine_whose_owner_wants_no_upgrades_is_refused(api: Api, new_host: NewHost, installer: dict[str, int], command: list[str]) -> None:
    closed, open_one = new_host(), new_host(upgrade_command=command)
    given = {"installerId": installer["new"]}
    assert api.code("upgrade_campaign_create", machineIds=[closed.machine_id], **given) == "10504"
    assert api.code("upgrade_campaign_create", **given) == "10006"
    create(api, installer["new"], [open_one])
    assert api.code("upgrade_campaign_create", machineIds=[open_one.machine_id], **given) == "10503"
    open_one.settings = open_one.hub.settings = open_one.settings.model_copy(update={"upgrade_command": []})
    open_one.step()
    assert api("upgrade_campaign_query", campaignId=1)["items"][0]["itemState"] == "failed"


def test_a_version_that_could_be_an_option_of_the_command_is_refused(api: Api, new_host: NewHost, installer: dict[str, int], command: list[str]) -> None:
    file = base64.b64encode(b"x").decode()
    key = api("robot_installer_upload", installerName="机器人", installerVersion="--root", file=file)["installerId"]
    assert api.code("upgrade_campaign_create", installerId=key, machineIds=[new_host(upgrade_command=command).machine_id]) == "10007"


def test_a_machine_that_never_comes_again_does_not_hold_up_the_others(
    api: Api, hub: Hub, new_host: NewHost, installer: dict[str, int], command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lost, other = new_host(upgrade_command=command), new_host(upgrade_command=command)
    key = create(api, installer["new"], [lost, other], maximumFailures=1)
    lost.step()
    lost.vanish()
    sweep.sweep_machines(hub)
    assert states(api, key) == ["draining", "waiting"]
    monkeypatch.setattr(upgrades, "TIME_TO_COME_BACK", timedelta(seconds=-1000))
    sweep.sweep_machines(hub)
    assert states(api, key) == ["failed", "waiting"] and lost.robots()[0].held_by is None
    assert upgrade(other, hub, "2.0") == "succeeded"


def test_the_log_of_an_item_is_bounded(hub: Hub, api: Api, new_host: NewHost, installer: dict[str, int], command: list[str]) -> None:
    create(api, installer["new"], [new_host(upgrade_command=command)])
    with hub.db.write() as session:
        item = session.scalars(select(UpgradeItem)).one()
        for number in range(10):
            campaigns.note(session, item, f"{number}" * 10_000)
        session.refresh(item)
        assert len(item.log) <= campaigns.LONGEST_LOG + 10 and item.log.rstrip().endswith("9")
