"""Users (clause 6.2.3)."""
from __future__ import annotations

from typing import Any

from sqlalchemy import select

from hub import rights
from hub.call import Call
from hub.models import Department, Employee, EmployeeRole, Role
from hub.paging import page
from hub.resource import refuse_taken, stamps
from hub.scope import find, within_department
from hub.security import hash_password
from hub.services.account import is_locked
from hub.serving import serves
from hub.wire import open_password
from plugins.errors import InvalidInput
from plugins.operations import employee

SHORTEST_PASSWORD = 8


@serves(employee.employee_create)
def employee_create(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """The password is stored as an argon2id hash."""
    password = open_password(call, params["password"], "password")
    if len(password) < SHORTEST_PASSWORD:
        raise InvalidInput(f"密码长度不能少于 {SHORTEST_PASSWORD} 位")
    password_hash = hash_password(password)
    home = find(call, Department, params["depId"])
    refuse_taken(call, Employee, f"用户账号 {params['username']}", Employee.username == params["username"])
    row = Employee(
        department_id=home.id,
        name=params["employeeName"],
        username=params["username"],
        password_hash=password_hash,
        email=params.get("email"),
        mobile=params.get("mobile"),
    )
    call.session.add(row)
    call.session.flush()
    grant_default_role(call, row)
    return {"employeeId": row.id}


def grant_default_role(call: Call, row: Employee) -> None:
    """A new user is an operator, as far as the caller may grant that: the standard has no field for a role."""
    operator = call.session.scalars(select(Role).where(Role.is_builtin.is_(True), Role.name == rights.OPERATOR)).one()
    if rights.covers(call.caller.permissions, operator.permissions):
        call.session.add(EmployeeRole(employee_id=row.id, role_id=operator.id))
        rights.changed(call.session)


@serves(employee.employee_query)
def employee_query(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """The password is hashed, so it cannot be shown: its key stays, empty (erratum E16)."""
    row = find(call, Employee, params["employeeId"], deleted=True)
    return {**_row(row), "password": "", "email": row.email, "mobile": row.mobile, **stamps(row)}


@serves(employee.employee_list)
def employee_list(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """The users of a department and those below it."""
    statement = within_department(select(Employee), Employee, call, params.get("depId"), params.get("includeChildren") is False)
    rows, paging = page(call, statement, Employee, params, search=(Employee.name, Employee.username))
    return {"users": [_row(row) for row in rows], **paging}


def _row(row: Employee) -> dict[str, Any]:
    return {
        "employeeId": row.id,
        "employeeName": row.name,
        "username": row.username,
        "depId": row.department_id,
        "userStatus": int(is_locked(row)),
        "isDeleted": row.is_deleted,
    }
