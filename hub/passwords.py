"""The rules for users' passwords (clause 5.7), and setting one: in one place for creating, changing and resetting them."""
from __future__ import annotations

from hub import auth, login_policy
from hub.call import Call
from hub.core import Hub
from hub.database import now
from hub.models import Employee
from hub.security import hash_password
from plugins.errors import InvalidInput


def hashed(hub: Hub, password: str) -> str:
    """The hash of a password that meets the rules in force. Raises InvalidInput for one that does not.

    Hashing takes long on purpose: call this before the session is opened.
    """
    policy = login_policy.of(hub)
    if len(password) < policy.password_length:
        raise InvalidInput(f"密码长度不能少于 {policy.password_length} 位")
    if _kinds(password) < policy.password_kinds:
        raise InvalidInput(f"密码至少应包含小写字母、大写字母、数字和其他字符中的 {policy.password_kinds} 类")
    return hash_password(password)


def _kinds(password: str) -> int:
    """How many of the four kinds of characters a password has."""
    kinds = (str.islower, str.isupper, str.isdigit, lambda each: not (each.islower() or each.isupper() or each.isdigit()))
    return sum(any(kind(each) for each in password) for kind in kinds)


def change(call: Call, row: Employee, password_hash: str) -> None:
    """Give a user a new password. Whoever is signed in with the old one is so no longer (erratum E17)."""
    row.password_hash, row.password_changed_at = password_hash, now()
    row.failed_logins, row.locked_until = 0, None
    auth.revoke_tokens(call.session, employee_id=row.id)
