"""Groups of operations (X30; clause 6.1.3.1): what an application is allowed to call."""
from __future__ import annotations

from typing import Any

from sqlalchemy import select

from hub import grants, rights
from hub.call import Call
from hub.models import ApiGroup, Application
from hub.paging import page
from hub.resource import refuse_blank, refuse_taken, take_over
from hub.scope import find, home_of, visible, within_department
from plugins.fields import Flag, Id, Items, Moment, Record, Text, Whole
from plugins.operation import operation
from plugins.paging import ListRequest, ListResult

COLUMNS = {"apiGroupName": "name", "remark": "remark"}
LONGEST_PERMISSION = 128


class ApiGroupCreateRequest(Record):
    """A group's name and the operations in it."""

    apiGroupName = Text("接口分组名称，部门内唯一", longest=128, required=True)
    permissions = Items(Text(longest=LONGEST_PERMISSION), "接口权限组，如 task:create、task:*", required=True)
    depId = Id("部门 ID，缺省为调用者所在部门", kind="department")
    remark = Text("备注", longest=1024)


class ApiGroupCreateResult(Record):
    """The new group."""

    apiGroupId = Id("接口分组 ID", kind="api_group")


@operation(
    "X30", "/api/ext/api-group/create", clause="X30", title="创建接口分组",
    request=ApiGroupCreateRequest, response=ApiGroupCreateResult, hook=False,
)
def api_group_create(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Create a group out of operations that the caller may call."""
    wanted = grants.known(params["permissions"])
    grants.require(call, wanted)
    home = home_of(call, params.get("depId"))
    _refuse_taken(call, home.id, params["apiGroupName"])
    row = ApiGroup(department_id=home.id, permissions=wanted)
    take_over(row, params, COLUMNS)
    call.session.add(row)
    call.session.flush()
    return {"apiGroupId": row.id}


def _refuse_taken(call: Call, department_id: int, name: str, but: int | None = None) -> None:
    refuse_taken(call, ApiGroup, f"接口分组 {name}", ApiGroup.department_id == department_id, ApiGroup.name == name, but=but)


class ApiGroupUpdateRequest(Record):
    """What is to change."""

    apiGroupId = Id("接口分组 ID", kind="api_group", required=True)
    apiGroupName = Text("接口分组名称，部门内唯一", longest=128)
    permissions = Items(Text(longest=LONGEST_PERMISSION), "接口权限组，给出时整体替换")
    remark = Text("备注", longest=1024)


@operation("X30", "/api/ext/api-group/update", clause="X30", title="更新接口分组", request=ApiGroupUpdateRequest, hook=False)
def api_group_update(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Change a group; its applications have the new permissions from the next call on."""
    refuse_blank(params, "apiGroupName")
    row = _changeable(call, params["apiGroupId"])
    if "apiGroupName" in params:
        _refuse_taken(call, row.department_id, params["apiGroupName"], but=row.id)
    take_over(row, params, COLUMNS)
    if params.get("permissions") is not None:
        wanted = grants.known(params["permissions"])
        grants.require(call, wanted)
        row.permissions = wanted
        rights.changed(call.session)
    return {}


def _changeable(call: Call, api_group_id: int) -> ApiGroup:
    row = find(call, ApiGroup, api_group_id)
    grants.require(call, row.permissions)
    return row


class ApiGroupRequest(Record):
    """Names one group."""

    apiGroupId = Id("接口分组 ID", kind="api_group", required=True)


class ApiGroupUsers(Record):
    """Which applications have a group, as far as the caller may see them."""

    appIds = Items(Id(kind="app"), "使用该分组的应用 ID 组")


@operation(
    "X30", "/api/ext/api-group/delete", clause="X30", title="删除接口分组",
    request=ApiGroupRequest, response=ApiGroupUsers, hook=False,
)
def api_group_delete(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Delete a group and take it from all applications; answers which they were."""
    row = _changeable(call, params["apiGroupId"])
    users = _users(call, row)
    row.is_deleted = True
    rights.changed(call.session)
    return {"appIds": users}


def _users(call: Call, row: ApiGroup) -> list[int]:
    applications = visible(select(Application).where(Application.is_deleted.is_(False)), Application, call)
    return [each.id for each in call.session.scalars(applications.order_by(Application.id)) if row.id in each.api_groups]


class ApiGroupRow(Record):
    """One group."""

    apiGroupId = Id("接口分组 ID", kind="api_group")
    apiGroupName = Text("接口分组名称")
    depId = Id("部门 ID", kind="department")
    remark = Text("备注", longest=1024)
    permissionCount = Whole("接口权限数量")
    isDeleted = Flag("是否删除")


class ApiGroupQueryResult(ApiGroupRow, ApiGroupUsers):
    """One group with its operations and who has it."""

    permissions = Items(Text(longest=LONGEST_PERMISSION), "接口权限组")
    createTime = Moment("创建时间")
    updateTime = Moment("更新时间")


@operation(
    "X30", "/api/ext/api-group/query", clause="X30", title="查询接口分组",
    request=ApiGroupRequest, response=ApiGroupQueryResult, hook=False,
)
def api_group_query(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Show a group with its operations and the applications that have it."""
    row = find(call, ApiGroup, params["apiGroupId"], deleted=True)
    return {
        **_shown(row),
        "appIds": [] if row.is_deleted else _users(call, row),
        "permissions": row.permissions,
        "createTime": row.created_at,
        "updateTime": row.updated_at,
    }


def _shown(row: ApiGroup) -> dict[str, Any]:
    return {
        "apiGroupId": row.id,
        "apiGroupName": row.name,
        "depId": row.department_id,
        "remark": row.remark,
        "permissionCount": len(row.permissions),
        "isDeleted": row.is_deleted,
    }


class ApiGroupListRequest(ListRequest):
    """Which groups."""

    depId = Id("部门 ID", kind="department")


class ApiGroupListResult(ListResult):
    """A page of groups."""

    apiGroups = Items(ApiGroupRow, "接口分组列表")


@operation(
    "X30", "/api/ext/api-group/list", clause="X30", title="查询接口分组列表",
    request=ApiGroupListRequest, response=ApiGroupListResult, hook=False,
)
def api_group_list(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """List the groups of a department and of those below it."""
    statement = within_department(select(ApiGroup), ApiGroup, call, params.get("depId"), params.get("includeChildren") is False)
    rows, paging = page(call, statement, ApiGroup, params, search=(ApiGroup.name, ApiGroup.remark))
    return {"apiGroups": [_shown(row) for row in rows], **paging}
