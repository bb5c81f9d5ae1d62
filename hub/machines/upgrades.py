"""The upgrade of this machine's robots: drain, fetch, install, look whether they have come back with the new version.

The change to ``installing`` comes before the command starts, and nothing leads back from it: a machine is never installed on twice, whatever dies.
"""
from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.core import Hub
from hub.database import now
from hub.machines import campaigns, holds
from hub.machines.campaigns import DRAINING, FAILED, INSTALLING, SUCCEEDED, VERIFYING, WAITING
from hub.machines.here import Here, is_served
from hub.machines.installing import Installation
from hub.machines.power import TIME_TO_CANCEL
from hub.models import Machine, RobotInstaller, UpgradeCampaign, UpgradeItem
from hub.models.upgrade import UNFINISHED_STATES
from hub.sealed_files import Sealed
from hub.version import program_version
from plugins.errors import HubError

TIME_TO_APPEAR = timedelta(seconds=10)
TIME_TO_COME_BACK = timedelta(minutes=15)
NOT_ALLOWED = "计算机所有者未设置升级命令（upgrade_command）"


def step(here: Here) -> None:
    """Go on with what this machine is at, or begin what is its turn."""
    with here.hub.db.read() as session:
        found = campaigns.unfinished_on(session, here.machine_id)
        if found is None:
            return
        item, campaign = found
        key = campaign.previous_installer_id if item.is_rollback else campaign.installer_id
        installer = session.get_one(RobotInstaller, key)
    _Upgrade(here, item, campaign, installer).step()


class _Upgrade:
    """One item, as it stands."""

    def __init__(self, here: Here, item: UpgradeItem, campaign: UpgradeCampaign, installer: RobotInstaller) -> None:
        self.here, self.item, self.campaign, self.installer = here, item, campaign, installer
        self.settings = here.hub.settings
        self.installation = Installation(self.settings.data / "upgrades" / f"{item.id}")

    def step(self) -> None:
        {WAITING: self._begin, DRAINING: self._drain, INSTALLING: self._wait, VERIFYING: self._verify}[self.item.state]()

    def _begin(self) -> None:
        if not self.settings.upgrade_command:
            return self._change(FAILED, NOT_ALLOWED, claimed_by=self.here.key)
        with self.here.hub.db.write() as session:
            before = "、".join(sorted({each or "未知" for each in _versions(session, self.here.machine_id)}))
            values = {"claimed_by": self.here.key, "drained_from": now(), "version_before": before[:64]}
            if campaigns.change(session, self.item, DRAINING, **values):
                holds.hold(session, self.here.machine_id, campaigns.holder(self.item))
                campaigns.note(session, self.item, f"等待机器人的任务结束，当前版本 {before or '未知'}")
        return None

    def _drain(self) -> None:
        if not campaigns.is_wanted(self.item, self.campaign):
            return self._change(WAITING, "活动已暂停或停止", claimed_by=None)
        with self.here.hub.db.write() as session:
            holds.hold(session, self.here.machine_id, campaigns.holder(self.item))
            running = holds.running_tasks(session, self.here.machine_id)
        overtime = now() - (self.item.drained_from or now()) - timedelta(seconds=self.campaign.timeout)
        if running and overtime < timedelta():
            return None
        if running and not self.campaign.is_forced:
            return self._change(FAILED, f"{self.campaign.timeout} 秒后仍有 {len(running)} 个任务在运行")
        if running and overtime < TIME_TO_CANCEL:
            return holds.cancel_running(self.here.hub, running, self.campaign.created_by, "机器人即将升级")
        return self._install()

    def _install(self) -> None:
        row = self.installer
        if not campaigns.VERSION.fullmatch(row.version):  # Whatever the hub wants: the machine's owner has not offered to take options.
            return self._change(FAILED, "安装包版本不能作为升级命令的参数")
        try:
            content = self.here.hub.files.get(Sealed(row.blob, row.sealed_key, row.digest, row.size), row.file_name)
            path = self.installation.fetch(content, row.file_name, row.digest)
        except (HubError, OSError) as error:
            self.installation.remove()
            return self._change(FAILED, f"无法下载安装包：{error.message if isinstance(error, HubError) else error.strerror}")
        if path is None:
            self.installation.remove()
            return self._change(FAILED, "安装包内容与摘要不符")
        known = {"{file}": str(path), "{version}": row.version}
        command = [_filled(each, known) for each in self.settings.upgrade_command]
        with self.here.hub.db.write() as session:
            if not campaigns.change(session, self.item, INSTALLING, installed_from=now()):
                return None
            campaigns.note(session, self.item, f"开始安装 {row.name} {row.version}")
        self.installation.begin(command)
        return None

    def _wait(self) -> None:
        since = now() - (self.item.installed_from or now())
        status = self.installation.status()
        if status is not None:
            return self._installed(status)
        if self.installation.is_running():
            if since > timedelta(seconds=self.settings.upgrade_timeout):
                self.installation.kill()
                self._change(FAILED, f"安装命令 {self.settings.upgrade_timeout} 秒未结束，已终止", self.installation.output())
                self.installation.remove()
            return None
        if since > TIME_TO_APPEAR:
            # It was broken off, together with its host or by it: what it has come to is seen by the versions of the robots alone.
            self._change(VERIFYING, None, f"安装命令已中断，不再重复执行\n{self.installation.output()}", verified_from=now())
        return None

    def _installed(self, status: int) -> None:
        output = self.installation.output()
        if status:
            self._change(FAILED, f"安装命令以退出码 {status} 结束", output)
        else:
            self._change(VERIFYING, None, f"安装命令已完成\n{output}", verified_from=now())
        self.installation.remove()

    def _verify(self) -> None:
        """The robots take tasks again; the upgrade has succeeded once all that should be online are, with the new version."""
        with self.here.hub.db.read() as session:
            versions = _versions(session, self.here.machine_id, seen_since=now() - timedelta(seconds=self.settings.robot_timeout))
        after = "、".join(sorted({each or "未知" for each in versions}))[:64]
        if versions and all(each == self.installer.version for each in versions):
            return self._change(SUCCEEDED, None, f"机器人版本为 {after}", version_after=after)
        if now() - (self.item.verified_from or now()) > timedelta(seconds=self.settings.upgrade_timeout):
            self._change(FAILED, f"机器人版本为 {after or '未知'}，应为 {self.installer.version}", version_after=after)
            self.installation.remove()
        return None

    def _change(self, state: str, reason: str | None, told: str = "", **values: object) -> None:
        with self.here.hub.db.write() as session:
            if campaigns.change(session, self.item, state, reason=reason, **values) and (told or reason):
                campaigns.note(session, self.item, "\n".join(filter(None, (reason, told))))


def _versions(session: Session, machine_id: int, seen_since: datetime | None = None) -> list[str | None]:
    """The versions of the machine's robots that are meant to run; None for one that has not been seen since. Of the host where there are none."""
    wanted = [each for each in holds.native_robots_of(session, machine_id) if each.is_enabled and not each.is_stopped]
    if not wanted:
        return [program_version() or None]
    return [each.version if seen_since is None or (each.seen_at and each.seen_at >= seen_since) else None for each in wanted]


def _filled(text: str, known: dict[str, str]) -> str:
    for name, value in known.items():
        text = text.replace(name, value)
    return text


def give_up_lost(hub: Hub) -> None:
    """Fail the items whose machine has been without a host for too long. The scheduler's part."""
    with hub.db.read() as session:
        rows = session.execute(
            select(UpgradeItem, UpgradeCampaign, Machine)
            .join(UpgradeCampaign, UpgradeCampaign.id == UpgradeItem.campaign_id)
            .join(Machine, Machine.id == UpgradeItem.machine_id)
            .where(UpgradeItem.state.in_(UNFINISHED_STATES))
        )
        found = [(item, campaign, machine) for item, campaign, machine in rows]
    waves: dict[tuple[int, bool], int] = {}
    for item, campaign, _ in found:
        key = (campaign.id, item.is_rollback)
        waves[key] = min(item.wave, waves.get(key, item.wave))
    lost = [
        item
        for item, campaign, machine in found
        if item.wave == waves[campaign.id, item.is_rollback] and not is_served(hub, machine) and _is_overdue(hub, item, campaign, machine)
    ]
    for item in lost:
        with hub.db.write() as session:
            campaigns.change(session, item, FAILED, reason="计算机上没有运行中的主机")


def _is_overdue(hub: Hub, item: UpgradeItem, campaign: UpgradeCampaign, machine: Machine) -> bool:
    if item.state == WAITING and not campaigns.is_wanted(item, campaign):
        return False
    steps = (machine.seen_at, campaign.updated_at, item.drained_from, item.installed_from, item.verified_from)
    patience = TIME_TO_COME_BACK + timedelta(seconds=hub.settings.upgrade_timeout if item.state in (INSTALLING, VERIFYING) else 0)
    return now() - max(each for each in steps if each is not None) > patience
