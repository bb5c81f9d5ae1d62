"""The rows of upgrade campaigns: who may begin, how an item ends, and what its end means for the campaign."""
from __future__ import annotations

import re
from typing import Any

import structlog
from sqlalchemy import CursorResult, and_, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from hub.database import now
from hub.machines import holds
from hub.models import AuditEntry, UpgradeCampaign, UpgradeItem
from hub.models.upgrade import UNFINISHED_STATES
from plugins import codes

WAITING, DRAINING, INSTALLING, VERIFYING = UNFINISHED_STATES
SUCCEEDED, FAILED, SKIPPED = "succeeded", "failed", "skipped"
ITEM_STATES = (*UNFINISHED_STATES, SUCCEEDED, FAILED, SKIPPED)
RUNNING, PAUSED, STOPPED, ROLLING_BACK, DONE, ROLLED_BACK = "running", "paused", "stopped", "rolling_back", "done", "rolled_back"
STATES = (RUNNING, PAUSED, STOPPED, ROLLING_BACK, DONE, ROLLED_BACK)
# It becomes an argument of the machines' own command, and must not look like an option of it.
VERSION = re.compile(r"[A-Za-z0-9][\w.+-]*", re.ASCII)
LONGEST_LOG = 32 * 1024
LONGEST_REASON = 1000

log = structlog.get_logger(__name__)


def holder(item: UpgradeItem) -> str:
    """The mark on the robots that an item holds."""
    return f"{holds.UPGRADE}:{item.id}"


def unfinished_on(session: Session, machine_id: int) -> tuple[UpgradeItem, UpgradeCampaign] | None:
    """What a machine is at, or may begin: one that has begun goes before all that wait."""
    begun = and_(UpgradeItem.state.in_(UNFINISHED_STATES), UpgradeItem.state != WAITING)
    turn = and_(UpgradeItem.state == WAITING, _wanted(), ~_lower_wave())
    statement = (
        select(UpgradeItem, UpgradeCampaign)
        .join(UpgradeCampaign, UpgradeCampaign.id == UpgradeItem.campaign_id)
        .where(UpgradeItem.machine_id == machine_id, or_(begun, turn))
        .order_by(UpgradeItem.state == WAITING, UpgradeItem.id)
        .limit(1)
    )
    row = session.execute(statement).first()
    return None if row is None else (row[0], row[1])


def _wanted() -> Any:
    """Upgrades are wanted while their campaign runs, rollbacks while it is rolled back."""
    return or_(
        and_(UpgradeCampaign.state == RUNNING, UpgradeItem.is_rollback.is_(False)),
        and_(UpgradeCampaign.state == ROLLING_BACK, UpgradeItem.is_rollback.is_(True)),
    )


def _lower_wave() -> Any:
    """Something of a lower wave has not ended; before a rollback, all that was begun must have."""
    other = aliased(UpgradeItem)
    earlier = or_(
        and_(other.is_rollback == UpgradeItem.is_rollback, other.wave < UpgradeItem.wave),
        and_(UpgradeItem.is_rollback.is_(True), other.is_rollback.is_(False), other.machine_id == UpgradeItem.machine_id),
    )
    return select(other.id).where(other.campaign_id == UpgradeItem.campaign_id, other.state.in_(UNFINISHED_STATES), earlier).exists()


def is_wanted(item: UpgradeItem, campaign: UpgradeCampaign) -> bool:
    """Whether an item that has not begun to install should go on."""
    return campaign.state == (ROLLING_BACK if item.is_rollback else RUNNING)


def change(session: Session, item: UpgradeItem, state: str, **values: Any) -> bool:
    """Bring an item from the state that it was read in to another; False when somebody else was faster. An ended one holds no robot."""
    ended = state not in UNFINISHED_STATES
    if ended:
        values["ended_at"] = now()
    if values.get("reason"):
        values["reason"] = values["reason"][:LONGEST_REASON]
    statement = update(UpgradeItem).where(UpgradeItem.id == item.id, UpgradeItem.state == item.state)
    changed = session.execute(statement.values(state=state, **values).execution_options(synchronize_session=False))
    assert isinstance(changed, CursorResult)
    if changed.rowcount != 1:
        return False
    log.warning("upgrade", item_id=item.id, machine_id=item.machine_id, state=state, reason=values.get("reason"))
    if ended or state in (WAITING, VERIFYING):
        holds.release(session, holder(item))
    campaign = session.get_one(UpgradeCampaign, item.campaign_id, with_for_update=True, populate_existing=True)
    session.add(_audited(campaign, item, state, values.get("reason")))
    if ended:
        _consider(session, campaign, state == FAILED)
    return True


def note(session: Session, item: UpgradeItem, text: str) -> None:
    """Add to the log of an item; of too much the middle is left out."""
    told = session.scalar(select(UpgradeItem.log).where(UpgradeItem.id == item.id)) or ""
    told = f"{told}{now():%Y-%m-%dT%H:%M:%SZ} {text}\n"
    if len(told) > LONGEST_LOG:
        told = f"{told[: LONGEST_LOG // 2]}\n…\n{told[-LONGEST_LOG // 2 :]}"
    statement = update(UpgradeItem).where(UpgradeItem.id == item.id).values(log=told)
    session.execute(statement.execution_options(synchronize_session=False))


def _consider(session: Session, campaign: UpgradeCampaign, has_failed: bool) -> None:
    """What an item's end means: one failure too many stops the campaign, the last end finishes it. Only for the holder of the campaign's lock."""
    is_rollback = campaign.state == ROLLING_BACK
    counts = select(UpgradeItem.state, func.count()).where(UpgradeItem.campaign_id == campaign.id, UpgradeItem.is_rollback.is_(is_rollback))
    found = dict(session.execute(counts.group_by(UpgradeItem.state)).all())
    if not any(found.get(state) for state in UNFINISHED_STATES):
        campaign.state = ROLLED_BACK if is_rollback else DONE
    elif has_failed and campaign.state == RUNNING and found.get(FAILED, 0) > campaign.maximum_failures:
        campaign.state = STOPPED
        campaign.reason = f"失败 {found[FAILED]} 台，超过上限 {campaign.maximum_failures}"


def _audited(campaign: UpgradeCampaign, item: UpgradeItem, state: str, reason: str | None) -> AuditEntry:
    subject = {"campaignId": campaign.id, "machineId": item.machine_id, "isRollback": item.is_rollback, "state": state, "reason": reason}
    return AuditEntry(
        trace_id=campaign.trace_id,
        operation="upgrade_item",
        actor=campaign.created_by,
        client_ip="",
        subject={name: value for name, value in subject.items() if value is not None},
        result_code=(codes.ILLEGAL_STATE if state == FAILED else codes.OK).value,
    )
