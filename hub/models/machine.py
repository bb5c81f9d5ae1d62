"""What machines tell about themselves, and what administrators have them do."""
from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.database import BigId, Moment
from hub.models.base import Base, Entity

OPEN_STATES = ("requested", "draining", "executing")
OPEN = f"state IN {OPEN_STATES}"
OPEN_POWER = f"{OPEN} AND kind IN ('reboot', 'shutdown')"


class MachineMetric(Base):
    """How busy a machine was in one minute. Shares are percentages, sizes bytes."""

    __tablename__ = "machine_metric"

    machine_id: Mapped[int] = mapped_column(BigId, ForeignKey("machine.id"), primary_key=True)
    measured_at: Mapped[datetime] = mapped_column(Moment, primary_key=True, index=True)
    cpu: Mapped[float]
    memory: Mapped[float]
    disk: Mapped[float]
    memory_total: Mapped[int] = mapped_column(BigId)
    disk_total: Mapped[int] = mapped_column(BigId)


class MachineCommand(Entity, Base):
    """A reboot or shutdown of a machine, or the locking or unlocking of a robot's desktop on it: carried out by the machine's own host.

    requested -> draining (power only) -> executing -> done | refused | failed | cancelled; each change is a compare-and-set.
    ``claimed_by`` is the host that has taken it, ``boot_id`` the start of the machine on which it did. ``timeout`` bounds the draining (seconds).
    """

    __tablename__ = "machine_command"
    __table_args__ = (
        Index("uq_machine_command_power", "machine_id", unique=True, sqlite_where=text(OPEN_POWER), postgresql_where=text(OPEN_POWER)),
        Index("ix_machine_command_open", "machine_id", "id", sqlite_where=text(OPEN), postgresql_where=text(OPEN)),
        {"sqlite_autoincrement": True},
    )

    machine_id: Mapped[int] = mapped_column(BigId, ForeignKey("machine.id"))
    robot_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("robot.id"))
    kind: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16), default="requested")
    reason: Mapped[str] = mapped_column(String(512), default="")
    result: Mapped[str | None] = mapped_column(String(1024))
    output: Mapped[str | None] = mapped_column(Text)
    timeout: Mapped[int] = mapped_column(default=0)
    is_forced: Mapped[bool] = mapped_column(default=False)
    requested_by: Mapped[str] = mapped_column(String(128), default="")
    trace_id: Mapped[str] = mapped_column(String(64), default="")
    claimed_by: Mapped[str | None] = mapped_column(String(36))
    boot_id: Mapped[str | None] = mapped_column(String(64))
    cancel_requested_at: Mapped[datetime | None] = mapped_column(Moment)
    drained_from: Mapped[datetime | None] = mapped_column(Moment)
    executed_at: Mapped[datetime | None] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
