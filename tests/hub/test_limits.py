"""Rate limits on a real Redis-compatible server."""
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from config.settings import Settings
from hub.limits import Limiter
from hub.redis_client import quick_client
from hub.redis_server import RedisServer
from plugins import codes
from plugins.errors import HubError


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    settings = Settings(data=tmp_path_factory.mktemp("limits") / "data")
    with RedisServer(settings), quick_client(settings) as client:
        yield client


@pytest.fixture
def connection(server: Redis) -> Redis:
    server.flushall()
    return server


def passed(limiter: Limiter, limits: list[tuple[str, int]], calls: int) -> int:
    count = 0
    for _ in range(calls):
        try:
            limiter.check(limits)
            count += 1
        except HubError as error:
            assert error.code is codes.RATE_LIMITED
            assert error.retry_after and error.retry_after > 0
    return count


def test_a_small_limit_lets_exactly_so_many_through(connection: Redis) -> None:
    assert passed(Limiter(connection), [("a", 5)], 20) == 5


def test_processes_share_a_limit(connection: Redis) -> None:
    first, second = Limiter(connection), Limiter(connection)
    assert passed(first, [("a", 60)], 40) + passed(second, [("a", 60)], 40) == 60


def test_a_busy_process_does_not_ask_redis_on_every_call(connection: Redis) -> None:
    before = connection.info("commandstats")["cmdstat_evalsha"]["calls"] if "cmdstat_evalsha" in connection.info("commandstats") else 0
    assert passed(Limiter(connection), [("ip", 60_000), ("client", 60_000)], 1000) == 1000
    assert connection.info("commandstats")["cmdstat_evalsha"]["calls"] - before <= 12


def test_a_large_limit_is_kept_all_the_same(connection: Redis) -> None:
    first, second = Limiter(connection), Limiter(connection)
    total = sum(passed(each, [("a", 6000)], 1) for _ in range(3500) for each in (first, second))
    assert 6000 <= total <= 6600  # what is let through anew while the loop runs comes on top


def test_a_call_that_one_limit_refuses_uses_up_no_other(connection: Redis) -> None:
    limiter = Limiter(connection)
    assert passed(limiter, [("wide", 100), ("narrow", 3)], 10) == 3
    assert passed(limiter, [("wide", 100)], 200) == 97


def test_zero_is_without_limit(connection: Redis) -> None:
    assert passed(Limiter(connection), [("a", 0)], 50) == 50


def test_calls_pass_while_redis_is_away(tmp_path: Path) -> None:
    assert passed(Limiter(quick_client(Settings(data=tmp_path))), [("a", 1)], 3) == 3
