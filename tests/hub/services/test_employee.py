"""Users: their accounts, passwords, locks and departments."""
from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from config.settings import Settings
from hub import rights
from hub.call import Caller
from hub.core import Hub
from hub.database import now
from hub.dispatch import Dispatcher
from hub.models import AccessToken, Employee, EmployeeRole
from tests.hub.conftest import ADMIN_PASSWORD, Api
from tests.hub.services.making import PASSWORD, department, employee, is_alive, sign_in, token_of

NEW = "Another-of-tests-2"


def test_an_update_changes_what_was_sent_and_nothing_else(api: Api) -> None:
    user = employee(api, username="zhang")
    before = api("employee_query", employeeId=user)
    api("employee_update", employeeId=user, email="z@example.com")
    after = api("employee_query", employeeId=user)
    assert after == {**before, "email": "z@example.com", "updateTime": after["updateTime"]}
    api("employee_update", employeeId=user, email="", employeeName="张三", mobile="1")
    after = api("employee_query", employeeId=user)
    assert (after["email"], after["employeeName"], after["mobile"], after["username"]) == ("", "张三", "1", "zhang")


@pytest.mark.parametrize("field", ["employeeName", "username", "password"])
def test_what_a_user_must_have_cannot_be_taken_away(api: Api, field: str) -> None:
    assert api.code("employee_update", employeeId=employee(api), **{field: ""}) == "10005"


def test_user_names_are_unique_everywhere_until_their_user_is_deleted(api: Api) -> None:
    first, second = employee(api, department(api), "li"), employee(api, department(api), "wang")
    assert api.code("employee_update", employeeId=second, username="li") == "10502"
    api("employee_update", employeeId=second, username="wang")
    api("employee_delete", employeeId=first)
    api("employee_update", employeeId=second, username="li")
    assert sign_in(api, "li") == "00000"


def test_a_new_password_ends_the_tokens_of_the_old_one(api: Api) -> None:
    user = employee(api, username="zhao")
    token = token_of(api, "zhao")
    api("employee_update", employeeId=user, mobile="1")
    assert is_alive(api, token)
    api("employee_update", employeeId=user, password=NEW)
    assert not is_alive(api, token)
    assert (sign_in(api, "zhao"), sign_in(api, "zhao", NEW)) == ("10004", "00000")


WEAK = [("short7A", 8, 2), ("alllowercase", 8, 2), ("lower123", 8, 3), ("Lower123", 12, 2), ("Lower123", 8, 4)]


@pytest.mark.parametrize(("password", "length", "kinds"), WEAK)
def test_one_rule_for_passwords_holds_wherever_one_is_set(
    new_settings: Callable[..., Settings], password: str, length: int, kinds: int
) -> None:
    hub = Hub(new_settings(password_length=length, password_kinds=kinds))
    api = Api(Dispatcher(hub), Caller("admin", "/", 1, 1, frozenset({"*"})))
    strong = "Strong-of-tests-1"
    user = api("employee_create", employeeName="u", username="u", password=strong, depId=1)["employeeId"]
    for operation, params in (
        ("employee_create", {"employeeName": "v", "username": "v", "password": password, "depId": 1}),
        ("employee_update", {"employeeId": user, "password": password}),
        ("employee_reset_password", {"employeeId": user, "password": password}),
        ("employee_change_password", {"username": "u", "oldPassword": strong, "newPassword": password}),
    ):
        assert api.code(operation, **params) == "10007", operation
    assert sign_in(api, "u", strong) == "00000"
    hub.calls.close()
    hub.db.dispose()


def test_chinese_characters_and_signs_are_a_kind_of_their_own(api: Api) -> None:
    assert api.code("employee_create", employeeName="u", username="u", password="密码密码密码密码a", depId=1) == "00000"
    assert api.code("employee_create", employeeName="v", username="v", password="密码密码密码密码", depId=1) == "10007"


def test_a_deleted_user_is_gone_but_remembered(api: Api, hub: Hub) -> None:
    user = employee(api, username="qian")
    token = token_of(api, "qian")
    api("employee_delete", employeeId=user)
    assert not is_alive(api, token)
    assert sign_in(api, "qian") == "10003"
    assert api("employee_query", employeeId=user)["isDeleted"] is True
    assert user not in [row["employeeId"] for row in api("employee_list")["users"]]
    assert user in [row["employeeId"] for row in api("employee_list", includeDeleted=True)["users"]]
    assert api.code("employee_update", employeeId=user, mobile="1") == api.code("employee_delete", employeeId=user) == "10501"
    with hub.db.read() as session:
        for model in (EmployeeRole, AccessToken):
            assert session.scalar(select(func.count()).select_from(model).where(model.employee_id == user)) == 0


def test_nobody_deletes_or_locks_the_own_account(api: Api) -> None:
    assert api.code("employee_delete", employeeId=1) == "10503"
    assert api.code("employee_lock", employeeId=1) == "10503"
    assert sign_in(api, "admin", ADMIN_PASSWORD) == "00000"


def test_a_lock_holds_until_it_is_taken_off(api: Api) -> None:
    user = employee(api, username="sun")
    token = token_of(api, "sun")
    api("employee_lock", employeeId=user)
    assert not is_alive(api, token)
    assert sign_in(api, "sun") == "30006"
    assert api("employee_query", employeeId=user)["userStatus"] == 1
    api("employee_unlock", employeeId=user)
    assert sign_in(api, "sun") == "00000"
    assert api("employee_query", employeeId=user)["userStatus"] == 0


def test_unlocking_ends_a_lock_by_failed_logins(api: Api) -> None:
    user = employee(api, username="zhou")
    assert [sign_in(api, "zhou", "wrong") for _ in range(6)] == ["10004"] * 5 + ["30006"]
    api("employee_unlock", employeeId=user)
    assert sign_in(api, "zhou", "wrong") == "10004"
    assert sign_in(api, "zhou") == "00000"


def test_a_user_of_a_deleted_department_is_moved_before_being_unlocked(api: Api) -> None:
    one = department(api)
    user = employee(api, one, "wu")
    api("department_delete", depId=one)
    assert api.code("employee_unlock", employeeId=user) == "10504"
    api("employee_move", employeeId=user, depId=1)
    api("employee_unlock", employeeId=user)
    assert sign_in(api, "wu") == "00000"


def test_a_reset_password_opens_the_account_and_the_old_one_does_not(api: Api) -> None:
    user = employee(api, username="zheng")
    token = token_of(api, "zheng")
    for _ in range(5):
        sign_in(api, "zheng", "wrong")
    api("employee_reset_password", employeeId=user, password=NEW)
    assert not is_alive(api, token)
    assert (sign_in(api, "zheng"), sign_in(api, "zheng", NEW)) == ("10004", "00000")


def test_an_expired_password_can_still_be_changed_by_who_knows_it(hub: Hub, new_settings: Callable[..., Settings]) -> None:
    other = Hub(new_settings(password_days=30))
    api = Api(Dispatcher(other), Caller("admin", "/", 1, 1, frozenset({"*"})))
    user = employee(api, username="wang")
    with other.db.write() as session:
        session.execute(update(Employee).where(Employee.id == user).values(created_at=now() - timedelta(days=31), password_changed_at=None))
    assert sign_in(api, "wang") == "30006"
    nobody = lambda **params: api.dispatcher.call(  # noqa: E731
        api.dispatcher.catalogue["employee_change_password"], {"username": "wang", **params}
    ).code.value
    assert nobody(oldPassword="wrong", newPassword=NEW) == "10004"
    assert nobody(oldPassword=PASSWORD, newPassword=PASSWORD) == "10007"
    assert nobody(oldPassword=PASSWORD, newPassword=NEW) == "00000"
    assert (sign_in(api, "wang"), sign_in(api, "wang", NEW)) == ("10004", "00000")
    other.calls.close()
    other.db.dispose()


def test_changing_the_own_password_ends_all_own_tokens_and_guesses_are_counted(api: Api) -> None:
    employee(api, username="feng")
    token = token_of(api, "feng")
    api("employee_change_password", username="feng", oldPassword=PASSWORD, newPassword=NEW)
    assert not is_alive(api, token)
    guesses = [api.code("employee_change_password", username="feng", oldPassword="guess", newPassword="Guess-1234") for _ in range(6)]
    assert guesses == ["10004"] * 5 + ["30006"]
    assert api.code("employee_change_password", username="nobody", oldPassword="x", newPassword=NEW) == "10003"


def test_a_move_changes_what_the_user_sees(api: Api) -> None:
    one, two = department(api), department(api)
    user = employee(api, one, "chen")
    api("employee_update", employeeId=user, depId=two)
    assert api("employee_query", employeeId=user)["depId"] == two
    token = token_of(api, "chen")
    answer = api.dispatcher.call(api.dispatcher.catalogue["department_list"], {}, token=token)
    assert [row["depId"] for row in answer.data["departments"]] == [two]


def test_moving_a_user_takes_the_permission_to_move(api: Api) -> None:
    one = department(api)
    below = department(api, one)
    user = employee(api, one)
    operator = rights.builtin_roles(api.dispatcher.catalogue)[rights.OPERATOR]
    helpdesk = api.within(one, "employee:update", *operator)
    assert helpdesk.code("employee_update", employeeId=user, mobile="1") == "00000"
    assert helpdesk.code("employee_update", employeeId=user, depId=below) == "30001"
    assert api.within(one).code("employee_update", employeeId=user, depId=below) == "00000"
    assert api.within(one).code("employee_move", employeeId=user, depId=1) == "10501"


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("employee_update", {"password": NEW}),
        ("employee_update", {"mobile": "1"}),
        ("employee_delete", {}),
        ("employee_lock", {}),
        ("employee_unlock", {}),
        ("employee_reset_password", {"password": NEW}),
    ],
)
def test_nobody_takes_over_an_account_that_may_do_more(api: Api, operation: str, params: dict[str, str]) -> None:
    user = employee(api, username="strong")
    weaker = Api(api.dispatcher, Caller("weaker", "/", 1, None, frozenset({"employee:*"})))
    assert weaker.code(operation, employeeId=user, **params) == "30001"
    assert api.code(operation, employeeId=user, **params) == "00000"


def test_passwords_are_nowhere_in_plain_text(api: Api, hub: Hub) -> None:
    first, second, third = "Quite-secret-111", "Quite-secret-222", "Quite-secret-333"
    user = api("employee_create", employeeName="u", username="u", password=first, depId=1)["employeeId"]
    api("employee_reset_password", employeeId=user, password=second)
    api("employee_change_password", username="u", oldPassword=second, newPassword=third)
    api.code("employee_change_password", username="u", oldPassword=first, newPassword=second)
    hub.calls.flush()
    hub.db.dispose()
    for path in hub.settings.data.rglob("*"):
        if path.is_file():
            assert b"Quite-secret" not in path.read_bytes(), path


def test_users_are_sorted_and_searched(api: Api) -> None:
    for name in ("b-user", "a-user", "c-user"):
        employee(api, username=name)
    names = lambda **params: [row["username"] for row in api("employee_list", **params)["users"]]  # noqa: E731
    assert names(sort="-username") == ["c-user", "b-user", "admin", "a-user"]
    assert names(keyword="B-US") == ["b-user"]
    assert names(sort="username", pageSize=2, pageNum=2) == ["b-user", "c-user"]
    assert api.code("employee_list", sort="password") == "10007"
