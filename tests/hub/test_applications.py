"""Applications: their secret, their rights, their addresses, and the data that they reach."""
from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from hub.models import AccessToken, Application
from hub.security import token_digest
from tests.hub.conftest import Api, Signed


@pytest.fixture
def made(api: Api):
    """An application that may list departments and robots, in a department of its own."""
    home = api("department_create", depName="应用部", parentId=1)["depId"]
    group_id = api("api_group_create", apiGroupName="读", permissions=["department:list", "robot:*", "app:query"])["apiGroupId"]
    app = api("app_create", appName="行情", depId=home, apiGroupIds=[group_id], allowIps=["10.1.0.0/16", "::1"], denyIps=["10.1.2.3"])
    return {**app, "depId": home, "apiGroupId": group_id}


@pytest.fixture
def program(anybody: Signed, made) -> Signed:
    """The application, signed in from an allowed address."""
    return anybody.log_in(made["clientId"], made["clientSecret"])


def test_an_application_does_what_its_groups_name(program, made):
    me = program("account_me")
    assert (me["username"], me["appId"], me["employeeId"], me["depId"]) == (made["clientId"], made["appId"], None, made["depId"])
    assert program.code("robot_list") == "00000"
    for operation in ("employee_list", "task_create", "app_list", "app_create"):
        assert program.code(operation) == "30001", operation


def test_an_application_sees_its_department_and_those_below(api, program, made):
    below = api("department_create", depName="下级", parentId=made["depId"])["depId"]
    assert [each["depId"] for each in program("department_list")["departments"]] == [made["depId"], below]
    assert program("robot_list")["robots"] == []
    other = api("department_create", depName="别处", parentId=1)["depId"]
    assert program.code("robot_list", depId=other) == "10501"
    api("app_update", appId=made["appId"], depId=other)
    assert [each["depId"] for each in program("department_list")["departments"]] == [other]


def test_the_secret_is_shown_once_and_kept_as_a_digest(api, hub, made):
    secret = made["clientSecret"]
    assert len(secret) >= 43
    for answer in (api("app_query", appId=made["appId"]), api("app_list")):
        assert secret not in str(answer) and token_digest(secret) not in str(answer) and "ecret" not in str(answer)
    hub.calls.flush()
    hub.db.dispose()
    content = b"".join(path.read_bytes() for path in hub.settings.data.rglob("*") if path.is_file())
    assert secret.encode() not in content
    assert token_digest(secret).encode() in content


def test_a_wrong_secret_and_an_unknown_client_are_refused(anybody, made):
    assert anybody.code("account_authenticate", username=made["clientId"], password="x" * 43) == "10004"
    assert anybody.code("account_authenticate", username="app-unknown", password=made["clientSecret"]) == "10003"


@pytest.mark.parametrize(
    ("ip", "code"),
    [("10.1.9.9", "00000"), ("10.1.2.3", "30003"), ("10.2.0.1", "30003"), ("::1", "00000"), ("::ffff:10.1.9.9", "00000"), ("", "30003"),
     ("::ffff:10.1.2.3", "30003"), ("::2", "30003"), ("nonsense", "30003")],
)  # fmt: skip
def test_addresses_count_at_login_and_at_each_call(anybody, program, made, ip, code):
    assert replace(anybody, ip=ip).code("account_authenticate", username=made["clientId"], password=made["clientSecret"]) == code
    assert replace(program, ip=ip).code("robot_list") == code


def test_a_changed_address_rule_holds_for_tokens_that_are_out(api, program, made):
    api("app_update", appId=made["appId"], allowIps=["192.168.0.0/24"])
    assert program.code("robot_list") == "30003"
    api("app_update", appId=made["appId"], allowIps=[], denyIps=[])
    assert program.code("robot_list") == "00000"


@pytest.mark.parametrize("networks", [["300.1.1.1"], ["10.0.0.0/33"], ["localhost"], [""], ["10.0.0.1-10.0.0.9"], ["x" * 65]])
def test_what_is_no_network_is_refused(api, networks):
    assert api.code("app_create", appName="x", allowIps=networks) == "10007"
    assert api.code("app_create", appName="x", denyIps=networks) == "10007"


def test_networks_are_kept_in_one_form_each_once(api):
    app_id = api("app_create", appName="x", allowIps=["10.0.0.7/8", "10.0.0.0/8", " 192.168.1.1 ", "FE80::1"])["appId"]
    assert api("app_query", appId=app_id)["allowIps"] == ["10.0.0.0/8", "192.168.1.1/32", "fe80::1/128"]


@pytest.mark.parametrize("change", ["app_disable", "app_delete", "app_rotate_secret"])
def test_tokens_end_when_the_application_is_shut_out_or_gets_a_new_secret(api, hub, anybody, program, made, change):
    answer = api(change, appId=made["appId"])
    assert program.code("robot_list") == "10001"
    with hub.db.read() as session:
        assert session.scalar(select(AccessToken).where(AccessToken.application_id == made["appId"])) is None
    expected = {"app_disable": "30006", "app_delete": "10003", "app_rotate_secret": "10004"}[change]
    assert anybody.code("account_authenticate", username=made["clientId"], password=made["clientSecret"]) == expected
    if change == "app_rotate_secret":
        assert answer["clientSecret"] != made["clientSecret"]
        assert anybody.log_in(made["clientId"], answer["clientSecret"]).code("robot_list") == "00000"


def test_an_enabled_application_signs_in_again_but_its_old_tokens_stay_dead(api, anybody, program, made):
    api("app_disable", appId=made["appId"])
    api("app_enable", appId=made["appId"])
    assert program.code("robot_list") == "10001"
    assert anybody.log_in(made["clientId"], made["clientSecret"]).code("robot_list") == "00000"


def test_changes_of_a_group_hold_from_the_next_call_on(api, program, made):
    api("api_group_update", apiGroupId=made["apiGroupId"], permissions=["task:list"])
    assert (program.code("robot_list"), program.code("task_list")) == ("30001", "00000")
    assert api("api_group_query", apiGroupId=made["apiGroupId"])["appIds"] == [made["appId"]]
    assert api("api_group_delete", apiGroupId=made["apiGroupId"])["appIds"] == [made["appId"]]
    assert program.code("task_list") == "30001"
    shown = api("app_query", appId=made["appId"])
    assert (shown["apiGroupIds"], shown["permissions"]) == ([], [])


def test_no_user_can_take_the_place_of_an_application(api, anybody, made):
    api("employee_create", employeeName="x", username=made["clientId"], password="Password-of-tests-1", depId=1)
    assert anybody.code("account_authenticate", username=made["clientId"], password="Password-of-tests-1") == "10004"
    assert anybody.log_in(made["clientId"], made["clientSecret"])("account_me")["appId"] == made["appId"]


def test_those_of_other_departments_are_not_there(api, made):
    other = api.within(api("department_create", depName="别处", parentId=1)["depId"])
    assert other("app_list")["apps"] == other("api_group_list")["apiGroups"] == []
    app, group = {"appId": made["appId"]}, {"apiGroupId": made["apiGroupId"]}
    for operation, params in (
        ("app_query", app), ("app_update", app), ("app_delete", app), ("app_enable", app), ("app_disable", app), ("app_rotate_secret", app),
        ("session_list", app), ("session_revoke", app), ("app_create", {"appName": "x", "apiGroupIds": [made["apiGroupId"]]}),
        ("app_create", {"appName": "x", "depId": made["depId"]}), ("api_group_query", group), ("api_group_update", group), ("api_group_delete", group),
    ):  # fmt: skip
        assert other.code(operation, **params) == "10501", operation


def test_the_last_login_is_told_and_is_no_change(api, hub, made, program):
    shown = api("app_query", appId=made["appId"])
    assert shown["lastUsedTime"]
    with hub.db.read() as session:
        row = session.get_one(Application, made["appId"])
        assert row.updated_at < row.last_used_at


def test_an_application_of_a_deleted_department_is_shut_out_until_it_is_moved(api, program, made):
    api("department_delete", depId=made["depId"])
    assert program.code("robot_list") == "10001"
    assert api.code("app_enable", appId=made["appId"]) == "10504"
    api("app_update", appId=made["appId"], depId=1)
    api("app_enable", appId=made["appId"])
