"""Upgrading the robots of many machines, wave by wave (X10, clause 5.3)."""
from __future__ import annotations

from typing import Any

from sqlalchemy import select

from hub.call import Call
from hub.database import now
from hub.machines import campaigns, holds
from hub.machines.here import is_served
from hub.models import Machine, Robot, RobotInstaller, UpgradeCampaign, UpgradeItem
from hub.paging import page
from hub.resource import dates
from hub.scope import find, find_all
from plugins import codes
from plugins.errors import Conflict, InvalidInput
from plugins.fields import Flag, Id, Items, Moment, Record, Text, Whole
from plugins.operation import operation
from plugins.paging import ListRequest, ListResult
from plugins.records import Dated

DEFAULT_TIMEOUT = 1800
MOST_MACHINES = 10_000


class UpgradeCampaignCreateRequest(Record):
    """What is installed where, and how carefully."""

    installerId = Id("安装包 ID", kind="robot_installer", required=True)
    robotIds = Items(Id(kind="robot"), "升级这些机器人所在的计算机")
    machineIds = Items(Id(kind="machine"), "升级这些计算机")
    waveSize = Whole("每批的计算机数量【默认 1】", least=1, most=MOST_MACHINES)
    maximumFailures = Whole("失败的计算机超过该数量时自动停止【默认 0】", least=0, most=MOST_MACHINES)
    timeout = Whole(f"每台计算机等待运行中任务结束的最长时间（秒）【默认 {DEFAULT_TIMEOUT}】", least=0, most=86_400)
    force = Flag("等待超时后是否取消仍在运行的任务【默认 false，超时则该计算机升级失败】")
    remark = Text("备注", longest=1024)


class UpgradeCampaignCreateResult(Record):
    """The new campaign."""

    campaignId = Id("升级活动 ID", kind="upgrade_campaign")


@operation(
    "X10", "/api/ext/upgrade-campaign/create", clause="X10", title="创建升级活动",
    request=UpgradeCampaignCreateRequest, response=UpgradeCampaignCreateResult, hook=False,
)
def upgrade_campaign_create(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Begin to upgrade the robots of some machines. A wave begins when all of the one before have ended.

    On each machine the robots finish what they run, the machine's own upgrade_command installs, and the robots' new version is checked.
    """
    installer = find(call, RobotInstaller, params["installerId"])
    _refuse_version(installer)
    machines = _machines(call, params)
    if not machines:
        raise InvalidInput("robotIds 和 machineIds 不能都为空", code=codes.PARAMETER_MISSING)
    for each in machines:
        _refuse_unusable(call, each)
    row = UpgradeCampaign(
        installer_id=installer.id,
        previous_installer_id=_previous(call, installer),
        wave_size=params.get("waveSize") or 1,
        maximum_failures=params.get("maximumFailures") or 0,
        timeout=DEFAULT_TIMEOUT if params.get("timeout") is None else params["timeout"],
        is_forced=bool(params.get("force")),
        remark=params.get("remark"),
        created_by=call.caller.name,
        trace_id=call.trace_id,
    )
    call.session.add(row)
    call.session.flush()
    _add_items(call, row, [each.id for each in machines], is_rollback=False)
    return {"campaignId": row.id}


def _refuse_version(installer: RobotInstaller) -> None:
    if not campaigns.VERSION.fullmatch(installer.version):
        raise InvalidInput(f"安装包版本 {installer.version} 不能作为升级命令的参数，应以字母或数字开头，只含字母、数字和 . _ + -")


def _machines(call: Call, params: dict[str, Any]) -> list[Machine]:
    ids = {each.machine_id for each in find_all(call, Robot, params.get("robotIds") or []) if each.machine_id is not None}
    return find_all(call, Machine, ids | set(params.get("machineIds") or []))


def _refuse_unusable(call: Call, machine: Machine) -> None:
    """Raise Conflict where the machine would fail at once, or is upgraded already; Refused where others' robots are on it."""
    holds.refuse_shared(call, machine.id)
    if not is_served(call.hub, machine):
        raise Conflict(f"计算机 {machine.name} 上没有运行中的主机")
    if not (machine.host or {}).get("allowsUpgrades"):
        raise Conflict(f"计算机 {machine.name} 的所有者未设置升级命令（upgrade_command）")
    going_on = select(UpgradeItem.id).join(UpgradeCampaign, UpgradeCampaign.id == UpgradeItem.campaign_id)
    going_on = going_on.where(UpgradeItem.machine_id == machine.id, UpgradeItem.state.in_(campaigns.UNFINISHED_STATES))
    if call.session.scalar(going_on.limit(1)) is not None:
        raise Conflict(f"计算机 {machine.name} 在另一个未结束的升级活动中", code=codes.IN_USE)


def _previous(call: Call, installer: RobotInstaller) -> int | None:
    """The installer of the same product and system that was uploaded before this one: what a rollback installs."""
    same = (RobotInstaller.name == installer.name, RobotInstaller.system == installer.system, RobotInstaller.is_deleted.is_(False))
    earlier = select(RobotInstaller.id).where(*same, RobotInstaller.id < installer.id).order_by(RobotInstaller.id.desc()).limit(1)
    return call.session.scalar(earlier)


def _add_items(call: Call, campaign: UpgradeCampaign, machine_ids: list[int], *, is_rollback: bool) -> None:
    call.session.add_all(
        UpgradeItem(campaign_id=campaign.id, machine_id=each, is_rollback=is_rollback, wave=number // campaign.wave_size + 1)
        for number, each in enumerate(machine_ids)
    )
    call.session.flush()


class UpgradeCampaignRequest(Record):
    """One campaign."""

    campaignId = Id("升级活动 ID", kind="upgrade_campaign", required=True)


class UpgradeItemRow(Record):
    """The installation on one machine."""

    machineId = Id("机器 ID", kind="machine")
    machineName = Text("计算机名", longest=128)
    isRollback = Flag("是否为回滚")
    wave = Whole("批次")
    itemState = Text(
        "状态（waiting-等待 draining-等待任务结束 installing-安装中 verifying-核对版本 succeeded-成功 failed-失败 skipped-已跳过）",
        choices=campaigns.ITEM_STATES,
    )
    reason = Text("原因", longest=1024)
    versionBefore = Text("升级前版本", longest=64)
    versionAfter = Text("升级后版本", longest=64)
    log = Text("日志", longest=65_536)
    drainTime = Moment("开始等待任务结束的时间")
    installTime = Moment("开始安装的时间")
    endTime = Moment("结束时间")


class UpgradeCampaignRow(Dated):
    """A campaign and how far it is."""

    campaignId = Id("升级活动 ID", kind="upgrade_campaign")
    installerId = Id("安装包 ID", kind="robot_installer")
    previousInstallerId = Id("回滚时安装的安装包 ID", kind="robot_installer")
    campaignState = Text(
        "状态（running-进行中 paused-已暂停 stopped-失败过多而停止 rolling_back-回滚中 done-已完成 rolled_back-已回滚）", choices=campaigns.STATES
    )
    reason = Text("停止原因", longest=1024)
    waveSize = Whole("每批的计算机数量")
    maximumFailures = Whole("允许失败的计算机数量")
    remark = Text("备注", longest=1024)
    creator = Text("创建者", longest=128)


class UpgradeCampaignQueryResult(UpgradeCampaignRow):
    """A campaign with each of its machines."""

    items = Items(UpgradeItemRow, "各计算机的升级情况")


@operation(
    "X10", "/api/ext/upgrade-campaign/query", clause="X10", title="查询升级活动",
    request=UpgradeCampaignRequest, response=UpgradeCampaignQueryResult, hook=False,
)
def upgrade_campaign_query(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Show a campaign, machine by machine."""
    row = find(call, UpgradeCampaign, params["campaignId"])
    statement = select(UpgradeItem, Machine.name).join(Machine, Machine.id == UpgradeItem.machine_id).where(UpgradeItem.campaign_id == row.id)
    items = [
        {
            "machineId": each.machine_id,
            "machineName": name,
            "isRollback": each.is_rollback,
            "wave": each.wave,
            "itemState": each.state,
            "reason": each.reason,
            "versionBefore": each.version_before,
            "versionAfter": each.version_after,
            "log": each.log,
            "drainTime": each.drained_from,
            "installTime": each.installed_from,
            "endTime": each.ended_at,
        }
        for each, name in call.session.execute(statement.order_by(UpgradeItem.is_rollback, UpgradeItem.wave, UpgradeItem.id))
    ]
    return {**_row(row), "items": items}


class UpgradeCampaignListResult(ListResult):
    """A page of campaigns."""

    campaigns = Items(UpgradeCampaignRow, "升级活动列表")


@operation(
    "X10", "/api/ext/upgrade-campaign/list", clause="X10", title="查询升级活动列表",
    request=ListRequest, response=UpgradeCampaignListResult, hook=False,
)
def upgrade_campaign_list(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """List the campaigns."""
    rows, paging = page(
        call, select(UpgradeCampaign), UpgradeCampaign, params, search=(UpgradeCampaign.remark,), sortable={"campaignId": UpgradeCampaign.id}
    )
    return {"campaigns": [_row(row) for row in rows], **paging}


def _row(row: UpgradeCampaign) -> dict[str, Any]:
    return {
        "campaignId": row.id,
        "installerId": row.installer_id,
        "previousInstallerId": row.previous_installer_id,
        "campaignState": row.state,
        "reason": row.reason,
        "waveSize": row.wave_size,
        "maximumFailures": row.maximum_failures,
        "remark": row.remark,
        "creator": row.created_by,
        **dates(row),
    }


@operation("X10", "/api/ext/upgrade-campaign/pause", clause="X10", title="暂停升级活动", request=UpgradeCampaignRequest, hook=False)
def upgrade_campaign_pause(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Begin on no further machine. One that installs already goes on to its end."""
    row = _locked(call, params["campaignId"])
    if row.state != campaigns.RUNNING:
        raise Conflict("只有进行中的升级活动可以暂停")
    row.state = campaigns.PAUSED
    return {}


@operation("X10", "/api/ext/upgrade-campaign/resume", clause="X10", title="继续升级活动", request=UpgradeCampaignRequest, hook=False)
def upgrade_campaign_resume(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Go on with a paused campaign, or with one that too many failures have stopped: the next failure stops it again."""
    row = _locked(call, params["campaignId"])
    if row.state not in (campaigns.PAUSED, campaigns.STOPPED):
        raise Conflict("升级活动未暂停")
    row.state, row.reason = campaigns.RUNNING, None
    return {}


@operation("X10", "/api/ext/upgrade-campaign/rollback", clause="X10", title="回滚升级活动", request=UpgradeCampaignRequest, hook=False)
def upgrade_campaign_rollback(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Install the previous installer on all machines on which the new one was begun, wave by wave; the others are left as they are."""
    row = _locked(call, params["campaignId"])
    if row.state in (campaigns.ROLLING_BACK, campaigns.ROLLED_BACK):
        raise Conflict("升级活动已回滚")
    if row.previous_installer_id is None:
        raise Conflict("没有同一产品的上一个安装包，无法回滚")
    _refuse_version(find(call, RobotInstaller, row.previous_installer_id))
    items = list(call.session.scalars(select(UpgradeItem).where(UpgradeItem.campaign_id == row.id).order_by(UpgradeItem.id)))
    for each in items:
        if each.state in (campaigns.WAITING, campaigns.DRAINING):
            campaigns.change(call.session, each, campaigns.SKIPPED, reason="安装前活动已回滚")
    call.session.expire_all()
    begun = [each.machine_id for each in items if each.installed_from is not None]
    row = _locked(call, params["campaignId"])
    row.state, row.reason, row.updated_at = (campaigns.ROLLING_BACK if begun else campaigns.ROLLED_BACK), None, now()
    _add_items(call, row, begun, is_rollback=True)
    return {}


def _locked(call: Call, key: int) -> UpgradeCampaign:
    """The campaign, locked against hosts that end an item at this moment."""
    find(call, UpgradeCampaign, key)
    return call.session.get_one(UpgradeCampaign, key, with_for_update=True, populate_existing=True)
