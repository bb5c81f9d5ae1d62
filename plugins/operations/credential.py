"""Credentials (clause 6.2.12)."""
from __future__ import annotations

from plugins.context import Context
from plugins.fields import Flag, Id, Items, Record, Text
from plugins.operation import Answer, Params, operation
from plugins.paging import ListRequest, ListResult
from plugins.records import CreateRequest, QueryResult


class CredentialCreateRequest(CreateRequest):
    """Table 88."""

    credentialName = Text("凭据名称", longest=128, required=True)
    credentialUsername = Text("凭据账号", longest=128, required=True)
    credentialPassword = Text("凭据密码（密文）", longest=4096, secret=True, required=True)
    remark = Text("凭据备注", longest=1024)
    isGlobal = Flag("是否为全局凭据", required=True)
    robotIds = Items(Id(kind="robot"), "机器人 ID 组")
    depId = Id("部门 ID", kind="department", required=True)


class CredentialCreateResult(Record):
    """Table 89."""

    credentialId = Id("凭据 ID", kind="credential")


@operation(
    "P52", "/api/platform/credential/create", clause="6.2.12.1", title="创建凭据",
    request=CredentialCreateRequest, response=CredentialCreateResult,
)
def credential_create(ctx: Context, params: Params) -> Answer:
    """Store a credential for all robots of the department or for certain ones."""


class CredentialDeleteRequest(Record):
    """Table 90."""

    credentialId = Id("凭据 ID", kind="credential", required=True)


@operation("P53", "/api/platform/credential/delete", clause="6.2.12.2", title="删除凭据", request=CredentialDeleteRequest)
def credential_delete(ctx: Context, params: Params) -> Answer:
    """Delete a credential."""


class CredentialUpdateRequest(Record):
    """Table 91."""

    credentialId = Id("凭据 ID", kind="credential", required=True)
    credentialName = Text("凭据名称", longest=128)
    credentialUsername = Text("凭据账号", longest=128)
    credentialPassword = Text("凭据密码（密文）", longest=4096, secret=True)
    isGlobal = Flag("是否为全局凭据")
    robotIds = Items(Id(kind="robot"), "机器人 ID 组")
    remark = Text("凭据备注", longest=1024)
    depId = Id("部门 ID", kind="department", additive=True)


@operation("P54", "/api/platform/credential/update", clause="6.2.12.3", title="更新凭据", request=CredentialUpdateRequest)
def credential_update(ctx: Context, params: Params) -> Answer:
    """Change a credential."""


class CredentialQueryRequest(Record):
    """Table 92."""

    credentialId = Id("凭据 ID", kind="credential", required=True)


class CredentialQueryResult(QueryResult):
    """Table 93."""

    credentialName = Text("凭据名称", longest=128)
    credentialUsername = Text("凭据账号", longest=128)
    credentialPassword = Text("凭据密码（密文）", longest=4096, secret=True)
    isGlobal = Flag("是否全局")
    robotIds = Items(Id(kind="robot"), "机器人 ID 组")
    remark = Text("凭据备注", longest=1024)
    depId = Id("部门 ID", kind="department")
    isDeleted = Flag("是否删除")
    credentialId = Id("凭据 ID", kind="credential", additive=True)


@operation(
    "P55", "/api/platform/credential/query", clause="6.2.12.4", title="查询凭据",
    request=CredentialQueryRequest, response=CredentialQueryResult,
)
def credential_query(ctx: Context, params: Params) -> Answer:
    """Show one credential."""


class CredentialListRequest(ListRequest):
    """Table 94."""

    depId = Id("部门 ID", kind="department")


class CredentialRow(Record):
    """One element of ``credentials`` (Table 95)."""

    credentialId = Id("凭据 ID", kind="credential")
    credentialName = Text("凭据名称", longest=128)
    depId = Id("部门 ID", kind="department")
    isDeleted = Flag("是否删除")


class CredentialListResult(ListResult):
    """Table 95."""

    credentials = Items(CredentialRow, "凭据列表")


@operation(
    "P56", "/api/platform/credential/list", clause="6.2.12.5", title="查询凭据列表",
    request=CredentialListRequest, response=CredentialListResult,
)
def credential_list(ctx: Context, params: Params) -> Answer:
    """List the credentials of a department and of those below it."""
