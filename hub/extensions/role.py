"""Roles (X17; clause 5.7): named sets of permissions, granted to users and user groups, carried from hub to hub."""
from __future__ import annotations

from typing import Any

from sqlalchemy import delete, select

from hub import grants, rights
from hub.call import Call
from hub.models import Employee, EmployeeRole, Role, UserGroup, UserGroupRole
from hub.paging import page
from hub.resource import refuse_blank, refuse_taken, take_over
from hub.scope import find_all, home_of, visible, within_department
from hub.serving import full_catalogue
from plugins import codes
from plugins.errors import Conflict
from plugins.fields import Flag, Id, Items, Moment, Record, Text, Whole
from plugins.operation import operation
from plugins.paging import ListRequest, ListResult

COLUMNS = {"roleName": "name", "remark": "remark"}
LONGEST_PERMISSION = 128


class RoleCreateRequest(Record):
    """A role's name and permissions."""

    roleName = Text("角色名称，部门内唯一", longest=128, required=True)
    permissions = Items(Text(longest=LONGEST_PERMISSION), "权限组，如 task:create、task:*、*", required=True)
    depId = Id("部门 ID，缺省为调用者所在部门", kind="department")
    remark = Text("备注", longest=1024)


class RoleCreateResult(Record):
    """The new role."""

    roleId = Id("角色 ID", kind="role")


@operation(
    "X17", "/api/ext/role/create", clause="X17", title="创建角色",
    request=RoleCreateRequest, response=RoleCreateResult, hook=False,
)
def role_create(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Create a role out of permissions that the caller holds."""
    home = home_of(call, params.get("depId"))
    row = _new(call, home.id, params["roleName"], params.get("remark"), params["permissions"])
    call.session.flush()
    return {"roleId": row.id}


def _new(call: Call, department_id: int, name: str, remark: str | None, permissions: list[str]) -> Role:
    wanted = grants.known(permissions)
    grants.require(call, wanted)
    _refuse_taken(call, department_id, name)
    row = Role(department_id=department_id, name=name, remark=remark, permissions=wanted)
    call.session.add(row)
    return row


def _refuse_taken(call: Call, department_id: int, name: str, but: int | None = None) -> None:
    refuse_taken(call, Role, f"角色 {name}", Role.department_id == department_id, Role.name == name, but=but)


class RoleUpdateRequest(Record):
    """What is to change."""

    roleId = Id("角色 ID", kind="role", required=True)
    roleName = Text("角色名称，部门内唯一", longest=128)
    permissions = Items(Text(longest=LONGEST_PERMISSION), "权限组，给出时整体替换")
    remark = Text("备注", longest=1024)


@operation("X17", "/api/ext/role/update", clause="X17", title="更新角色", request=RoleUpdateRequest, hook=False)
def role_update(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Change a role; whoever has it has the new permissions from the next call on."""
    refuse_blank(params, "roleName")
    row = _changeable(call, params["roleId"])
    if "roleName" in params:
        _refuse_taken(call, row.department_id, params["roleName"], but=row.id)
    take_over(row, params, COLUMNS)
    if params.get("permissions") is not None:
        _replace_permissions(call, row, params["permissions"])
    return {}


def _changeable(call: Call, role_id: int) -> Role:
    """A role for a change. Raises Conflict for a built-in one, Refused for one beyond the caller's rights."""
    row = grants.find_role(call, role_id)
    if row.is_builtin:
        raise Conflict("内置角色不能修改或删除")
    grants.require(call, row.permissions)
    return row


def _replace_permissions(call: Call, row: Role, permissions: list[str]) -> None:
    wanted = grants.known(permissions)
    grants.require(call, wanted)
    row.permissions = wanted
    grants.settle(call)


class RoleRequest(Record):
    """Names one role."""

    roleId = Id("角色 ID", kind="role", required=True)


class RoleHolders(Record):
    """Who has a role, as far as the caller may see them."""

    employeeIds = Items(Id(kind="employee"), "被授予该角色的员工 ID 组")
    userGroupIds = Items(Id(kind="user_group"), "被授予该角色的用户组 ID 组")


@operation("X17", "/api/ext/role/delete", clause="X17", title="删除角色", request=RoleRequest, response=RoleHolders, hook=False)
def role_delete(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Delete a role and take it from all who have it; answers who they were."""
    row = _changeable(call, params["roleId"])
    holders = _holders(call, row)
    row.is_deleted = True
    call.session.execute(delete(EmployeeRole).where(EmployeeRole.role_id == row.id))
    call.session.execute(delete(UserGroupRole).where(UserGroupRole.role_id == row.id))
    grants.settle(call)
    return holders


def _holders(call: Call, row: Role) -> dict[str, list[int]]:
    employees = select(Employee.id).join(EmployeeRole).where(EmployeeRole.role_id == row.id, Employee.is_deleted.is_(False))
    groups = select(UserGroup.id).join(UserGroupRole).where(UserGroupRole.role_id == row.id, UserGroup.is_deleted.is_(False))
    return {
        "employeeIds": list(call.session.scalars(visible(employees, Employee, call).order_by(Employee.id))),
        "userGroupIds": list(call.session.scalars(visible(groups, UserGroup, call).order_by(UserGroup.id))),
    }


class RoleRow(Record):
    """One role."""

    roleId = Id("角色 ID", kind="role")
    roleName = Text("角色名称")
    depId = Id("部门 ID", kind="department")
    remark = Text("备注", longest=1024)
    isBuiltin = Flag("是否内置角色")
    permissionCount = Whole("权限数量")
    isDeleted = Flag("是否删除")


class RoleQueryResult(RoleRow, RoleHolders):
    """One role with its permissions and who has it."""

    permissions = Items(Text(longest=LONGEST_PERMISSION), "权限组")
    createTime = Moment("创建时间")
    updateTime = Moment("更新时间")


@operation("X17", "/api/ext/role/query", clause="X17", title="查询角色", request=RoleRequest, response=RoleQueryResult, hook=False)
def role_query(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Show a role with its permissions, and the users and groups that have it."""
    row = grants.find_role(call, params["roleId"], deleted=True)
    return {**_shown(row), **_holders(call, row), "permissions": row.permissions, "createTime": row.created_at, "updateTime": row.updated_at}


def _shown(row: Role) -> dict[str, Any]:
    return {
        "roleId": row.id,
        "roleName": row.name,
        "depId": row.department_id,
        "remark": row.remark,
        "isBuiltin": row.is_builtin,
        "permissionCount": len(row.permissions),
        "isDeleted": row.is_deleted,
    }


class RoleListRequest(ListRequest):
    """Which roles."""

    depId = Id("部门 ID", kind="department")


class RoleListResult(ListResult):
    """A page of roles."""

    roles = Items(RoleRow, "角色列表")


@operation("X17", "/api/ext/role/list", clause="X17", title="查询角色列表", request=RoleListRequest, response=RoleListResult, hook=False)
def role_list(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """List the built-in roles and those of the caller's department and below; of one department only its own."""
    statement = grants.visible_roles(call)
    if params.get("depId") is not None:
        statement = within_department(select(Role), Role, call, params["depId"], params.get("includeChildren") is False)
    rows, paging = page(call, statement, Role, params, search=(Role.name, Role.remark), sortable={"roleId": Role.id, "roleName": Role.name})
    return {"roles": [_shown(row) for row in rows], **paging}


class RoleContent(Record):
    """A role as it is carried from one hub to another."""

    roleName = Text("角色名称", longest=128, required=True)
    remark = Text("备注", longest=1024)
    permissions = Items(Text(longest=LONGEST_PERMISSION), "权限组", required=True)


class RoleExportRequest(Record):
    """Which roles."""

    roleIds = Items(Id(kind="role"), "角色 ID 组，缺省为全部可见的自定义角色", most=1000)


class RoleExportResult(Record):
    """The roles with all of their permissions, as role/import takes them."""

    roles = Items(RoleContent, "角色组")


@operation(
    "X17", "/api/ext/role/export", clause="X17", title="导出角色",
    request=RoleExportRequest, response=RoleExportResult, hook=False, writes=False,
)
def role_export(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Give roles with their full permission sets, for import on another hub."""
    if params.get("roleIds"):
        rows = [grants.find_role(call, each) for each in sorted(set(params["roleIds"]))]
    else:
        own = visible(select(Role), Role, call).where(Role.is_builtin.is_(False), Role.is_deleted.is_(False))
        rows = list(call.session.scalars(own.order_by(Role.id)))
    return {"roles": [{"roleName": row.name, "remark": row.remark, "permissions": row.permissions} for row in rows]}


class RoleImportRequest(RoleExportResult):
    """Roles as role/export gives them, and what to do about names that are taken."""

    roles = Items(RoleContent, "角色组", most=1000, required=True)
    depId = Id("部门 ID，缺省为调用者所在部门", kind="department")
    onConflict = Text("角色名称已存在时的处理（refuse-拒绝 skip-跳过 replace-替换）【默认 refuse】", choices=("refuse", "skip", "replace"))


class RoleImportResult(Record):
    """What became of the roles, in the order in which they came."""

    roleIds = Items(Id(kind="role"), "角色 ID 组，与请求中的顺序一致")
    created = Whole("新建的角色数")
    replaced = Whole("替换的角色数")
    skipped = Whole("跳过的角色数")


@operation(
    "X17", "/api/ext/role/import", clause="X17", title="导入角色",
    request=RoleImportRequest, response=RoleImportResult, hook=False,
)
def role_import(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Take roles over from another hub, all or none. Every permission must exist here and be the caller's own."""
    home = home_of(call, params.get("depId"))
    same = select(Role).where(Role.department_id == home.id, Role.is_deleted.is_(False))
    present = {row.name: row for row in call.session.scalars(same)}
    count = {"created": 0, "replaced": 0, "skipped": 0}
    rows = []
    for each in params["roles"]:
        row, done = _take(call, home.id, present, each, params.get("onConflict") or "refuse")
        present[row.name] = row
        rows.append(row)
        count[done] += 1
    call.session.flush()
    return {"roleIds": [row.id for row in rows], **count}


def _take(call: Call, department_id: int, present: dict[str, Role], content: dict[str, Any], on_conflict: str) -> tuple[Role, str]:
    row = present.get(content["roleName"])
    if row is None:
        return _new(call, department_id, content["roleName"], content.get("remark"), content["permissions"]), "created"
    if on_conflict == "skip":
        return row, "skipped"
    if on_conflict == "refuse":
        raise Conflict(f"角色 {row.name}", code=codes.DUPLICATE)
    row = _changeable(call, row.id)
    row.remark = content.get("remark")
    _replace_permissions(call, row, content["permissions"])
    return row, "replaced"


class RoleGrantRequest(Record):
    """Which roles, and to whom."""

    roleIds = Items(Id(kind="role"), "角色 ID 组", most=1000, required=True)
    employeeIds = Items(Id(kind="employee"), "员工 ID 组")
    userGroupIds = Items(Id(kind="user_group"), "用户组 ID 组")


@operation("X17", "/api/ext/role/grant", clause="X17", title="授予角色", request=RoleGrantRequest, hook=False)
def role_grant(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Grant roles to users and user groups, all or none. What somebody has already stays."""
    role_ids = grants.grantable_roles(call, params["roleIds"])
    for model, column, owners in _owners(call, params):
        present = set(call.session.execute(select(column, model.role_id).where(column.in_(owners), model.role_id.in_(role_ids))))
        new = [(owner, role_id) for owner in owners for role_id in role_ids if (owner, role_id) not in present]
        call.session.add_all(model(**{column.key: owner, "role_id": role_id}) for owner, role_id in new)
    grants.settle(call)
    return {}


@operation("X17", "/api/ext/role/revoke", clause="X17", title="收回角色", request=RoleGrantRequest, hook=False)
def role_revoke(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Take roles from users and user groups. Who does not have one is no mistake; the last user who may do everything keeps that."""
    role_ids = grants.grantable_roles(call, params["roleIds"])
    for model, column, owners in _owners(call, params):
        call.session.execute(delete(model).where(column.in_(owners), model.role_id.in_(role_ids)))
    grants.settle(call)
    return {}


def _owners(call: Call, params: dict[str, Any]) -> list[tuple[Any, Any, list[int]]]:
    """The tables of grants, their columns of owners, and the owners that are meant."""
    employees = [row.id for row in find_all(call, Employee, params.get("employeeIds") or [])]
    groups = [row.id for row in find_all(call, UserGroup, params.get("userGroupIds") or [])]
    return [(EmployeeRole, EmployeeRole.employee_id, employees), (UserGroupRole, UserGroupRole.user_group_id, groups)]


class PermissionRow(Record):
    """One permission."""

    permission = Text("权限")
    title = Text("接口标题")
    code = Text("接口编号")
    isChange = Flag("是否修改数据")
    isHeld = Flag("调用者是否拥有")


class PermissionListResult(Record):
    """All permissions."""

    permissions = Items(PermissionRow, "权限列表")


@operation("X17", "/api/ext/permission/list", clause="X17", title="查询权限列表", response=PermissionListResult, hook=False)
def permission_list(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """List every permission that a role or an API group can have: one for each operation, and those to move things between departments."""
    catalogue = full_catalogue()
    by_permission = {rights.permission_of(each): each for each in catalogue if not each.public}
    rows = []
    for permission in rights.known_permissions(catalogue):
        found = by_permission.get(permission)
        rows.append(
            {
                "permission": permission,
                "title": found.title if found else "移动到其他部门",
                "code": found.code if found else "",
                "isChange": found.writes if found else True,
                "isHeld": rights.allows(call.caller.permissions, permission),
            }
        )
    return {"permissions": rows}
