"""Calls that are repeated with one idempotency key: one object, one answer, whatever meets whatever."""
from __future__ import annotations

import base64
import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from hub.database import now
from hub.models import Department, KeptAnswer
from hub.scheduler import purge
from tests.hub.conftest import ADMIN_PASSWORD, Api, Signed
from tests.hub.services.conftest import prepared_postgresql, settings  # noqa: F401  (both databases)

PASSWORD = "Password-of-tests-1"


@pytest.fixture
def admin(anybody: Signed) -> Signed:
    """The administrator with an idempotency key."""
    return replace(anybody.log_in("admin", ADMIN_PASSWORD), key="key-1")


def departments(hub) -> int:
    with hub.db.read() as session:
        return session.scalar(select(func.count()).select_from(Department)) or 0


def test_the_same_call_again_gets_the_first_answer_and_makes_nothing(hub, admin):
    before = departments(hub)
    first = admin("department_create", depName="a", parentId=1)
    assert admin("department_create", depName="a", parentId=1) == first
    assert admin("department_create", parentId=1, depName="a") == first
    assert departments(hub) == before + 1


def test_without_a_key_the_call_is_made_again(admin):
    admin("department_create", depName="a", parentId=1)
    assert replace(admin, key="").code("department_create", depName="a", parentId=1) == "10502"


def test_another_request_with_the_key_is_refused(hub, admin):
    admin("department_create", depName="a", parentId=1)
    before = departments(hub)
    assert admin.code("department_create", depName="b", parentId=1) == "10602"
    assert departments(hub) == before


def test_operations_and_callers_do_not_share_keys(api, anybody, admin):
    child = api("department_create", depName="分部", parentId=1)["depId"]
    (administrator,) = [each["roleId"] for each in api("role_list")["roles"] if each["roleName"] == "系统管理员"]
    for name, home in (("b", 1), ("c", child)):
        api("employee_create", employeeName=name, username=name, password=PASSWORD, depId=home, roleIds=[administrator])
    mine = admin("department_create", depName="a", parentId=child)
    for name in ("b", "c"):
        assert replace(anybody.log_in(name, PASSWORD), key="key-1").code("department_create", depName="a", parentId=child) == "10502"
    assert admin("department_create", depName="a", parentId=child) == mine
    assert admin("robot_group_create", depId=1, robotGroupName="g")["robotGroupId"]


def test_a_user_does_not_get_the_answers_of_a_former_one_of_the_same_name(api, anybody):
    (administrator,) = [each["roleId"] for each in api("role_list")["roles"] if each["roleName"] == "系统管理员"]
    new = {"employeeName": "u", "username": "u", "password": PASSWORD, "depId": 1, "roleIds": [administrator]}
    api("employee_create", **new)
    created = replace(anybody.log_in("u", PASSWORD), key="k")("app_create", appName="x")
    api("employee_delete", employeeId=api("employee_list", keyword="u")["users"][-1]["employeeId"])
    api("employee_create", **new)
    again = replace(anybody.log_in("u", PASSWORD), key="k").answer("app_create", appName="x")
    assert again.code.value == "10502" and created["clientSecret"] not in str(again)


def test_failed_calls_are_not_kept(admin):
    assert admin.code("department_create", depName="a", parentId=10**6) == "10501"
    assert admin.code("department_create", depName="a") == "10006"
    first = admin("department_create", depName="a", parentId=1)
    assert admin("department_create", depName="a", parentId=1) == first


def test_reading_needs_no_key_and_logins_keep_none(hub, anybody, admin):
    admin("department_list")
    one, two = (replace(anybody, key="k").log_in("admin", ADMIN_PASSWORD) for _ in range(2))
    assert one.token != two.token
    with hub.db.read() as session:
        assert session.scalar(select(func.count()).select_from(KeptAnswer)) == 0


def test_two_calls_with_one_key_at_once_make_one_object_and_get_one_answer(hub, admin):
    before = departments(hub)
    for round_ in range(4):
        start, answers = threading.Barrier(4), []

        def call(key: str) -> None:
            start.wait(10)
            answers.append(replace(admin, key=key).answer("department_create", depName=key, parentId=1))

        threads = [threading.Thread(target=call, args=(f"round {round_}",)) for _ in range(4)]
        for each in threads:
            each.start()
        for each in threads:
            each.join(30)
        assert [each.code.value for each in answers] == ["00000"] * 4, [each.message for each in answers]
        assert len({each.data["depId"] for each in answers}) == 1
    assert departments(hub) == before + 4


def test_at_once_means_also_while_the_first_is_not_done(hub, admin, monkeypatch):
    """What has no unique name would be made twice if the keys were looked at only before the work."""
    group = {"depId": 1, "robotGroupName": "g"}
    from hub.services import robot_group

    taken = robot_group.refuse_taken
    monkeypatch.setattr(robot_group, "refuse_taken", lambda *_, **__: time.sleep(0.3))
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(admin.answer("robot_group_create", **group))) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(30)
    monkeypatch.setattr(robot_group, "refuse_taken", taken)
    assert [each.code.value for each in answers] == ["00000", "00000"], [each.message for each in answers]
    assert answers[0].data == answers[1].data
    assert [each["robotGroupName"] for each in admin("robot_group_list")["robotGroups"]].count("g") == 1


def test_at_once_with_another_request_is_refused(admin):
    start, answers = threading.Barrier(2), []

    def call(name: str) -> None:
        start.wait(10)
        answers.append(admin.answer("department_create", depName=name, parentId=1))

    threads = [threading.Thread(target=call, args=(name,)) for name in ("a", "b")]
    for each in threads:
        each.start()
    for each in threads:
        each.join(30)
    assert sorted(each.code.value for each in answers) == ["00000", "10602"]


def test_a_key_is_free_again_after_a_day(hub, admin):
    admin("department_create", depName="a", parentId=1)
    with hub.db.write() as session:
        session.execute(update(KeptAnswer).values(created_at=now() - timedelta(hours=25)))
    assert admin("department_create", depName="b", parentId=1)["depId"]
    assert admin.code("department_create", depName="a", parentId=1) == "10602"
    with hub.db.write() as session:
        session.execute(update(KeptAnswer).values(created_at=now() - timedelta(hours=25)))
    purge(hub)
    with hub.db.read() as session:
        assert session.scalar(select(func.count()).select_from(KeptAnswer)) == 0


def test_files_belong_to_the_request(admin):
    new = {"depId": 1, "folderPath": "/", "fileName": "a.txt"}
    first = admin("file_create", **new, file=base64.b64encode(b"one").decode())
    assert admin("file_create", **new, file=base64.b64encode(b"one").decode()) == first
    assert admin.code("file_create", **new, file=base64.b64encode(b"two").decode()) == "10602"


def test_kept_answers_hold_no_secret_in_plain(hub, admin):
    secret = admin("app_create", appName="x")["clientSecret"]
    assert admin("app_create", appName="x")["clientSecret"] == secret
    with hub.db.read() as session:
        (row,) = session.scalars(select(KeptAnswer))
    assert secret not in row.sealed_answer and "clientSecret" not in row.sealed_answer


def test_rights_are_asked_again_before_a_kept_answer_is_given(api: Api, anybody):
    role_id = api("role_create", roleName="r", permissions=["department:create"])["roleId"]
    api("employee_create", employeeName="u", username="u", password=PASSWORD, depId=1, roleIds=[role_id])
    user = replace(anybody.log_in("u", PASSWORD), key="k")
    user("department_create", depName="a", parentId=1)
    api("role_update", roleId=role_id, permissions=["department:list"])
    assert user.code("department_create", depName="a", parentId=1) == "30001"


@pytest.mark.parametrize("key", ["x" * 5000, "键", "a\tb", "0"])
def test_any_text_is_a_key_and_long_ones_count_in_full(admin, key):
    first = replace(admin, key=key)("department_create", depName="a", parentId=1)
    assert replace(admin, key=key)("department_create", depName="a", parentId=1) == first
    assert replace(admin, key=key + "x").code("department_create", depName="a", parentId=1) == "10502"
