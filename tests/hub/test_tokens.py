"""Signing in: sessions, lockout, the rules that can be set, second factors, and what ends a token."""
from __future__ import annotations

import base64
import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from hub import second_factor
from hub.call import Source
from hub.database import now
from hub.models import AccessToken, AuditEntry, Employee
from hub.reseal import reseal
from tests.hub.conftest import ADMIN_PASSWORD, Api, Signed

PASSWORD = "Password-of-tests-1"


@pytest.fixture
def user_id(api: Api) -> int:
    """A user named u, an operator."""
    return api("employee_create", employeeName="u", username="u", password=PASSWORD, depId=1)["employeeId"]


@pytest.fixture
def user(anybody: Signed, user_id: int) -> Signed:
    """That user, signed in."""
    return anybody.log_in("u", PASSWORD)


def login(client: Signed, password: str = PASSWORD, **params: str) -> str:
    return client.code("account_authenticate", username="u", password=password, **params)


def change(hub, employee_id: int, **values):
    with hub.db.write() as session:
        session.execute(update(Employee).where(Employee.id == employee_id).values(**values))


def test_every_login_gets_a_token_of_its_own(anybody, user_id):
    clients = [anybody.log_in("u", PASSWORD) for _ in range(5)]
    assert len({each.token for each in clients}) == 5
    assert all(len(each.token) >= 43 and each("account_me")["username"] == "u" for each in clients)


def test_a_refreshed_token_replaces_the_old_one(user):
    fresh = replace(user, token=user("token_refresh")["token"])
    assert (user.code("account_me"), fresh.code("account_me")) == ("10001", "00000")
    assert fresh("account_me")["employeeName"] == "u"


def test_signing_out_ends_this_token_only(anybody, user):
    other = anybody.log_in("u", PASSWORD)
    user("token_revoke")
    assert (user.code("account_me"), other.code("account_me")) == ("10001", "00000")


def test_sessions_are_listed_and_ended_by_their_user(anybody, user):
    other = replace(anybody, ip="10.9.9.9").log_in("u", PASSWORD)
    rows = user("token_list")["sessions"]
    assert [(each["clientIp"], each["isCurrent"]) for each in rows] == [("10.9.9.9", False), ("10.1.1.1", True)]
    user("token_revoke", sessionId=rows[0]["sessionId"])
    assert (user.code("account_me"), other.code("account_me")) == ("00000", "10001")
    assert user.code("token_revoke", sessionId=rows[0]["sessionId"]) == "10501"
    assert user.code("token_revoke", sessionId="%" * 32) == "10007"


def test_nobody_ends_the_sessions_of_another_as_an_own_one(api, anybody, user):
    admin = anybody.log_in("admin", ADMIN_PASSWORD)
    (row,) = admin("token_list")["sessions"]
    assert user.code("token_revoke", sessionId=row["sessionId"]) == "10501"
    assert user.code("session_list", employeeId=1) == "30001"
    assert admin.code("account_me") == "00000"


def test_sessions_are_looked_after_by_administrators(api, anybody, user, user_id):
    other = anybody.log_in("u", PASSWORD)
    rows = api("session_list", employeeId=user_id)["sessions"]
    assert len(rows) == 2 and not any(each["isCurrent"] for each in rows)
    api("session_revoke", employeeId=user_id, sessionId=rows[0]["sessionId"])
    assert (user.code("account_me"), other.code("account_me")) == ("00000", "10001")
    api("session_revoke", employeeId=user_id)
    assert user.code("account_me") == "10001"
    assert api("session_list", employeeId=user_id)["sessions"] == []
    assert api.code("session_list") == api.code("session_list", employeeId=user_id, appId=1) == "10006"
    elsewhere = api.within(api("department_create", depName="别处", parentId=1)["depId"])
    assert elsewhere.code("session_list", employeeId=user_id) == elsewhere.code("session_revoke", employeeId=user_id) == "10501"


@pytest.mark.parametrize(
    ("operation", "params"),
    [("employee_lock", {}), ("employee_delete", {}), ("employee_reset_password", {"password": "New-password-1"}),
     ("employee_update", {"password": "New-password-1"}), ("session_revoke", {})],
)  # fmt: skip
def test_tokens_end_at_once_when_the_account_changes(api, user, user_id, operation, params):
    api(operation, employeeId=user_id, **params)
    assert user.code("account_me") == "10001"


def test_a_new_name_or_mail_ends_no_token(api, user, user_id):
    api("employee_update", employeeId=user_id, employeeName="新名", email="a@b.cn")
    assert user("account_me")["employeeName"] == "新名"


def test_an_unlocked_user_signs_in_again_with_a_new_token_only(api, anybody, user, user_id):
    api("employee_lock", employeeId=user_id)
    assert login(anybody) == "30006"
    api("employee_unlock", employeeId=user_id)
    assert user.code("account_me") == "10001"
    assert login(anybody) == "00000"


def test_failed_logins_lock_for_a_while_and_the_lock_ends_by_itself(api, hub, anybody, user, user_id):
    for _ in range(4):
        assert login(anybody, "wrong") == "10004"
    assert api("employee_query", employeeId=user_id)["userStatus"] == 0
    assert login(anybody, "wrong") == "10004"
    assert (login(anybody), login(anybody, "wrong")) == ("30006", "30006")
    assert api("employee_query", employeeId=user_id)["userStatus"] == 1
    assert user.code("account_me") == "00000", "who guesses wrongly must not break off the work of others"
    with hub.db.read() as session:
        until = session.get_one(Employee, user_id).locked_until
    assert timedelta(seconds=890) < until - now() <= timedelta(seconds=900)
    change(hub, user_id, locked_until=now() - timedelta(seconds=1))
    assert api("employee_query", employeeId=user_id)["userStatus"] == 0
    for _ in range(4):
        assert login(anybody, "wrong") == "10004"
    assert login(anybody) == "00000"


def test_a_good_login_forgets_the_failed_ones(anybody, user_id):
    for _ in range(3):
        for _ in range(4):
            assert login(anybody, "wrong") == "10004"
        assert login(anybody) == "00000"


def test_many_wrong_passwords_at_once_lock_all_the_same(hub, anybody, user_id):
    codes: list[str] = []
    threads = [threading.Thread(target=lambda: codes.append(login(anybody, "wrong"))) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert set(codes) <= {"10004", "30006"}
    assert login(anybody) == "30006"


def test_zero_failures_never_lock(api, anybody, user_id):
    api("login_settings_update", loginFailures=0)
    for _ in range(8):
        assert login(anybody, "wrong") == "10004"
    assert login(anybody) == "00000"


def test_who_is_locked_while_the_password_is_checked_gets_no_token(hub, anybody, user_id, monkeypatch):
    from hub.services import account

    def slow(password_hash: str, password: str) -> bool:
        change(hub, user_id, is_locked=True)
        return True

    monkeypatch.setattr(account, "password_matches", slow)
    assert login(anybody) == "30006"
    with hub.db.read() as session:
        assert session.scalar(select(AccessToken).where(AccessToken.employee_id == user_id)) is None


def test_a_single_session_ends_the_older_ones(api, anybody, user):
    api("login_settings_update", singleSession=True)
    assert user.code("account_me") == "00000"
    newer = anybody.log_in("u", PASSWORD)
    assert (user.code("account_me"), newer.code("account_me")) == ("10001", "00000")
    assert anybody.log_in("admin", ADMIN_PASSWORD).code("account_me") == "00000"
    assert newer.code("account_me") == "00000"


def test_the_timeout_of_logins_can_be_set_and_set_back(api, hub, anybody, user_id):
    before = api("login_settings_query")
    api("login_settings_update", tokenLifetime=120, passwordLength=12)
    anybody.log_in("u", PASSWORD)
    with hub.db.read() as session:
        row = session.scalars(select(AccessToken).where(AccessToken.employee_id == user_id)).one()
    assert timedelta(seconds=110) < row.expires_at - now() <= timedelta(seconds=120)
    assert api("login_settings_query") == {**before, "tokenLifetime": 120, "passwordLength": 12}
    api("login_settings_update", isReset=True, passwordKinds=3)
    assert api("login_settings_query") == {**before, "passwordKinds": 3}


def test_the_rules_for_passwords_can_be_set(api, user_id):
    api("login_settings_update", passwordLength=12, passwordKinds=3)
    for weak in ("Short-1", "longenoughbutplain", "longenough-plain"):
        assert api.code("employee_reset_password", employeeId=user_id, password=weak) == "10007"
    api("employee_reset_password", employeeId=user_id, password="Long-enough-1")


def test_an_expired_password_has_to_be_changed(api, hub, anybody, user, user_id):
    api("login_settings_update", passwordDays=30)
    assert login(anybody) == "00000"
    change(hub, user_id, password_changed_at=now() - timedelta(days=31))
    assert login(anybody) == "30006"
    assert user.code("token_refresh") == "30006"
    anybody("employee_change_password", username="u", oldPassword=PASSWORD, newPassword="New-password-1")
    assert login(anybody, "New-password-1") == "00000"


def test_users_sign_in_from_allowed_addresses_only(api, anybody, user_id):
    api("login_settings_update", allowIps=["127.0.0.1", "10.1.0.0/16"], denyIps=["10.1.2.3/32"])
    codes = {ip: login(replace(anybody, ip=ip)) for ip in ("10.1.1.1", "10.1.2.3", "10.2.0.1", "::ffff:10.1.2.3")}
    assert codes == {"10.1.1.1": "00000", "10.1.2.3": "30003", "10.2.0.1": "30003", "::ffff:10.1.2.3": "30003"}
    assert login(replace(anybody, ip="10.2.0.1"), "wrong") == "30003", "an address that is refused learns nothing about passwords"


def test_nobody_shuts_out_the_own_address(api):
    assert api.code("login_settings_update", denyIps=["127.0.0.0/8"]) == "10504"
    assert api.code("login_settings_update", allowIps=["10.0.0.0/8"]) == "10504"
    assert api.code("login_settings_update", allowIps=["10.0.0.0/99"]) == "10007"
    assert api("login_settings_query")["allowIps"] == []


def test_the_rules_are_set_by_who_sees_the_whole_platform(api):
    part = api.within(api("department_create", depName="分部", parentId=1)["depId"])
    assert part.code("login_settings_update", passwordDays=1) == "30002"
    assert part.code("login_settings_query") == "00000"


def test_unknown_users_can_be_hidden_while_the_audit_log_knows(api, hub, anybody, user_id):
    unknown = {"username": "nobody", "password": "x"}
    assert anybody.code("account_authenticate", **unknown) == "10003"
    api("login_settings_update", hideUnknownUsers=True)
    assert anybody.code("account_authenticate", **unknown) == login(anybody, "wrong") == "10004"
    hub.calls.flush()
    with hub.db.read() as session:
        rows = session.scalars(select(AuditEntry).where(AuditEntry.operation == "account_authenticate").order_by(AuditEntry.id)).all()
    assert [(row.subject["username"], row.subject.get("cause"), row.result_code) for row in rows] == [
        ("nobody", "unknown user", "10003"), ("nobody", "unknown user", "10004"), ("u", None, "10004"),
    ]  # fmt: skip


def test_an_unknown_user_takes_as_long_as_a_known_one(anybody, user_id):
    def seconds(username: str) -> float:
        times = []
        for _ in range(4):
            began = time.perf_counter()
            anybody.code("account_authenticate", username=username, password="wrong")
            times.append(time.perf_counter() - began)
        return min(times)

    known, unknown = seconds("u"), seconds("nobody")
    assert 0.4 < known / unknown < 2.5


def test_a_login_stands_in_the_audit_log_under_its_user(hub, user):
    with hub.db.read() as session:
        row = session.scalars(select(AuditEntry).where(AuditEntry.operation == "account_authenticate")).one()
    assert (row.actor, row.department_id, row.client_ip, row.result_code) == ("u", 1, "10.1.1.1", "00000")
    assert user.token not in str(row.subject) and PASSWORD not in str(row.subject)


def codes_of(secret: str, *steps: int) -> list[str]:
    """Codes of an authenticator that many steps (30 s each) from now."""
    present = int(time.time()) // second_factor.STEP
    return [second_factor.code_at(base64.b32decode(secret), present + each) for each in steps]


def test_codes_are_those_of_the_published_test_vectors():
    # RFC 6238, appendix B, SHA-1: eight digits there, of which an authenticator with six shows the last.
    secret = b"12345678901234567890"
    vectors = {59: "94287082", 1111111109: "07081804", 1234567890: "89005924", 20000000000: "65353130"}
    assert {at: second_factor.code_at(secret, at // 30) for at in vectors} == {at: code[-6:] for at, code in vectors.items()}


@pytest.fixture
def secret(user: Signed) -> str:
    """The secret of the user's second factor, which is active."""
    made = user("mfa_enrol")
    assert f"secret={made['secret']}" in made["address"] and made["address"].startswith("otpauth://totp/")
    user("mfa_verify", verificationCode=codes_of(made["secret"], 0)[0])
    return made["secret"]


def test_a_second_factor_counts_from_its_first_code_on(anybody, user):
    user("mfa_enrol")
    assert login(anybody) == "00000"
    assert user.code("mfa_verify", verificationCode="000000") == "10007"
    assert login(anybody) == "00000"


def test_with_a_second_factor_a_password_is_not_enough(anybody, secret):
    assert login(anybody) == "30004"
    assert login(anybody, verificationCode="123") == login(anybody, verificationCode="000000") == "30004"
    (code,) = codes_of(secret, 1)
    assert login(anybody, "wrong", verificationCode=code) == "10004"
    assert login(anybody, verificationCode=code) == "00000"
    assert login(anybody, verificationCode=code) == "30004", "a code is taken once"


def test_codes_of_other_times_are_refused_and_wrong_ones_lock(anybody, secret):
    for code in codes_of(secret, -3, 3, -20, 20):
        assert login(anybody, verificationCode=code) == "30004"
    assert login(anybody, verificationCode="000000") == "30004"
    assert login(anybody, verificationCode=codes_of(secret, 1)[0]) == "30006"


def test_a_second_factor_is_removed_by_its_code_or_by_an_administrator(api, anybody, user, user_id, secret):
    assert user.code("mfa_enrol") == "10504"
    assert user.code("mfa_remove", verificationCode="000000") == "10007"
    user("mfa_remove", verificationCode=codes_of(secret, 1)[0])
    assert login(anybody) == "00000"
    assert api.code("mfa_reset", employeeId=user_id) == "10501"
    again = user("mfa_enrol")["secret"]
    user("mfa_verify", verificationCode=codes_of(again, 0)[0])
    assert login(anybody) == "30004"
    api("mfa_reset", employeeId=user_id)
    assert login(anybody) == "00000"


def test_the_secret_of_a_second_factor_is_sealed_and_sealed_anew(hub, anybody, user, secret):
    reseal(hub)
    assert login(anybody, verificationCode=codes_of(secret, 1)[0]) == "00000"
    hub.calls.flush()
    hub.db.dispose()
    for path in hub.settings.data.rglob("*"):
        if path.is_file():
            assert secret.encode() not in path.read_bytes(), path


def test_the_hub_itself_has_no_token_to_look_after(api):
    internal = Source(kind="internal")
    system = replace(api, caller=replace(api.caller, employee_id=None))
    for operation in ("token_refresh", "token_list", "token_revoke", "mfa_enrol"):
        assert system.answer(operation, internal).code.value == "30001", operation
