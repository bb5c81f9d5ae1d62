"""Who calls: from a token to a caller, with the rights and the scope that it has now."""
from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, or_, select, true
from sqlalchemy.orm import Session, aliased

from hub import login_policy, rights
from hub.call import Caller
from hub.core import Hub
from hub.database import now
from hub.models import AccessToken, Application, Department, Employee, RightsVersion
from hub.security import new_token, token_digest
from plugins import codes
from plugins.errors import Refused

LONGEST_TOKEN = 512
CLIENT_ID = "app-"  # how every client id begins

_employee_home, _application_home = aliased(Department), aliased(Department)

_FIND = (
    select(
        Employee.id.label("employee_id"),
        Employee.username,
        Employee.department_id.label("employee_department"),
        _employee_home.path.label("employee_path"),
        Application.id.label("application_id"),
        Application.client_id,
        Application.department_id.label("application_department"),
        _application_home.path.label("application_path"),
        AccessToken.digest,
        Application.api_groups,
        Application.allow_ips,
        Application.deny_ips,
        Application.rate_limit,
        select(RightsVersion.number).scalar_subquery().label("rights"),
        select(func.count()).select_from(Department).where(Department.parent_id.is_(None)).scalar_subquery().label("roots"),
    )
    .select_from(AccessToken)
    .outerjoin(Employee, Employee.id == AccessToken.employee_id)
    .outerjoin(_employee_home, _employee_home.id == Employee.department_id)
    .outerjoin(Application, Application.id == AccessToken.application_id)
    .outerjoin(_application_home, _application_home.id == Application.department_id)
    .where(
        AccessToken.digest == bindparam("digest"),
        AccessToken.expires_at > bindparam("moment"),
        or_(Employee.id.is_(None), (Employee.is_deleted != true()) & (Employee.is_locked != true())),
        or_(Application.id.is_(None), (Application.is_deleted != true()) & Application.is_enabled.is_(True)),
    )
)


def caller_of(hub: Hub, token: str | None, client_ip: str = "") -> Caller:
    """The user or application that a token stands for (clause 6.1.1.8), in one query.

    Raises Refused: 10001 when it stands for nobody (any more), 30003 when an application calls from an address that it may not use.
    """
    if not token or len(token) > LONGEST_TOKEN:
        raise Refused(code=codes.TOKEN_INVALID)
    with hub.db.rows() as connection:
        row = connection.execute(_FIND, {"digest": token_digest(token), "moment": now()}).first()
        if row is None or (row.employee_id is None and row.application_id is None):
            raise Refused(code=codes.TOKEN_INVALID)
        if row.application_id is not None:
            check_address(client_ip, row.allow_ips, row.deny_ips)
        return _caller(hub, connection, row)


def _caller(hub: Hub, connection: Connection, row: Any) -> Caller:
    kind, key = ("application", row.application_id) if row.application_id is not None else ("user", row.employee_id)
    version = row.rights or 0
    permissions = hub.rights.get(version, (kind, key))
    if permissions is None:
        if kind == "application":
            permissions = rights.permissions_of_groups(connection, row.api_groups)
        else:
            permissions = rights.permissions_of_employee(connection, key)
        hub.rights.put(version, (kind, key), permissions)
    if kind == "application":
        scope = _scope(row.application_path, row.roots)
        return Caller(row.client_id, scope, row.application_department, None, permissions, row.application_id, row.rate_limit, row.digest)
    scope = _scope(row.employee_path, row.roots)
    return Caller(row.username, scope, row.employee_department, row.employee_id, permissions, token=row.digest)


def _scope(path: str, roots: int) -> str:
    """The scope of a department. The only root department is everything, which spares every list the check."""
    return "/" if roots == 1 and path.count("/") == 2 else path


def check_address(client_ip: str, allow: Sequence[str], deny: Sequence[str]) -> None:
    """Raises Refused (30003) for an address that is denied, or not among those allowed."""
    if not allow and not deny:
        return
    try:
        address = ipaddress.ip_address(client_ip)
    except ValueError as error:
        raise Refused(code=codes.IP_REFUSED) from error
    # A listener for both families names an IPv4 caller ::ffff:10.0.0.1, which no IPv4 network would hold.
    address = getattr(address, "ipv4_mapped", None) or address
    if any(address in ipaddress.ip_network(each) for each in deny):
        raise Refused(code=codes.IP_REFUSED)
    if allow and not any(address in ipaddress.ip_network(each) for each in allow):
        raise Refused(code=codes.IP_REFUSED)


def issue_token(
    hub: Hub, session: Session, *, employee_id: int | None = None, application_id: int | None = None, client_ip: str = ""
) -> tuple[str, datetime]:
    """A new token: the token itself, which is told once and stored as a digest, and when it ends."""
    policy = login_policy.in_force(hub.settings, session)
    if policy.single_session and employee_id is not None:
        revoke_tokens(session, employee_id=employee_id)
    token = new_token()
    expires_at = now() + timedelta(seconds=policy.token_lifetime)
    session.add(
        AccessToken(
            digest=token_digest(token), employee_id=employee_id, application_id=application_id, client_ip=client_ip, expires_at=expires_at
        )
    )
    return token, expires_at


def revoke_tokens(session: Session, *, employee_id: int | None = None, application_id: int | None = None) -> None:
    """End all tokens of a user or an application, at once (erratum E17)."""
    if employee_id is not None:
        session.execute(delete(AccessToken).where(AccessToken.employee_id == employee_id))
    if application_id is not None:
        session.execute(delete(AccessToken).where(AccessToken.application_id == application_id))
