"""The figures of machines: sampled by their hosts through the native adapter, kept minute by minute, read in steps."""
from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Integer as Whole
from sqlalchemy import cast, delete, func, select, update
from sqlalchemy.orm import Session

from hub import connections
from hub.core import Hub
from hub.database import now
from hub.machines.here import Here
from hub.models import Connection, Machine, MachineMetric

MINUTE = 60.0
FRESH = timedelta(minutes=1)
POINTS = 500
SHARES = {"cpu": "cpuPercent", "memory": "memoryPercent", "disk": "diskPercent"}


class Sampler:
    """Asks for the machine's figures at an interval: the latest go into its row, the mean of each minute into its history."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next_sample = 0.0
        self._minute_ends = clock() + MINUTE
        self._samples: list[dict[str, Any]] = []

    def step(self, here: Here) -> None:
        """Sample, if it is time. Raises HubError when the adapter cannot tell."""
        moment = self._clock()
        if moment < self._next_sample:
            return
        self._next_sample = moment + here.hub.settings.machine_sample_interval
        answer = ask(here.hub)
        self._samples.append(answer["resourceDetail"])
        with here.hub.db.write() as session:
            values = {"figures": answer, "figures_at": now(), "updated_at": Machine.updated_at}
            session.execute(update(Machine).where(Machine.id == here.machine_id).values(values))
            if moment >= self._minute_ends:
                self._minute_ends = moment + MINUTE
                samples, self._samples = self._samples, []
                session.add(_mean(here.machine_id, samples))


def ask(hub: Hub) -> dict[str, Any]:
    """The figures of this machine, as the native adapter gives them."""
    with hub.db.read() as session:
        native = session.scalars(select(Connection).where(Connection.adapter == connections.NATIVE)).one()
    return connections.ask(hub, native, "machine_query", {"resourceTypes": []}, trace_id="")


def _mean(machine_id: int, samples: list[dict[str, Any]]) -> MachineMetric:
    means = {column: round(sum(each[name] for each in samples) / len(samples), 1) for column, name in SHARES.items()}
    return MachineMetric(
        machine_id=machine_id, measured_at=now(), memory_total=samples[-1]["memoryTotal"], disk_total=samples[-1]["diskTotal"], **means
    )


def default_step(start: datetime, end: datetime) -> int:
    """The seconds of a step with which a range has some hundred points, in whole minutes."""
    return max(1, -(-int((end - start).total_seconds()) // (POINTS * 60))) * 60


def points(session: Session, machine_id: int, start: datetime, end: datetime, step: int) -> list[tuple[datetime, dict[str, Any]]]:
    """The history between two moments in steps of so many seconds: mean and peak of each step that has figures, oldest first."""
    bucket = _bucket(session, step)
    columns = [function(getattr(MachineMetric, name)) for name in SHARES for function in (func.avg, func.max)]
    statement = (
        select(bucket.label("bucket"), *columns, func.max(MachineMetric.memory_total), func.max(MachineMetric.disk_total))
        .where(MachineMetric.machine_id == machine_id, MachineMetric.measured_at >= start, MachineMetric.measured_at < end)
        .group_by("bucket")
        .order_by("bucket")
    )
    return [(datetime.fromtimestamp(row[0] * step, UTC), _told(row[1:])) for row in session.execute(statement)]


def _bucket(session: Session, step: int) -> Any:
    """The number of the step, counted from 1970, that a row belongs to."""
    if session.get_bind().dialect.name == "sqlite":
        return cast(func.strftime("%s", MachineMetric.measured_at), Whole).op("/")(step)
    return cast(func.floor(func.extract("epoch", MachineMetric.measured_at) / step), Whole)


def _told(row: tuple[Any, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for index, (column, name) in enumerate(SHARES.items()):
        found |= {name: round(row[2 * index], 1), f"{column}Peak": round(row[2 * index + 1], 1)}
    return {**found, "memoryTotal": row[-2], "diskTotal": row[-1]}


def purge(hub: Hub) -> None:
    """Remove what is older than the history is kept."""
    oldest = now() - timedelta(days=hub.settings.machine_history_days)
    with hub.db.write() as session:
        session.execute(delete(MachineMetric).where(MachineMetric.measured_at < oldest))
