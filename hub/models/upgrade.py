"""Upgrades of the robots of many machines, wave by wave (clause 5.3)."""
from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.database import BigId, Moment
from hub.models.base import Base, Entity

UNFINISHED_STATES = ("waiting", "draining", "installing", "verifying")
UNFINISHED = f"state IN {UNFINISHED_STATES}"


class UpgradeCampaign(Entity, Base):
    """One installer for many machines. ``state``: running, paused, stopped (too many failures), rolling_back, done, rolled_back.

    ``previous_installer_id`` is what a rollback installs. ``timeout`` bounds the draining of each machine (seconds).
    """

    __tablename__ = "upgrade_campaign"

    installer_id: Mapped[int] = mapped_column(BigId, ForeignKey("robot_installer.id"))
    previous_installer_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("robot_installer.id"))
    state: Mapped[str] = mapped_column(String(16), default="running")
    reason: Mapped[str | None] = mapped_column(String(1024))
    wave_size: Mapped[int] = mapped_column(default=1)
    maximum_failures: Mapped[int] = mapped_column(default=0)
    timeout: Mapped[int]
    is_forced: Mapped[bool] = mapped_column(default=False)
    remark: Mapped[str | None] = mapped_column(String(1024))
    created_by: Mapped[str] = mapped_column(String(128), default="")
    trace_id: Mapped[str] = mapped_column(String(64), default="")


class UpgradeItem(Base):
    """The installation on one machine, carried out at most once, by the host of that machine.

    waiting -> draining -> installing -> verifying -> succeeded | failed | skipped; each change is a compare-and-set.
    ``log`` is what the host and the upgrade command said, bounded and with secrets masked.
    """

    __tablename__ = "upgrade_item"
    __table_args__ = (
        UniqueConstraint("campaign_id", "machine_id", "is_rollback"),
        Index("ix_upgrade_item_unfinished", "machine_id", "id", sqlite_where=text(UNFINISHED), postgresql_where=text(UNFINISHED)),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    campaign_id: Mapped[int] = mapped_column(BigId, ForeignKey("upgrade_campaign.id"))
    machine_id: Mapped[int] = mapped_column(BigId, ForeignKey("machine.id"))
    is_rollback: Mapped[bool] = mapped_column(default=False)
    wave: Mapped[int]
    state: Mapped[str] = mapped_column(String(16), default="waiting")
    reason: Mapped[str | None] = mapped_column(String(1024))
    log: Mapped[str] = mapped_column(Text, default="")
    version_before: Mapped[str | None] = mapped_column(String(64))
    version_after: Mapped[str | None] = mapped_column(String(64))
    claimed_by: Mapped[str | None] = mapped_column(String(36))
    drained_from: Mapped[datetime | None] = mapped_column(Moment)
    installed_from: Mapped[datetime | None] = mapped_column(Moment)
    verified_from: Mapped[datetime | None] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
