"""Who the caller is to the hub (X19)."""
from __future__ import annotations

from typing import Any

from sqlalchemy import select

from hub import rights
from hub.call import Call
from hub.models import AccessToken, Department, Employee, Role
from plugins.fields import Id, Items, Moment, Record, Text
from plugins.operation import operation


class AccountMeResult(Record):
    """The caller's identity, rights and data scope."""

    username = Text("用户账号或应用标识")
    employeeId = Id("员工 ID，调用者为应用时为空", kind="employee")
    employeeName = Text("员工名称")
    appId = Id("应用 ID，调用者为用户时为空", kind="app")
    depId = Id("数据范围所在部门 ID", kind="department")
    depName = Text("数据范围所在部门名称")
    roles = Items(Text(), "角色名称组")
    permissions = Items(Text(), "权限组")
    loginIp = Text("登录来源 IP")
    loginTime = Moment("登录时间")
    expirationTime = Moment("token 过期时间，格式为 yyyy-MM-dd HH:mm:ss")


@operation("X19", "/api/ext/account/me", clause="X19", title="查询本人信息", response=AccountMeResult, hook=False, writes=False)
def account_me(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Tell the caller who it is to the hub, what it may do, which data it sees, and when its token ends. Every caller may ask."""
    caller, session = call.caller, call.session
    department = session.get(Department, caller.department_id) if caller.department_id is not None else None
    employee = session.get(Employee, caller.employee_id) if caller.employee_id is not None else None
    token = session.get(AccessToken, caller.token)
    roles = []
    if employee is not None:
        named = select(Role.name).where(Role.id.in_(rights.roles_of(employee.id)), Role.is_deleted.is_(False))
        roles = list(session.scalars(named.order_by(Role.id)))
    return {
        "username": caller.name,
        "employeeId": caller.employee_id,
        "employeeName": employee.name if employee else "",
        "appId": caller.application_id,
        "depId": caller.department_id,
        "depName": department.name if department else "",
        "roles": roles,
        "permissions": sorted(caller.permissions),
        "loginIp": token.client_ip if token else "",
        "loginTime": token.created_at if token else None,
        "expirationTime": token.expires_at if token else None,
    }
