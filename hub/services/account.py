"""Getting a token (clause 6.2.1)."""
from __future__ import annotations

import hmac
from datetime import timedelta
from typing import Any, NoReturn

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from hub import auth, login_policy, second_factor
from hub.call import Call, Caller
from hub.database import now
from hub.login_policy import LoginPolicy
from hub.models import Application, Employee
from hub.security import hash_password, password_matches, token_digest
from hub.serving import serves
from hub.wire import open_password
from plugins import codes
from plugins.errors import Refused
from plugins.operations import account


@serves(account.account_authenticate)
def account_authenticate(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """A token for a user, or for an application by its client id and secret.

    Answers 10003 for an unknown and 10004 for a wrong password, as printed (erratum E13); 30006 for a locked user; 30003 for an address
    that may not sign in; 30004 for a user whose second factor is missing or wrong.
    """
    password = open_password(call, params["password"], "password")
    with call.hub.db.read() as session:
        policy = login_policy.in_force(call.hub.settings, session)
        application = application_named(session, params["username"])
        employee = employee_named(session, params["username"]) if application is None else None
    if application is not None:
        return _authenticate_application(call, application, password)
    auth.check_address(call.source.client_ip, policy.allow_ips, policy.deny_ips)
    if employee is None:
        refuse_unknown(call, password)
    return _authenticate_employee(call, policy, employee, password, params.get("verificationCode") or "")


def application_named(session: Session, client_id: str) -> Application | None:
    """The application with a client id. No user can stand in its place: names that look like client ids are looked for here first."""
    if not client_id.startswith(auth.CLIENT_ID):
        return None
    return session.scalar(select(Application).where(Application.client_id == client_id, Application.is_deleted.is_(False)))


def employee_named(session: Session, username: str) -> Employee | None:
    """The user with a name."""
    return session.scalar(select(Employee).where(Employee.username == username, Employee.is_deleted.is_(False)))


def refuse_unknown(call: Call, password: str) -> NoReturn:
    """Raise Refused for a user who is not there: 10003, or 10004 where the login policy hides that. The audit log tells the cause."""
    hash_password(password)  # as long as the check of a known user's password, so that the time tells nothing
    call.audit["cause"] = "unknown user"
    hidden = login_policy.of(call.hub).hide_unknown_users
    raise Refused(code=codes.PASSWORD_WRONG if hidden else codes.USER_UNKNOWN)


def check_password(call: Call, employee: Employee, password: str) -> None:
    """Raises Refused: 30006 for a locked user, 10004 for a wrong password, which is counted. Ask it before the session is opened."""
    if is_locked(employee):
        raise Refused(code=codes.ACCOUNT_LOCKED)
    if not password_matches(employee.password_hash, password):
        _count_failure(call, employee)
        raise Refused(code=codes.PASSWORD_WRONG)


def refuse_expired_password(policy: LoginPolicy, employee: Employee) -> None:
    """Raise Refused (30006) for a user whose password has to be changed."""
    days = policy.password_days
    if days and now() - (employee.password_changed_at or employee.created_at) > timedelta(days=days):
        raise Refused("密码已过期，请修改密码", code=codes.ACCOUNT_LOCKED)


def _authenticate_employee(call: Call, policy: LoginPolicy, employee: Employee, password: str, code: str) -> dict[str, Any]:
    check_password(call, employee, password)
    refuse_expired_password(policy, employee)
    check_second_factor(call, employee, code)
    row = call.session.get_one(Employee, employee.id, with_for_update=True)
    if is_locked(row) or row.is_deleted or row.password_hash != employee.password_hash:
        raise Refused(code=codes.ACCOUNT_LOCKED)  # while the password was being checked, which takes long
    if row.failed_logins or row.locked_until:
        forgiven = {"failed_logins": 0, "locked_until": None, "updated_at": Employee.updated_at}
        call.session.execute(update(Employee).where(Employee.id == row.id).values(forgiven))
    call.caller = Caller(row.username, department_id=row.department_id, employee_id=row.id)
    token, expires_at = auth.issue_token(call.hub, call.session, employee_id=row.id, client_ip=call.source.client_ip)
    return {"token": token, "expirationTime": expires_at}


def check_second_factor(call: Call, employee: Employee, code: str) -> None:
    """Raise Refused (30004) unless the user has no second factor or the code is right; a wrong one counts like a wrong password."""
    with call.hub.db.read() as session:
        if not second_factor.is_active(session, employee.id):
            return
    if not code:
        raise Refused("请提供 verificationCode", code=codes.SECOND_FACTOR)
    with call.hub.db.write() as session:
        accepted = second_factor.accept(call.hub, session, employee.id, code)
    if not accepted:
        _count_failure(call, employee)
        raise Refused("动态验证码不正确或已使用", code=codes.SECOND_FACTOR)


def _authenticate_application(call: Call, application: Application, secret: str) -> dict[str, Any]:
    if not hmac.compare_digest(application.secret_hash, token_digest(secret)):
        raise Refused(code=codes.PASSWORD_WRONG)
    if not application.is_enabled:
        raise Refused(code=codes.ACCOUNT_LOCKED)
    auth.check_address(call.source.client_ip, application.allow_ips, application.deny_ips)
    row = call.session.get_one(Application, application.id, with_for_update=True)
    if row.secret_hash != application.secret_hash or row.is_deleted or not row.is_enabled:
        raise Refused(code=codes.ACCOUNT_LOCKED)
    used = {"last_used_at": now(), "updated_at": Application.updated_at}
    call.session.execute(update(Application).where(Application.id == row.id).values(used))
    call.caller = Caller(row.client_id, department_id=row.department_id, application_id=row.id)
    token, expires_at = auth.issue_token(call.hub, call.session, application_id=row.id, client_ip=call.source.client_ip)
    return {"token": token, "expirationTime": expires_at}


def is_locked(employee: Employee) -> bool:
    """Whether a user is locked, by hand or for a while after failed logins (erratum E74)."""
    return employee.is_locked or (employee.locked_until is not None and employee.locked_until > now())


def _count_failure(call: Call, employee: Employee) -> None:
    """Count a failed login, in a transaction of its own: the call itself fails. The last one allowed locks the user for a while.

    Tokens that the user has stay: whoever can guess wrongly must not be able to break off the work of others.
    """
    with call.hub.db.write() as session:
        policy = login_policy.in_force(call.hub.settings, session)
        row = session.get_one(Employee, employee.id, with_for_update=True)
        if is_locked(row):
            return
        counted: dict[str, Any] = {"failed_logins": row.failed_logins + 1, "updated_at": Employee.updated_at}
        if policy.login_failures and row.failed_logins + 1 >= policy.login_failures:
            counted |= {"failed_logins": 0, "locked_until": now() + timedelta(seconds=policy.login_lock)}
        session.execute(update(Employee).where(Employee.id == row.id).values(counted))
