"""Machines whose hosts take one step when a test says so, as each would in a process of its own."""
from __future__ import annotations

import json
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, update

from config.settings import Settings
from hub.core import Hub
from hub.database import now
from hub.machines import here
from hub.machines.host import MachineHost
from hub.models import Machine, Robot
from tests.hub.conftest import Api, hub, prepared_data, settings
from tests.hub.services import making

__all__ = ["hub", "prepared_data", "settings"]


class HostOf:
    """The host of one machine over the hub's database; ``restart`` is what happens when its process dies and comes again."""

    def __init__(self, base: Settings, name: str, **changes: object) -> None:
        self.settings = base.model_copy(update={"machine_name": name, **changes})
        self.name = name
        self.key = f"key of {name}"[:36]
        self.hub = Hub(self.settings)
        self.restart()

    def restart(self) -> None:
        self._host = MachineHost(self.hub, self.key)

    def step(self, rounds: int = 1) -> None:
        for _ in range(rounds):
            self._host._next_lease = 0.0
            self._host.step()

    @property
    def machine_id(self) -> int:
        with self.hub.db.read() as session:
            return session.scalars(select(Machine.id).where(Machine.name == self.name)).one()

    def robots(self) -> list[Robot]:
        with self.hub.db.read() as session:
            return list(session.scalars(select(Robot).where(Robot.machine_id == self.machine_id).order_by(Robot.id)))

    def report(self, version: str) -> None:
        """Its robots come up with this version."""
        with self.hub.db.write() as session:
            session.execute(update(Robot).where(Robot.machine_id == self.machine_id).values(version=version, seen_at=now()))

    def vanish(self) -> None:
        """Nobody has heard of the host for a long time."""
        with self.hub.db.write() as session:
            session.execute(update(Machine).where(Machine.id == self.machine_id).values(seen_at=None))


@pytest.fixture
def new_host(api: Api, settings: Settings) -> Iterator[Callable[..., HostOf]]:
    """Makes hosts of new machines with one robot each, or of the machine of the first start."""
    made: list[HostOf] = []

    def make(name: str = "", **changes: object) -> HostOf:
        given = name or making.some("计算机")
        if not name:
            machine_id = api("machine_create", machineName=given)["machineId"]
            making.robot(api, machineId=machine_id, machineName=given, robotName=f"{given}的机器人")
        made.append(HostOf(settings, given, **changes))
        made[-1].step()
        return made[-1]

    yield make
    for each in made:
        each.hub.calls.close()
        each.hub.db.dispose()


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., list[str]]:
    """A program that writes its arguments into ``ran``, says something, and leaves with a status."""

    def make(*arguments: str, status: int = 0, says: str = "", before: str = "") -> list[str]:
        path = tmp_path / f"{making.some('program')}.sh"
        path.write_text(f"#!/bin/sh\n{before}\necho \"$@\" >> {json.dumps(str(tmp_path / 'ran'))}\n{says}\nexit {status}\n", encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return [str(path), *arguments]

    return make


@pytest.fixture
def ran(tmp_path: Path) -> Callable[[], list[str]]:
    """The runs of these programs so far, each by its arguments."""
    return lambda: (tmp_path / "ran").read_text("utf-8").splitlines() if (tmp_path / "ran").exists() else []


@pytest.fixture
def boots(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Has the machine start anew."""
    return lambda number: monkeypatch.setattr(here, "boot_id", lambda: number)
