"""Getting a token (clause 6.2.1)."""
from __future__ import annotations

import hmac
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from hub import auth
from hub.call import Call
from hub.database import now
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

    Answers 10003 for an unknown and 10004 for a wrong password, as printed (erratum E13); 30006 for a locked user.
    """
    password = open_password(call, params["password"], "password")
    with call.hub.db.read() as session:
        employee = employee_named(session, params["username"])
        application = None
        if employee is None:
            found = select(Application).where(Application.client_id == params["username"], Application.is_deleted.is_(False))
            application = session.scalar(found)
    if application is not None:
        return _authenticate_application(call, application, password)
    if employee is None:
        hash_password(password)  # as long as the check of a known user's password, so that the time tells nothing
        raise Refused(code=codes.USER_UNKNOWN)
    return _authenticate_employee(call, employee, password)


def employee_named(session: Session, username: str) -> Employee | None:
    """The user with a name."""
    return session.scalar(select(Employee).where(Employee.username == username, Employee.is_deleted.is_(False)))


def check_password(call: Call, employee: Employee, password: str) -> None:
    """Raises Refused: 30006 for a locked user, 10004 for a wrong password, which is counted. Ask it before the session is opened."""
    if is_locked(employee):
        raise Refused(code=codes.ACCOUNT_LOCKED)
    if not password_matches(employee.password_hash, password):
        _count_failure(call, employee)
        raise Refused(code=codes.PASSWORD_WRONG)


def _authenticate_employee(call: Call, employee: Employee, password: str) -> dict[str, Any]:
    check_password(call, employee, password)
    days = call.hub.settings.password_days
    if days and now() - (employee.password_changed_at or employee.created_at) > timedelta(days=days):
        raise Refused("密码已过期，请修改密码", code=codes.ACCOUNT_LOCKED)
    if employee.failed_logins or employee.locked_until:
        call.session.execute(
            update(Employee).where(Employee.id == employee.id).values(failed_logins=0, locked_until=None, updated_at=Employee.updated_at)
        )
    token, expires_at = auth.issue_token(call.hub, call.session, employee_id=employee.id, client_ip=call.source.client_ip)
    return {"token": token, "expirationTime": expires_at}


def _authenticate_application(call: Call, application: Application, secret: str) -> dict[str, Any]:
    if not hmac.compare_digest(application.secret_hash, token_digest(secret)):
        raise Refused(code=codes.PASSWORD_WRONG)
    if not application.is_enabled:
        raise Refused(code=codes.ACCOUNT_LOCKED)
    auth.check_address(call.source.client_ip, application.allow_ips, application.deny_ips)
    token, expires_at = auth.issue_token(call.hub, call.session, application_id=application.id, client_ip=call.source.client_ip)
    return {"token": token, "expirationTime": expires_at}


def is_locked(employee: Employee) -> bool:
    """Whether a user is locked, by hand or for a while after failed logins (erratum E74)."""
    return employee.is_locked or (employee.locked_until is not None and employee.locked_until > now())


def _count_failure(call: Call, employee: Employee) -> None:
    """Count a failed login, in a transaction of its own: the call itself fails. The last one allowed locks the user for a while."""
    settings = call.hub.settings
    with call.hub.db.write() as session:
        row = session.get_one(Employee, employee.id, with_for_update=True)
        row.failed_logins += 1
        if settings.login_failures and row.failed_logins >= settings.login_failures:
            row.failed_logins = 0
            row.locked_until = now() + timedelta(seconds=settings.login_lock)
