"""Who calls: from a token to a caller, with the rights and the scope that it has now."""
from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, or_, select, true
from sqlalchemy.orm import Session

from hub import login_policy, rights
from hub.call import Caller
from hub.core import Hub
from hub.database import now
from hub.models import AccessToken, Application, Department, Employee, RightsVersion, Robot
from hub.security import new_token, token_digest
from plugins import codes
from plugins.errors import Refused

LONGEST_TOKEN = 512
CLIENT_ID = "app-"  # how every client id begins

_home_id = func.coalesce(Employee.department_id, Application.department_id, Robot.department_id)

_FIND = (
    select(
        Employee.id.label("employee_id"),
        Employee.username,
        Application.id.label("application_id"),
        Application.client_id,
        Robot.id.label("robot_id"),
        Department.id.label("department_id"),
        Department.path,
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
    .outerjoin(Application, Application.id == AccessToken.application_id)
    .outerjoin(Robot, Robot.id == AccessToken.robot_id)
    .outerjoin(Department, Department.id == _home_id)
    .where(
        AccessToken.digest == bindparam("digest"),
        AccessToken.expires_at > bindparam("moment"),
        or_(Employee.id.is_(None), (Employee.is_deleted != true()) & (Employee.is_locked != true())),
        or_(Application.id.is_(None), (Application.is_deleted != true()) & Application.is_enabled.is_(True)),
        or_(Robot.id.is_(None), Robot.is_deleted != true()),
    )
)


def caller_of(hub: Hub, token: str | None, client_ip: str = "") -> Caller:
    """The user, application or robot that a token stands for (clause 6.1.1.8), in one query.

    Raises Refused: 10001 when it stands for nobody (any more), 30003 when an application calls from an address that it may not use.
    """
    if not token or len(token) > LONGEST_TOKEN:
        raise Refused(code=codes.TOKEN_INVALID)
    with hub.db.rows() as connection:
        row = connection.execute(_FIND, {"digest": token_digest(token), "moment": now()}).first()
        if row is None or row.department_id is None:
            raise Refused(code=codes.TOKEN_INVALID)
        if row.application_id is not None:
            check_address(client_ip, row.allow_ips, row.deny_ips)
        return _caller(hub, connection, row)


def _caller(hub: Hub, connection: Connection, row: Any) -> Caller:
    if row.robot_id is not None:
        return robot_caller(row.robot_id, row.department_id, row.path, row.digest)
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
        scope = _scope(row.path, row.roots)
        return Caller(row.client_id, scope, row.department_id, None, permissions, row.application_id, row.rate_limit, row.digest)
    scope = _scope(row.path, row.roots)
    return Caller(row.username, scope, row.department_id, row.employee_id, permissions, token=row.digest)


def robot_caller(robot_id: int, department_id: int, path: str, token: str = "") -> Caller:
    """A robot as a caller: with the rights of all robots, over what is its own. ``path`` is that of its department."""
    return Caller(f"robot-{robot_id}", path, department_id, None, rights.ROBOT_PERMISSIONS, token=token, robot_id=robot_id)


def _scope(path: str, roots: int) -> str:
    """The scope of a department. The only root department is everything, which spares every list the check."""
    return "/" if roots == 1 and path.count("/") == 2 else path


def is_live(hub: Hub, digest: str) -> bool:
    """Whether the token with this digest still opens anything. What was opened without one, by the hub itself, stays open."""
    if not digest:
        return True
    with hub.db.rows() as connection:
        return connection.execute(_FIND, {"digest": digest, "moment": now()}).first() is not None


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
    hub: Hub,
    session: Session,
    *,
    employee_id: int | None = None,
    application_id: int | None = None,
    robot_id: int | None = None,
    client_ip: str = "",
) -> tuple[str, datetime]:
    """A new token: the token itself, which is told once and stored as a digest, and when it ends."""
    policy = login_policy.in_force(hub.settings, session)
    if policy.single_session and employee_id is not None:
        revoke_tokens(session, employee_id=employee_id)
    token = new_token()
    lifetime = policy.token_lifetime if robot_id is None else hub.settings.robot_token_lifetime
    expires_at = now() + timedelta(seconds=lifetime)
    owner = {"employee_id": employee_id, "application_id": application_id, "robot_id": robot_id}
    session.add(AccessToken(digest=token_digest(token), **owner, client_ip=client_ip, expires_at=expires_at))
    return token, expires_at


def revoke_tokens(
    session: Session, *, employee_id: int | None = None, application_id: int | None = None, robot_id: int | None = None
) -> None:
    """End all tokens of a user, an application or a robot, at once (erratum E17)."""
    if employee_id is not None:
        session.execute(delete(AccessToken).where(AccessToken.employee_id == employee_id))
    if application_id is not None:
        session.execute(delete(AccessToken).where(AccessToken.application_id == application_id))
    if robot_id is not None:
        session.execute(delete(AccessToken).where(AccessToken.robot_id == robot_id))
