"""Who calls: from a token to a caller, and from a name and password to a token."""
from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import bindparam, select, true

from hub.call import Caller
from hub.core import Hub
from hub.database import now
from hub.models import AccessToken, Department, Employee
from hub.security import new_token, token_digest
from plugins import codes
from plugins.errors import Refused

LONGEST_TOKEN = 512

_FIND = (
    select(Employee.id, Employee.username, Employee.department_id, Department.path)
    .join(AccessToken, AccessToken.employee_id == Employee.id)
    .join(Department, Department.id == Employee.department_id)
    .where(
        AccessToken.digest == bindparam("digest"),
        AccessToken.expires_at > bindparam("moment"),
        Employee.is_deleted != true(),
        Employee.is_locked != true(),
    )
)


def caller_of(hub: Hub, token: str | None) -> Caller:
    """The user that a token stands for (clause 6.1.1.8). Raises Refused with 10001 when it stands for nobody (any more)."""
    if not token or len(token) > LONGEST_TOKEN:
        raise Refused(code=codes.TOKEN_INVALID)
    with hub.db.read() as session:
        row = session.execute(_FIND, {"digest": token_digest(token), "moment": now()}).first()
    if row is None:
        raise Refused(code=codes.TOKEN_INVALID)
    return Caller(name=row.username, scope=row.path, department_id=row.department_id, employee_id=row.id)


def issue_token(hub: Hub, employee_id: int) -> tuple[str, datetime, AccessToken]:
    """A new token of a user: the token itself (told once), when it ends, and the row that stands for it."""
    token = new_token()
    expires_at = now() + timedelta(seconds=hub.settings.token_lifetime)
    return token, expires_at, AccessToken(digest=token_digest(token), employee_id=employee_id, expires_at=expires_at)
