"""User groups (X18; clause 5.7): users who are granted roles together."""
from __future__ import annotations

from typing import Any

from sqlalchemy import delete, func, select

from hub import grants
from hub.call import Call
from hub.models import Employee, Role, UserGroup, UserGroupMember, UserGroupRole
from hub.paging import page
from hub.resource import refuse_blank, refuse_taken, take_over
from hub.scope import find, find_all, home_of, visible, within_department
from plugins.fields import Flag, Id, Items, Moment, Record, Text, Whole
from plugins.operation import operation
from plugins.paging import ListRequest, ListResult

COLUMNS = {"userGroupName": "name", "remark": "remark"}


class UserGroupCreateRequest(Record):
    """A group's name, and who and what is in it from the start."""

    userGroupName = Text("用户组名称，部门内唯一", longest=128, required=True)
    depId = Id("部门 ID，缺省为调用者所在部门", kind="department")
    remark = Text("备注", longest=1024)
    employeeIds = Items(Id(kind="employee"), "成员员工 ID 组")
    roleIds = Items(Id(kind="role"), "角色 ID 组", most=1000)


class UserGroupCreateResult(Record):
    """The new group."""

    userGroupId = Id("用户组 ID", kind="user_group")


@operation(
    "X18", "/api/ext/user-group/create", clause="X18", title="创建用户组",
    request=UserGroupCreateRequest, response=UserGroupCreateResult, hook=False,
)
def user_group_create(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Create a group of users; its members have its roles."""
    home = home_of(call, params.get("depId"))
    _refuse_taken(call, home.id, params["userGroupName"])
    row = UserGroup(department_id=home.id)
    take_over(row, params, COLUMNS)
    call.session.add(row)
    call.session.flush()
    role_ids = grants.grantable_roles(call, params.get("roleIds") or [])
    call.session.add_all(UserGroupRole(user_group_id=row.id, role_id=each) for each in role_ids)
    members = find_all(call, Employee, params.get("employeeIds") or [])
    call.session.add_all(UserGroupMember(user_group_id=row.id, employee_id=each.id) for each in members)
    grants.settle(call)
    return {"userGroupId": row.id}


def _refuse_taken(call: Call, department_id: int, name: str, but: int | None = None) -> None:
    refuse_taken(call, UserGroup, f"用户组 {name}", UserGroup.department_id == department_id, UserGroup.name == name, but=but)


class UserGroupUpdateRequest(Record):
    """What is to change."""

    userGroupId = Id("用户组 ID", kind="user_group", required=True)
    userGroupName = Text("用户组名称，部门内唯一", longest=128)
    remark = Text("备注", longest=1024)
    roleIds = Items(Id(kind="role"), "角色 ID 组，给出时整体替换", most=1000)


@operation("X18", "/api/ext/user-group/update", clause="X18", title="更新用户组", request=UserGroupUpdateRequest, hook=False)
def user_group_update(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Change a group's name, remark or roles; what is added and what is taken lies within the caller's rights."""
    refuse_blank(params, "userGroupName")
    row = find(call, UserGroup, params["userGroupId"])
    if "userGroupName" in params:
        _refuse_taken(call, row.department_id, params["userGroupName"], but=row.id)
    take_over(row, params, COLUMNS)
    if params.get("roleIds") is not None:
        present = {role.id for role in _roles(call, row)}
        added = grants.grantable_roles(call, set(params["roleIds"]) - present)
        taken = present - set(params["roleIds"])
        grants.require(call, _permissions(call, row, taken))
        call.session.execute(delete(UserGroupRole).where(UserGroupRole.user_group_id == row.id, UserGroupRole.role_id.in_(taken)))
        call.session.add_all(UserGroupRole(user_group_id=row.id, role_id=each) for each in added)
        grants.settle(call)
    return {}


def _roles(call: Call, row: UserGroup) -> list[Role]:
    statement = select(Role).join(UserGroupRole).where(UserGroupRole.user_group_id == row.id, Role.is_deleted.is_(False))
    return list(call.session.scalars(statement.order_by(Role.id)))


def _permissions(call: Call, row: UserGroup, role_ids: set[int] | None = None) -> set[str]:
    """What the roles of a group allow, all of them or some."""
    return {each for role in _roles(call, row) if role_ids is None or role.id in role_ids for each in role.permissions}


class UserGroupRequest(Record):
    """Names one group."""

    userGroupId = Id("用户组 ID", kind="user_group", required=True)


@operation("X18", "/api/ext/user-group/delete", clause="X18", title="删除用户组", request=UserGroupRequest, hook=False)
def user_group_delete(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Delete a group; its members lose the roles that they had through it."""
    row = find(call, UserGroup, params["userGroupId"])
    grants.require(call, _permissions(call, row))
    row.is_deleted = True
    grants.settle(call)
    return {}


class UserGroupMembersRequest(UserGroupRequest):
    """A group and users."""

    employeeIds = Items(Id(kind="employee"), "员工 ID 组", required=True)


@operation("X18", "/api/ext/user-group/member/add", clause="X18", title="添加用户组成员", request=UserGroupMembersRequest, hook=False)
def user_group_member_add(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Put users into a group, all or none. They get its roles, so that these must lie within the caller's rights."""
    row = find(call, UserGroup, params["userGroupId"])
    grants.require(call, _permissions(call, row))
    wanted = {each.id for each in find_all(call, Employee, params["employeeIds"])}
    present = set(call.session.scalars(select(UserGroupMember.employee_id).where(UserGroupMember.user_group_id == row.id)))
    call.session.add_all(UserGroupMember(user_group_id=row.id, employee_id=each) for each in sorted(wanted - present))
    grants.settle(call)
    return {}


@operation(
    "X18", "/api/ext/user-group/member/remove", clause="X18", title="移除用户组成员",
    request=UserGroupMembersRequest, hook=False,
)
def user_group_member_remove(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Take users out of a group. Who is not in it is no mistake."""
    row = find(call, UserGroup, params["userGroupId"])
    grants.require(call, _permissions(call, row))
    gone = [each.id for each in find_all(call, Employee, params["employeeIds"])]
    call.session.execute(delete(UserGroupMember).where(UserGroupMember.user_group_id == row.id, UserGroupMember.employee_id.in_(gone)))
    grants.settle(call)
    return {}


class UserGroupRow(Record):
    """One group."""

    userGroupId = Id("用户组 ID", kind="user_group")
    userGroupName = Text("用户组名称")
    depId = Id("部门 ID", kind="department")
    remark = Text("备注", longest=1024)
    memberCount = Whole("成员数")
    isDeleted = Flag("是否删除")


class UserGroupQueryResult(UserGroupRow):
    """One group with its members and roles."""

    employeeIds = Items(Id(kind="employee"), "成员员工 ID 组，仅含调用者可见的员工")
    roleIds = Items(Id(kind="role"), "角色 ID 组")
    createTime = Moment("创建时间")
    updateTime = Moment("更新时间")


@operation(
    "X18", "/api/ext/user-group/query", clause="X18", title="查询用户组",
    request=UserGroupRequest, response=UserGroupQueryResult, hook=False,
)
def user_group_query(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Show a group with its members and roles."""
    row = find(call, UserGroup, params["userGroupId"], deleted=True)
    members = select(Employee.id).join(UserGroupMember).where(UserGroupMember.user_group_id == row.id, Employee.is_deleted.is_(False))
    return {
        **_shown(row, _sizes(call, [row.id])),
        "employeeIds": list(call.session.scalars(visible(members, Employee, call).order_by(Employee.id))),
        "roleIds": [role.id for role in _roles(call, row)],
        "createTime": row.created_at,
        "updateTime": row.updated_at,
    }


class UserGroupListRequest(ListRequest):
    """Which groups."""

    depId = Id("部门 ID", kind="department")


class UserGroupListResult(ListResult):
    """A page of groups."""

    userGroups = Items(UserGroupRow, "用户组列表")


@operation(
    "X18", "/api/ext/user-group/list", clause="X18", title="查询用户组列表",
    request=UserGroupListRequest, response=UserGroupListResult, hook=False,
)
def user_group_list(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """List the groups of a department and of those below it."""
    statement = within_department(select(UserGroup), UserGroup, call, params.get("depId"), params.get("includeChildren") is False)
    rows, paging = page(call, statement, UserGroup, params, search=(UserGroup.name, UserGroup.remark))
    sizes = _sizes(call, [row.id for row in rows])
    return {"userGroups": [_shown(row, sizes) for row in rows], **paging}


def _sizes(call: Call, group_ids: list[int]) -> dict[int, int]:
    counted = (
        select(UserGroupMember.user_group_id, func.count())
        .join(Employee, Employee.id == UserGroupMember.employee_id)
        .where(UserGroupMember.user_group_id.in_(group_ids), Employee.is_deleted.is_(False))
        .group_by(UserGroupMember.user_group_id)
    )
    return dict(call.session.execute(counted).all())


def _shown(row: UserGroup, sizes: dict[int, int]) -> dict[str, Any]:
    return {
        "userGroupId": row.id,
        "userGroupName": row.name,
        "depId": row.department_id,
        "remark": row.remark,
        "memberCount": sizes.get(row.id, 0),
        "isDeleted": row.is_deleted,
    }
