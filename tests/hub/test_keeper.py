"""What adapters keep: shared by all processes, sealed, and forgotten with its time or its connection."""
from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from config.settings import Settings
from hub.core import Hub
from hub.machines.keeper import SealedKeeper
from hub.models import Connection
from hub.redis_server import RedisServer
from plugins.login import Login, Ticket

SECRET = "token-that-nobody-may-see"


@pytest.fixture
def another(settings: Settings) -> Iterator[Hub]:
    """The hub as another process has it."""
    made = Hub(settings)
    yield made
    made.db.dispose()


def native(hub: Hub) -> Connection:
    with hub.db.read() as session:
        return session.get_one(Connection, 1)


def test_all_processes_share_what_is_kept_and_redis_holds_no_plain_text(hub: Hub, another: Hub, redis_server: RedisServer) -> None:
    keeper = SealedKeeper(hub, native(hub))
    keeper.put("ticket", SECRET, 60)
    assert SealedKeeper(another, native(another)).get("ticket") == SECRET
    assert keeper.get("other") is None
    (key,) = list(hub.redis.scan_iter("rpahub:kept:*"))
    assert SECRET.encode() not in (hub.redis.get(key) or b"") and 0 < hub.redis.ttl(key) <= 60


def test_what_was_kept_for_a_connection_is_forgotten_when_it_changes(hub: Hub, redis_server: RedisServer) -> None:
    connection = native(hub)
    SealedKeeper(hub, connection).put("ticket", SECRET, 60)
    connection.updated_at += timedelta(seconds=1)
    assert SealedKeeper(hub, connection).get("ticket") is None


def test_without_redis_nothing_is_kept_and_nothing_fails(hub: Hub) -> None:
    keeper = SealedKeeper(hub, native(hub))
    keeper.put("ticket", SECRET, 60)
    assert keeper.get("ticket") is None


def test_many_short_processes_log_in_once_and_a_refused_ticket_is_renewed_for_all(hub: Hub, redis_server: RedisServer) -> None:
    logins: list[Ticket] = []

    def fetch() -> tuple[Ticket, float]:
        logins.append(Ticket({"token": f"{SECRET}-{len(logins)}"}))
        return logins[-1], 600.0

    def process() -> Login:
        return Login(fetch, SealedKeeper(hub, native(hub)))

    assert {process()().headers["token"] for _ in range(5)} == {f"{SECRET}-0"} and len(logins) == 1
    assert process()(logins[0]).headers["token"] == f"{SECRET}-1"
    assert process()().headers["token"] == f"{SECRET}-1" and len(logins) == 2


def test_a_ticket_that_has_nearly_ended_is_not_taken_from_others(hub: Hub, redis_server: RedisServer) -> None:
    taken: list[float] = []

    def fetch() -> tuple[Ticket, float]:
        taken.append(time.monotonic())
        return Ticket({"token": "t"}), 1.2

    keeper = SealedKeeper(hub, native(hub))
    Login(fetch, keeper)()
    time.sleep(1.2)
    Login(fetch, keeper)()
    assert len(taken) == 2
