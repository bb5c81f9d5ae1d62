"""Applications (X30; clause 6.1.3.1): programs that call the interface with a secret, rights, addresses, a rate and a data scope of their own."""
from __future__ import annotations

import ipaddress
import secrets
from typing import Any

from sqlalchemy import select

from hub import auth, grants, rights
from hub.call import Call
from hub.models import ApiGroup, Application, Department
from hub.paging import page
from hub.resource import refuse_blank, refuse_taken, take_over
from hub.scope import find, find_all, home_of, within_department
from hub.security import new_token, token_digest
from plugins.errors import Conflict, InvalidInput
from plugins.fields import Flag, Id, Items, Moment, Record, Text, Whole
from plugins.operation import operation
from plugins.paging import ListRequest, ListResult

COLUMNS = {"appName": "name", "remark": "remark", "rateLimit": "rate_limit"}
MOST_NETWORKS = 256


class AppCreateRequest(Record):
    """What an application may do, from where, and how often. It sees the data of its department and those below."""

    appName = Text("应用名称，部门内唯一", longest=128, required=True)
    depId = Id("数据范围所在部门 ID，缺省为调用者所在部门", kind="department")
    apiGroupIds = Items(Id(kind="api_group"), "接口分组 ID 组", most=1000)
    allowIps = Items(Text(longest=64), "允许的来源 IP 或网段（CIDR），为空时不限制", most=MOST_NETWORKS)
    denyIps = Items(Text(longest=64), "禁止的来源 IP 或网段（CIDR），优先于允许", most=MOST_NETWORKS)
    rateLimit = Whole("每分钟最多调用次数，缺省按平台设置", least=1, most=10_000_000)
    remark = Text("备注", longest=1024)


class AppSecretResult(Record):
    """How the application signs in. The secret is shown this once and cannot be read again."""

    appId = Id("应用 ID", kind="app")
    clientId = Text("应用标识，用作 account/authenticate 的 username")
    clientSecret = Text("应用密钥，用作 account/authenticate 的 password，仅本次返回", secret=True)


@operation("X30", "/api/ext/app/create", clause="X30", title="创建应用", request=AppCreateRequest, response=AppSecretResult, hook=False)
def app_create(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Create an application; the hub makes its client id and its secret."""
    home = home_of(call, params.get("depId"))
    _refuse_taken(call, home.id, params["appName"])
    row = Application(department_id=home.id, client_id=auth.CLIENT_ID + secrets.token_hex(12))
    take_over(row, params, COLUMNS)
    row.api_groups = _grantable(call, params.get("apiGroupIds") or [])
    row.allow_ips, row.deny_ips = networks(params, "allowIps"), networks(params, "denyIps")
    secret = _new_secret(row)
    call.session.add(row)
    call.session.flush()
    return {"appId": row.id, "clientId": row.client_id, "clientSecret": secret}


def _refuse_taken(call: Call, department_id: int, name: str, but: int | None = None) -> None:
    refuse_taken(call, Application, f"应用 {name}", Application.department_id == department_id, Application.name == name, but=but)


def _grantable(call: Call, api_group_ids: list[int]) -> list[int]:
    """The ids of groups that the caller may grant, each once. Raises NotFound, and Refused for a group beyond the caller's rights."""
    groups = find_all(call, ApiGroup, api_group_ids)
    grants.require(call, (permission for group in groups for permission in group.permissions))
    return [group.id for group in groups]


def networks(params: dict[str, Any], name: str) -> list[str]:
    """The addresses and networks of a parameter in CIDR form, each once. Raises InvalidInput for what is neither."""
    found: list[str] = []
    for each in params.get(name) or []:
        try:
            network = str(ipaddress.ip_network(each.strip(), strict=False))
        except ValueError as error:
            raise InvalidInput(f"{name} 应为 IP 地址或 CIDR 网段") from error
        found += [network] if network not in found else []
    return found


def _new_secret(row: Application) -> str:
    secret = new_token()
    row.secret_hash = token_digest(secret)
    return secret


class AppRequest(Record):
    """Names one application."""

    appId = Id("应用 ID", kind="app", required=True)


@operation(
    "X30", "/api/ext/app/rotate-secret", clause="X30", title="更换应用密钥",
    request=AppRequest, response=AppSecretResult, hook=False,
)
def app_rotate_secret(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Give an application a new secret. The old one and all tokens that were got with it end at once."""
    row = _manageable(call, params["appId"])
    secret = _new_secret(row)
    auth.revoke_tokens(call.session, application_id=row.id)
    return {"appId": row.id, "clientId": row.client_id, "clientSecret": secret}


def _manageable(call: Call, app_id: int) -> Application:
    """An application for a change. Raises Refused where it may do more than the caller: its new secret would hand these rights over."""
    row = find(call, Application, app_id)
    grants.require(call, rights.permissions_of_groups(call.session, row.api_groups))
    return row


class AppUpdateRequest(AppCreateRequest, AppRequest):
    """What is to change; lists are replaced as a whole."""

    appName = Text("应用名称，部门内唯一", longest=128)
    depId = Id("数据范围所在部门 ID", kind="department")
    rateLimit = Whole("每分钟最多调用次数，0 表示按平台设置", least=0, most=10_000_000)


@operation("X30", "/api/ext/app/update", clause="X30", title="更新应用", request=AppUpdateRequest, hook=False)
def app_update(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Change an application; its tokens obey the new rules from the next call on."""
    refuse_blank(params, "appName")
    row = _manageable(call, params["appId"])
    take_over(row, params, COLUMNS)
    row.rate_limit = row.rate_limit or None
    if params.get("depId") is not None:
        row.department_id = find(call, Department, params["depId"]).id
    if params.get("apiGroupIds") is not None:
        row.api_groups = _grantable(call, params["apiGroupIds"])
    if params.get("allowIps") is not None:
        row.allow_ips = networks(params, "allowIps")
    if params.get("denyIps") is not None:
        row.deny_ips = networks(params, "denyIps")
    with call.session.no_autoflush:
        _refuse_taken(call, row.department_id, row.name, but=row.id)
    rights.changed(call.session)
    return {}


@operation("X30", "/api/ext/app/enable", clause="X30", title="启用应用", request=AppRequest, hook=False)
def app_enable(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Let an application sign in again. One of a deleted department has to be moved first."""
    row = _manageable(call, params["appId"])
    if call.session.get_one(Department, row.department_id).is_deleted:
        raise Conflict("应用所在部门已删除，请先将应用移动到其他部门")
    row.is_enabled = True
    return {}


@operation("X30", "/api/ext/app/disable", clause="X30", title="停用应用", request=AppRequest, hook=False)
def app_disable(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Shut an application out; its tokens end at once."""
    row = _manageable(call, params["appId"])
    row.is_enabled = False
    auth.revoke_tokens(call.session, application_id=row.id)
    return {}


@operation("X30", "/api/ext/app/delete", clause="X30", title="删除应用", request=AppRequest, hook=False)
def app_delete(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Delete an application; its tokens end at once."""
    row = _manageable(call, params["appId"])
    row.is_deleted = True
    row.secret_hash = ""
    auth.revoke_tokens(call.session, application_id=row.id)
    return {}


class AppRow(Record):
    """One application, without its secret."""

    appId = Id("应用 ID", kind="app")
    appName = Text("应用名称")
    clientId = Text("应用标识")
    depId = Id("数据范围所在部门 ID", kind="department")
    isEnabled = Flag("是否启用")
    rateLimit = Whole("每分钟最多调用次数，为空时按平台设置")
    lastUsedTime = Moment("最近一次登录时间")
    remark = Text("备注", longest=1024)
    isDeleted = Flag("是否删除")


class AppQueryResult(AppRow):
    """One application with its rights and addresses."""

    apiGroupIds = Items(Id(kind="api_group"), "接口分组 ID 组")
    permissions = Items(Text(), "全部接口权限")
    allowIps = Items(Text(), "允许的来源网段")
    denyIps = Items(Text(), "禁止的来源网段")
    createTime = Moment("创建时间")
    updateTime = Moment("更新时间")


@operation("X30", "/api/ext/app/query", clause="X30", title="查询应用", request=AppRequest, response=AppQueryResult, hook=False)
def app_query(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Show an application with what it may call and from where; never its secret."""
    row = find(call, Application, params["appId"], deleted=True)
    groups = select(ApiGroup.id).where(ApiGroup.id.in_(row.api_groups), ApiGroup.is_deleted.is_(False)).order_by(ApiGroup.id)
    return {
        **_shown(row),
        "apiGroupIds": list(call.session.scalars(groups)),
        "permissions": sorted(rights.permissions_of_groups(call.session, row.api_groups)),
        "allowIps": row.allow_ips,
        "denyIps": row.deny_ips,
        "createTime": row.created_at,
        "updateTime": row.updated_at,
    }


def _shown(row: Application) -> dict[str, Any]:
    return {
        "appId": row.id,
        "appName": row.name,
        "clientId": row.client_id,
        "depId": row.department_id,
        "isEnabled": row.is_enabled,
        "rateLimit": row.rate_limit,
        "lastUsedTime": row.last_used_at,
        "remark": row.remark,
        "isDeleted": row.is_deleted,
    }


class AppListRequest(ListRequest):
    """Which applications."""

    depId = Id("部门 ID", kind="department")


class AppListResult(ListResult):
    """A page of applications."""

    apps = Items(AppRow, "应用列表")


@operation("X30", "/api/ext/app/list", clause="X30", title="查询应用列表", request=AppListRequest, response=AppListResult, hook=False)
def app_list(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """List the applications of a department and of those below it."""
    statement = within_department(select(Application), Application, call, params.get("depId"), params.get("includeChildren") is False)
    rows, paging = page(call, statement, Application, params, search=(Application.name, Application.client_id, Application.remark))
    return {"apps": [_shown(row) for row in rows], **paging}
