"""The figures of machines: live, from afar, and over time."""
from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from config.settings import Settings
from hub.bootstrap import initialise
from hub.core import Hub
from hub.database import now
from hub.machines import here, sampling
from hub.models import Machine, MachineMetric
from hub.scheduler import purge
from tests.hub.conftest import Api
from tests.hub.machines.conftest import HostOf

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def test_any_machine_with_a_host_tells_its_figures_everywhere(api: Api, new_host: Callable[..., HostOf]) -> None:
    host = new_host()
    found = api("machine_query", machineId=host.machine_id)
    assert found["resourceInfo"]["machineName"] == host.name
    assert set(found["resourceInfo"]) == {"machineName", "ip", "cpu", "disk", "memory", "systemVersion"} and all(found["resourceInfo"].values())
    assert found["resourceDetail"]["memoryTotal"] > 0 and 0 <= found["resourceDetail"]["cpuPercent"] <= 100
    at = datetime.fromisoformat(f"{found['resourceTime']}+08:00")
    assert now() - at < timedelta(seconds=30)


def test_only_the_wanted_figures_are_told(api: Api, new_host: Callable[..., HostOf]) -> None:
    found = api("machine_query", machineId=new_host().machine_id, resourceTypes=["CPU"])
    assert {name for name, value in found["resourceInfo"].items() if value} == {"cpu"}
    assert set(found["resourceDetail"]) == {"cpuPercent"}


def test_this_machine_answers_live_even_without_a_host(api: Api) -> None:
    found = api("machine_query", machineId=1)
    assert found["machineName"] == socket.gethostname()
    assert found["resourceDetail"]["diskTotal"] > 0 and found["resourceTime"]


def test_stale_figures_say_their_time_and_unknown_ones_are_left_out(api: Api, hub: Hub, new_host: Callable[..., HostOf]) -> None:
    host = new_host()
    with hub.db.write() as session:
        session.get_one(Machine, host.machine_id).figures_at = NOON
    assert api("machine_query", machineId=host.machine_id)["resourceTime"] == "2026-11-24 20:00:00"
    silent = api("machine_query", machineId=api("machine_create", machineName="无主机")["machineId"])
    assert (silent["resourceTime"], silent["resourceDetail"]) == ("", {})
    assert {name for name, value in silent["resourceInfo"].items() if value} == {"machineName"}


def test_each_minute_leaves_the_mean_of_its_samples(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds, busy = [0.0], iter([10.0, 20.0, 30.0, 40.0, 50.0, 60.0])
    monkeypatch.setattr(
        sampling, "ask", lambda hub: {"resourceDetail": {"cpuPercent": next(busy), "memoryPercent": 50.0, "diskPercent": 1.0, "memoryTotal": 8, "diskTotal": 9}}
    )
    sampler, where = sampling.Sampler(lambda: seconds[0]), here.Here(hub, 1, "key", "boot")
    for seconds[0] in (0.0, 1.0, 15.0, 30.0, 45.0, 60.0):
        sampler.step(where)
    with hub.db.read() as session:
        [row] = session.query(MachineMetric).all()
    assert (row.cpu, row.memory, row.memory_total, row.disk_total) == (30.0, 50.0, 8, 9)


@pytest.fixture(params=["sqlite", "postgresql"])
def any_hub(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hub]:
    """A hub on either database."""
    if request.param == "sqlite":
        yield request.getfixturevalue("hub")
        return
    settings = Settings(data=tmp_path / "data", database_url=request.getfixturevalue("new_postgresql")(), admin_password="Admin-of-tests-1")
    initialise(settings)
    made = Hub(settings)
    yield made
    made.db.dispose()


def remember(hub: Hub, start: datetime, minutes: int) -> None:
    with hub.db.write() as session:
        session.add_all(
            MachineMetric(
                machine_id=1, measured_at=start + timedelta(minutes=each), cpu=float(each % 60), memory=40.0, disk=5.0, memory_total=8, disk_total=2**40
            )
            for each in range(minutes)
        )


def test_long_ranges_are_summed_up_in_steps(any_hub: Hub) -> None:
    remember(any_hub, NOON, 180)
    with any_hub.db.read() as session:
        found = sampling.points(session, 1, NOON, NOON + timedelta(hours=3), 3600)
        assert [at for at, _ in found] == [NOON + timedelta(hours=each) for each in range(3)]
        assert found[0][1] == {
            "cpuPercent": 29.5, "cpuPeak": 59.0, "memoryPercent": 40.0, "memoryPeak": 40.0, "diskPercent": 5.0, "diskPeak": 5.0,
            "memoryTotal": 8, "diskTotal": 2**40,
        }  # fmt: skip
        assert len(sampling.points(session, 1, NOON, NOON + timedelta(hours=1), 60)) == 60
        assert sampling.points(session, 2, NOON, NOON + timedelta(hours=3), 3600) == []


def test_the_history_is_asked_for_by_time(api: Api, hub: Hub) -> None:
    remember(hub, NOON, 10)
    told = api("machine_metrics", machineId=1, startTime="2026-11-24 20:00:00", endTime="2026-11-24 20:05:00")
    assert told["step"] == 60 and len(told["points"]) == 5
    assert (told["points"][0]["time"], told["points"][4]["figures"]["cpuPercent"]) == ("2026-11-24 20:00:00", 4.0)
    year = {"startTime": "2026-01-01 00:00:00", "endTime": "2027-01-01 00:00:00"}
    assert len(api("machine_metrics", machineId=1, **year)["points"]) == 1
    assert api.code("machine_metrics", machineId=1, step=60, **year) == "10007"
    assert api.code("machine_metrics", machineId=1, startTime="2026-11-24 20:00:00", endTime="2026-11-24 20:00:00") == "10007"


def test_what_is_older_than_the_history_is_kept_goes(hub: Hub) -> None:
    remember(hub, now() - timedelta(days=40), 5)
    remember(hub, now() - timedelta(days=2), 5)
    purge(hub)
    with hub.db.read() as session:
        assert session.query(MachineMetric).count() == 5
