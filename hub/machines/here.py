"""Who serves a machine: one host at a time, by a lease on the machine's row."""
from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import psutil
from sqlalchemy import or_, update

from config.settings import Settings
from hub.bootstrap import machine_name
from hub.core import Hub
from hub.database import now
from hub.models import Machine
from hub.processes import locked
from hub.version import program_version

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Here:
    """The machine that this host serves. ``key`` tells this host from all others, also after it has started anew."""

    hub: Hub
    machine_id: int
    key: str
    boot_id: str


def boot_id() -> str:
    """What tells this start of the machine from all others."""
    try:
        return BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return f"{psutil.boot_time():.0f}"


@contextmanager
def host_key(settings: Settings) -> Iterator[str]:
    """The key of this machine's host on this data folder, which stays from start to start. A second host waits here for the end of the first."""
    name = hashlib.sha256(machine_name(settings).encode()).hexdigest()[:16]
    with locked(settings.run_folder / f"machine-{name}.lock") as file:
        key = file.read().strip()
        if not key:
            key = str(uuid.uuid4())
            file.write(key)
            file.flush()
        yield key


def take(hub: Hub, key: str) -> Here | None:
    """Take or keep the lease of this machine. None where the hub knows no such machine, or another living host serves it."""
    settings, boot = hub.settings, boot_id()
    moment = now()
    told = {
        "bootId": boot,
        "version": program_version(),
        "allowsPower": settings.allow_machine_power,
        "allowsUpgrades": bool(settings.upgrade_command),
    }
    free = or_(
        Machine.host_key.is_(None), Machine.host_key == key, Machine.seen_at.is_(None), Machine.seen_at < moment - timedelta(seconds=settings.robot_timeout)
    )
    ours = update(Machine).where(Machine.name == machine_name(settings), Machine.is_deleted.is_(False), free)
    with hub.db.write() as session:
        values = {"host_key": key, "seen_at": moment, "host": told, "updated_at": Machine.updated_at}
        found = session.scalar(ours.values(values).returning(Machine.id).execution_options(synchronize_session=False))
    return None if found is None else Here(hub, found, key, boot)


def leave(here: Here) -> None:
    """Give the lease back, so that nobody waits for its end."""
    ours = update(Machine).where(Machine.id == here.machine_id, Machine.host_key == here.key)
    with here.hub.db.write() as session:
        session.execute(ours.values(seen_at=None, updated_at=Machine.updated_at))


def is_served(hub: Hub, machine: Machine) -> bool:
    """Whether the machine has a living host."""
    return machine.seen_at is not None and now() - machine.seen_at <= timedelta(seconds=hub.settings.robot_timeout)
