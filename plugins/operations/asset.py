"""Assets: named values for robots (clause 6.2.13)."""
from __future__ import annotations

from plugins.context import Context
from plugins.fields import Flag, Id, Items, Record, Text, Whole
from plugins.operation import Answer, Params, operation
from plugins.paging import ListRequest, ListResult
from plugins.records import CreateRequest, QueryResult


class AssetCreateRequest(CreateRequest):
    """Table 96; dataType 3 is ours (erratum E44), remark is printed as int by mistake (E35)."""

    assetName = Text("资产名称", longest=128, required=True)
    assetValue = Text("资产内容", longest=65536, secret=True, required=True)
    dataType = Whole("资产数据类型（0-文本 1-布尔 2-数值 3-哈希）", choices=(0, 1, 2, 3), required=True)
    isGlobal = Flag("是否全局", required=True)
    robotIds = Items(Id(kind="robot"), "机器人 ID 组")
    depId = Id("部门 ID", kind="department", required=True)
    remark = Text("备注", longest=1024, or_number=True)


class AssetCreateResult(Record):
    """Table 97."""

    assetId = Id("资产 ID", kind="asset")


@operation("P57", "/api/platform/asset/create", clause="6.2.13.1", title="创建资产", request=AssetCreateRequest, response=AssetCreateResult)
def asset_create(ctx: Context, params: Params) -> Answer:
    """Store a value for all robots of the department or for certain ones."""


class AssetDeleteRequest(Record):
    """Table 98."""

    assetId = Id("资产 ID", kind="asset", required=True)


@operation("P58", "/api/platform/asset/delete", clause="6.2.13.2", title="删除资产", request=AssetDeleteRequest)
def asset_delete(ctx: Context, params: Params) -> Answer:
    """Delete an asset."""


class AssetUpdateRequest(Record):
    """Table 99."""

    assetId = Id("资产 ID", kind="asset", required=True)
    assetName = Text("资产名称", longest=128)
    assetValue = Text("资产内容", longest=65536, secret=True)
    isGlobal = Flag("是否全局")
    robotIds = Items(Id(kind="robot"), "机器人 ID 组")
    remark = Text("备注", longest=1024, or_number=True)
    depId = Id("部门 ID", kind="department", additive=True)
    dataType = Whole("资产数据类型（0-文本 1-布尔 2-数值 3-哈希）", choices=(0, 1, 2, 3), additive=True)


@operation("P59", "/api/platform/asset/update", clause="6.2.13.3", title="更新资产", request=AssetUpdateRequest)
def asset_update(ctx: Context, params: Params) -> Answer:
    """Change an asset."""


class AssetQueryRequest(Record):
    """Table 100."""

    assetId = Id("资产 ID", kind="asset", required=True)


class AssetQueryResult(QueryResult):
    """Table 101."""

    assetName = Text("资产名称", longest=128)
    assetValue = Text("资产内容", longest=65536, secret=True)
    dataType = Whole("资产数据类型（0-文本 1-布尔 2-数值 3-哈希）", choices=(0, 1, 2, 3))
    isGlobal = Flag("是否全局")
    robotIds = Items(Id(kind="robot"), "机器人 ID 组")
    remark = Text("备注", longest=1024)
    isDeleted = Flag("是否删除")
    depId = Id("部门 ID", kind="department")
    assetId = Id("资产 ID", kind="asset", additive=True)


@operation("P60", "/api/platform/asset/query", clause="6.2.13.4", title="查询资产", request=AssetQueryRequest, response=AssetQueryResult)
def asset_query(ctx: Context, params: Params) -> Answer:
    """Show one asset."""


class AssetListRequest(ListRequest):
    """Table 102."""

    depId = Id("部门 ID", kind="department")


class AssetRow(Record):
    """One element of ``assets`` (Table 103)."""

    assetId = Id("资产 ID", kind="asset")
    assetName = Text("资产名称", longest=128)
    depId = Id("部门 ID", kind="department")
    isDeleted = Flag("是否删除")


class AssetListResult(ListResult):
    """Table 103."""

    assets = Items(AssetRow, "资产列表")


@operation("P61", "/api/platform/asset/list", clause="6.2.13.5", title="查询资产列表", request=AssetListRequest, response=AssetListResult)
def asset_list(ctx: Context, params: Params) -> Answer:
    """List the assets of a department and of those below it."""
