"""Getting a token (clause 6.2.1)."""
from __future__ import annotations

from typing import Any

from sqlalchemy import select

from hub import auth
from hub.call import Call
from hub.models import Employee
from hub.security import hash_password, password_matches
from hub.serving import serves
from plugins import codes
from plugins.errors import Refused
from plugins.operations import account


@serves(account.account_authenticate)
def account_authenticate(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Answers 10003 for an unknown and 10004 for a wrong password, as printed (erratum E13)."""
    password = wire_password(call, params["password"])
    with call.hub.db.read() as session:
        employee = session.scalar(select(Employee).where(Employee.username == params["username"], Employee.is_deleted.is_(False)))
    if employee is None:
        hash_password(password)  # as long as the check of a known user's password, so that the time tells nothing
        raise Refused(code=codes.USER_UNKNOWN)
    if not password_matches(employee.password_hash, password):
        raise Refused(code=codes.PASSWORD_WRONG)
    if employee.is_locked:
        raise Refused(code=codes.ACCOUNT_LOCKED)
    token, expires_at, row = auth.issue_token(call.hub, employee.id)
    call.session.add(row)
    return {"token": token, "expirationTime": expires_at}


def wire_password(call: Call, sent: str) -> str:
    """The password that a request carries. Plain text is taken only where the settings allow it."""
    if not call.hub.settings.allow_plain_passwords:
        raise Refused("不接受明文密码，应使用密文", code=codes.PARAMETER_TYPE)
    return sent
