"""Limits of calls, counted in a real Redis server: per address, client, operation and login, and what a call beyond them is told."""
from __future__ import annotations

import time
from dataclasses import replace

import pytest

from hub.app import create_app
from hub.core import Hub
from hub.dispatch import Dispatcher
from hub.limits import SHARES, Limiter
from plugins.errors import HubError
from tests.hub.conftest import ADMIN_PASSWORD, Signed

pytestmark = pytest.mark.usefixtures("redis_server")


@pytest.fixture
def limited(hub, new_settings, anybody):
    """The hub with some limits set low, as a caller without a token; the hub of the fixtures itself is without them."""
    hubs = []

    def make(**limits: int) -> Signed:
        made = Hub(new_settings(**limits))
        hubs.append(made)
        return replace(anybody, dispatcher=Dispatcher(made))

    yield make
    for each in hubs:
        each.calls.close()
        each.db.dispose()


def admin(client: Signed) -> Signed:
    return client.log_in("admin", ADMIN_PASSWORD)


def codes(client: Signed, count: int, operation: str = "department_list") -> list[str]:
    return [client.code(operation) for _ in range(count)]


def passing(client: Signed, operation: str = "department_list", at_most: int = 100) -> int:
    """How many calls pass before one is refused."""
    return next((count for count in range(at_most) if client.code(operation) == "10601"), at_most)


def test_as_many_calls_pass_as_the_limit_says_and_the_next_is_told_when_to_come_back(limited):
    client = admin(limited(rate_limit_client=20))
    began = time.monotonic()
    count = passing(client)
    refused = client.answer("department_list")
    took = time.monotonic() - began
    assert 20 <= count <= 20 + 1 + took / 3
    assert (refused.code.value, refused.code.status) == ("10601", 429)
    assert 0 < refused.retry_after <= 3.0


def test_calls_pass_again_after_the_time_that_was_told(limited):
    client = admin(limited(rate_limit_client=60))
    passing(client)
    time.sleep(client.answer("department_list").retry_after or 0)
    assert client.code("department_list") == "00000"


def test_a_call_that_is_refused_uses_up_nothing(limited):
    client = admin(limited(rate_limit_operation=5, rate_limit_client=1000))
    passing(client)
    before = client.answer("department_list").retry_after
    codes(client, 30)
    assert client.answer("department_list").retry_after <= before


def test_the_limit_of_one_operation_leaves_the_others_alone(limited):
    client = admin(limited(rate_limit_operation=5))
    assert passing(client) in (5, 6)
    assert client.code("robot_list") == "00000"


def test_clients_do_not_use_up_the_limits_of_each_other(limited, api):
    api("employee_create", employeeName="u", username="u", password="Password-of-tests-1", depId=1)
    anybody = limited(rate_limit_client=6, rate_limit_login=0)
    one, other = admin(anybody), anybody.log_in("u", "Password-of-tests-1")
    assert "10601" in codes(one, 10)
    assert other.code("department_list") == "00000"
    assert "10601" in codes(replace(one, ip="10.7.7.7"), 2), "an address more is no client more"


def test_an_application_has_a_limit_of_its_own(limited, api):
    group_id = api("api_group_create", apiGroupName="g", permissions=["department:list"])["apiGroupId"]
    app = api("app_create", appName="a", apiGroupIds=[group_id], rateLimit=5)
    program = limited(rate_limit_client=1000).log_in(app["clientId"], app["clientSecret"])
    assert passing(program) in (5, 6)
    api("app_update", appId=app["appId"], rateLimit=0)
    wait = program.answer("department_list").retry_after or 0
    assert wait < 1, "from now on at the common rate"
    time.sleep(wait)
    assert program.code("department_list") == "00000"


def test_addresses_are_limited_whoever_calls_from_them(limited):
    anybody = limited(rate_limit_ip=10)
    client = admin(anybody)
    assert "10601" in codes(client, 12)
    assert client.code("crypto_public_key") == "10601"
    assert replace(client, ip="10.2.2.2").code("department_list") == "00000"


def test_trying_out_tokens_uses_up_the_limit_of_the_address(limited):
    guesser = replace(limited(rate_limit_ip=10), token="x" * 43)
    tried = codes(guesser, 13)
    assert set(tried[:10]) == {"10001"}
    assert "10601" in tried[10:]


def test_logins_are_limited_for_each_address_and_public_keys_are_not(limited):
    anybody = limited(rate_limit_login=5)
    tried = [anybody.code("account_authenticate", username="admin", password=ADMIN_PASSWORD) for _ in range(8)]
    assert tried[:5] == ["00000"] * 5
    assert "10601" in tried[5:]
    assert set(codes(anybody, 10, "crypto_algorithms")) == {"00000"}
    assert replace(anybody, ip="10.2.2.2").code("account_authenticate", username="admin", password=ADMIN_PASSWORD) == "00000"


def test_permission_is_asked_after_the_limit(limited, api):
    api("employee_create", employeeName="u", username="u", password="Password-of-tests-1", depId=1, roleIds=[])
    client = limited(rate_limit_client=5).log_in("u", "Password-of-tests-1")
    tried = codes(client, 8)
    assert tried[:5] == ["30001"] * 5 and "10601" in tried[5:]


def test_processes_share_their_limits(limited):
    first = admin(limited(rate_limit_client=20))
    second = replace(first, dispatcher=limited(rate_limit_client=20).dispatcher)
    passed = [*codes(first, 15), *codes(second, 15)].count("00000")
    assert 20 <= passed <= 24


def test_the_answer_over_http_says_when_to_come_back(new_settings, redis_server):
    app = create_app(new_settings(rate_limit_operation=1))
    client = app.test_client()
    body = {"username": "admin", "password": ADMIN_PASSWORD}
    token = client.post("/api/platform/account/authenticate", json=body).get_json()["data"]["token"]
    first, second = (client.post("/api/platform/department/list", json={}, headers={"token": token}) for _ in range(2))
    assert (first.status_code, second.status_code) == (200, 429)
    assert second.get_json()["resultCode"] == "10601"
    assert 1 <= int(second.headers["Retry-After"]) <= 60
    app.extensions["hub"].calls.close()
    app.extensions["hub"].db.dispose()


def test_the_limits_are_published(limited):
    client = admin(limited(rate_limit_client=77, rate_limit_login=9))
    shown = client("rate_limit_query")
    assert (shown["perClient"], shown["perLogin"]) == (77, 9)


def test_of_a_large_limit_a_share_is_taken_ahead_and_the_sum_still_holds(hub):
    limiter = Limiter(hub.redis)
    most = SHARES * 20
    passed = 0
    with pytest.raises(HubError) as refused:
        while passed <= most * 2:
            limiter.check([("large", most)])
            passed += 1
    assert most <= passed <= most * 1.2
    assert refused.value.retry_after > 0


def test_while_redis_is_away_calls_pass_and_do_not_wait_for_it(redis_server, limited):
    client = admin(limited(rate_limit_client=5))
    assert "10601" in codes(client, 8)
    redis_server.stop()
    assert set(codes(client, 8)) == {"00000"}
