"""Employees, who are the platform's users (clause 6.2.3)."""
from __future__ import annotations

from plugins.context import Context
from plugins.fields import Flag, Id, Items, Record, Text, Whole
from plugins.operation import Answer, Params, operation
from plugins.paging import ListRequest, ListResult
from plugins.records import Dated, QueryResult


class EmployeeCreateRequest(Record):
    """Table 13."""

    employeeName = Text("员工名称", longest=128, required=True)
    username = Text("用户账号", longest=128, required=True)
    password = Text("密码（密文）", longest=4096, secret=True, required=True)
    depId = Id("部门 ID", kind="department", required=True)
    email = Text("邮箱", longest=254)
    mobile = Text("手机号码", longest=32)
    roleIds = Items(Id(kind="role"), "角色 ID 组【默认操作员】", most=1000, additive=True)


class EmployeeCreateResult(Record):
    """Table 14."""

    employeeId = Id("员工 ID", kind="employee")


@operation(
    "P06", "/api/platform/employee/create", clause="6.2.3.1", title="创建用户",
    request=EmployeeCreateRequest, response=EmployeeCreateResult,
)
def employee_create(ctx: Context, params: Params) -> Answer:
    """Create a user."""


class EmployeeDeleteRequest(Record):
    """Table 15."""

    employeeId = Id("员工 ID", kind="employee", required=True)


@operation("P07", "/api/platform/employee/delete", clause="6.2.3.2", title="删除用户", request=EmployeeDeleteRequest)
def employee_delete(ctx: Context, params: Params) -> Answer:
    """Delete a user."""


class EmployeeUpdateRequest(Record):
    """Table 16."""

    employeeId = Id("员工 ID", kind="employee", required=True)
    employeeName = Text("员工名称", longest=128)
    username = Text("用户账号", longest=128)
    password = Text("密码（密文）", longest=4096, secret=True)
    email = Text("邮箱", longest=254)
    mobile = Text("手机号码", longest=32)
    depId = Id("部门 ID", kind="department", additive=True)
    roleIds = Items(Id(kind="role"), "直接授予的角色 ID 组，给出时整体替换", most=1000, additive=True)


@operation("P08", "/api/platform/employee/update", clause="6.2.3.3", title="更新用户", request=EmployeeUpdateRequest)
def employee_update(ctx: Context, params: Params) -> Answer:
    """Change a user's particulars."""


class EmployeeQueryRequest(Record):
    """Table 17."""

    employeeId = Id("员工 ID", kind="employee", required=True)


class EmployeeQueryResult(QueryResult):
    """Table 18."""

    employeeName = Text("员工名称", longest=128)
    username = Text("用户账号", longest=128)
    password = Text("密码（密文）", longest=4096, secret=True)
    depId = Id("部门 ID", kind="department")
    email = Text("邮箱", longest=254)
    mobile = Text("手机号码", longest=32)
    userStatus = Whole("用户状态（0-正常 1-已锁定）", choices=(0, 1))
    isDeleted = Flag("是否删除")
    employeeId = Id("员工 ID", kind="employee", additive=True)
    roleIds = Items(Id(kind="role"), "直接授予的角色 ID 组", additive=True)


@operation(
    "P09", "/api/platform/employee/query", clause="6.2.3.4", title="查询用户",
    request=EmployeeQueryRequest, response=EmployeeQueryResult,
)
def employee_query(ctx: Context, params: Params) -> Answer:
    """Show one user."""


class EmployeeListRequest(ListRequest):
    """Table 19."""

    depId = Id("部门 ID", kind="department")


class EmployeeRow(Dated):
    """One element of ``users`` (Table 20)."""

    employeeId = Id("员工 ID", kind="employee")
    employeeName = Text("员工名称", longest=128)
    username = Text("用户账号", longest=128)
    depId = Id("部门 ID", kind="department")
    userStatus = Whole("用户状态（0-正常 1-已锁定）", choices=(0, 1))
    isDeleted = Flag("是否删除")


class EmployeeListResult(ListResult):
    """Table 20."""

    users = Items(EmployeeRow, "用户列表")


@operation(
    "P10", "/api/platform/employee/list", clause="6.2.3.5", title="查询用户列表",
    request=EmployeeListRequest, response=EmployeeListResult,
)
def employee_list(ctx: Context, params: Params) -> Answer:
    """List the users of a department and of those below it."""
