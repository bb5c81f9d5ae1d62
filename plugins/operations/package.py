"""Process packages (clause 6.2.4)."""
from __future__ import annotations

from plugins.context import Context
from plugins.fields import Flag, Id, Items, Record, Text, Upload, Whole
from plugins.operation import Answer, Params, operation
from plugins.paging import ListRequest, ListResult
from plugins.records import CreateRequest, Dated


class PackageCreateRequest(CreateRequest):
    """Table 21."""

    packageName = Text("流程包名称", longest=128, required=True)
    package = Upload("流程包", required=True)
    packageVersion = Text("流程包版本", longest=64, required=True)
    depId = Id("部门 ID", kind="department", required=True)


class PackageCreateResult(Record):
    """Table 22."""

    packageId = Id("流程包 ID", kind="package")


@operation(
    "P11", "/api/platform/package/create", clause="6.2.4.1", title="创建流程包",
    request=PackageCreateRequest, response=PackageCreateResult,
)
def package_create(ctx: Context, params: Params) -> Answer:
    """Upload one version of a process package."""


class PackageDeleteRequest(Record):
    """Table 23."""

    packageId = Id("流程包 ID", kind="package", required=True)


@operation("P12", "/api/platform/package/delete", clause="6.2.4.2", title="删除流程包", request=PackageDeleteRequest)
def package_delete(ctx: Context, params: Params) -> Answer:
    """Delete a process package that no process has active."""


class PackageQueryRequest(ListRequest):
    """Table 24."""

    depId = Id("部门 ID", kind="department")


class PackageRow(Dated):
    """One element of ``packageList`` (Table 25)."""

    packageName = Text("流程包名称", longest=128)
    packageId = Id("流程包 ID", kind="package")
    packageVersion = Text("流程包版本", longest=64)
    packageUrl = Text("流程包下载地址", longest=4096)
    depId = Id("部门 ID", kind="department")
    isDeleted = Flag("是否删除")
    digest = Text("内容摘要（SHA-256，十六进制）", longest=128, additive=True)
    size = Whole("内容大小（字节）", additive=True)


class PackageQueryResult(ListResult):
    """Table 25."""

    packageList = Items(PackageRow, "流程包列表")
    packages = Items(PackageRow, "同 packageList", attribute="packageList", dump_only=True, additive=True)


@operation(
    "P13", "/api/platform/package/query", clause="6.2.4.3", title="查询流程包列表",
    request=PackageQueryRequest, response=PackageQueryResult,
)
def package_query(ctx: Context, params: Params) -> Answer:
    """List the process packages of a department and of those below it."""
