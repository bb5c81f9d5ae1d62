"""Users (clause 6.2.3)."""
from __future__ import annotations

from typing import Any

from sqlalchemy import delete, select

from hub import auth, grants, passwords, rights
from hub.call import Call
from hub.models import Department, Employee, EmployeeRole, Role, UserGroupMember
from hub.paging import page
from hub.resource import dates, move, refuse_blank, refuse_taken, stamps, take_over
from hub.scope import find, within_department
from hub.services.account import is_locked
from hub.serving import serves
from hub.wire import open_password
from plugins import codes
from plugins.errors import Conflict, Refused
from plugins.operations import employee

COLUMNS = {"employeeName": "name", "username": "username", "email": "email", "mobile": "mobile"}


@serves(employee.employee_create)
def employee_create(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """The password is stored as an argon2id hash."""
    password_hash = passwords.hashed(call.hub, open_password(call, params["password"], "password"))
    home = find(call, Department, params["depId"])
    _refuse_taken(call, params["username"])
    row = Employee(department_id=home.id, password_hash=password_hash)
    take_over(row, params, COLUMNS)
    call.session.add(row)
    call.session.flush()
    if params.get("roleIds") is None:
        grant_default_role(call, row)
    else:
        grants.give_roles(call, row.id, params["roleIds"])
    return {"employeeId": row.id}


def grant_default_role(call: Call, row: Employee) -> None:
    """A new user is an operator, as far as the caller may grant that: the standard has no field for a role."""
    operator = call.session.scalars(select(Role).where(Role.is_builtin.is_(True), Role.name == rights.OPERATOR)).one()
    if rights.covers(call.caller.permissions, operator.permissions):
        call.session.add(EmployeeRole(employee_id=row.id, role_id=operator.id))
        rights.changed(call.session)


@serves(employee.employee_update)
def employee_update(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Changes what was sent. A new password ends the user's tokens; a new department needs the permission ``employee:move``."""
    refuse_blank(params, "employeeName", "username", "password")
    password_hash = None
    if "password" in params:
        password_hash = passwords.hashed(call.hub, open_password(call, params["password"], "password"))
    row = manageable(call, params["employeeId"])
    if "username" in params:
        _refuse_taken(call, params["username"], but=row.id)
    take_over(row, params, COLUMNS)
    move(call, row, params)
    if params.get("roleIds") is not None:
        grants.give_roles(call, row.id, params["roleIds"])
    if password_hash is not None:
        passwords.change(call, row, password_hash)
    return {}


@serves(employee.employee_delete)
def employee_delete(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """The user's tokens and roles end at once; the name is free again. Nobody deletes the own account (10503)."""
    row = manageable(call, params["employeeId"])
    refuse_own(call, row, "不能删除自己的账号")
    row.is_deleted = True
    auth.revoke_tokens(call.session, employee_id=row.id)
    for granted in (EmployeeRole, UserGroupMember):
        call.session.execute(delete(granted).where(granted.employee_id == row.id))
    rights.changed(call.session)
    return {}


def manageable(call: Call, employee_id: int) -> Employee:
    """The user, for a change of the account. Raises Refused for one who may do more than the caller: nobody takes over the rights of others."""
    row = find(call, Employee, employee_id)
    if row.id != call.caller.employee_id and not rights.covers(call.caller.permissions, rights.permissions_of_employee(call.session, row.id)):
        raise Refused("该用户的权限超出调用者的权限", code=codes.NO_PERMISSION)
    return row


def refuse_own(call: Call, row: Employee, reason: str) -> None:
    """Raise Conflict (10503) where the caller would do this to the own account."""
    if row.id == call.caller.employee_id:
        raise Conflict(reason, code=codes.IN_USE)


@serves(employee.employee_query)
def employee_query(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """The password is hashed, so it cannot be shown: its key stays, empty (erratum E16)."""
    row = find(call, Employee, params["employeeId"], deleted=True)
    granted = select(Role.id).join(EmployeeRole).where(EmployeeRole.employee_id == row.id, Role.is_deleted.is_(False)).order_by(Role.id)
    return {**_row(row), "roleIds": list(call.session.scalars(granted)), "password": "", "email": row.email, "mobile": row.mobile, **stamps(row)}


@serves(employee.employee_list)
def employee_list(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """The users of a department and those below it."""
    statement = within_department(select(Employee), Employee, call, params.get("depId"), params.get("includeChildren") is False)
    sortable = {"employeeId": Employee.id, "employeeName": Employee.name, "username": Employee.username, "depId": Employee.department_id}
    rows, paging = page(call, statement, Employee, params, search=(Employee.name, Employee.username), sortable=sortable)
    return {"users": [{**_row(row), **dates(row)} for row in rows], **paging}


def _row(row: Employee) -> dict[str, Any]:
    return {
        "employeeId": row.id,
        "employeeName": row.name,
        "username": row.username,
        "depId": row.department_id,
        "userStatus": int(is_locked(row)),
        "isDeleted": row.is_deleted,
    }


def _refuse_taken(call: Call, username: str, but: int | None = None) -> None:
    refuse_taken(call, Employee, f"用户账号 {username}", Employee.username == username, but=but)
