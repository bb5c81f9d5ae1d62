"""Machines, on which robots run (clause 6.2.9)."""
from __future__ import annotations

from plugins.context import Context
from plugins.fields import Flag, Id, Items, Json, Moment, Part, Record, Text
from plugins.operation import Answer, Params, operation
from plugins.paging import ListRequest, ListResult
from plugins.records import RESOURCE_TYPES, CreateRequest, Dated, QueryResult, ResourceInfo


class MachineCreateRequest(CreateRequest):
    """Table 58."""

    machineName = Text("计算机名", longest=128, required=True)
    remark = Text("备注", longest=1024)


class MachineCreateResult(Record):
    """Table 59."""

    machineId = Id("机器 ID", kind="machine")


@operation(
    "P34", "/api/platform/machine/create", clause="6.2.9.1", title="创建服务器",
    request=MachineCreateRequest, response=MachineCreateResult,
)
def machine_create(ctx: Context, params: Params) -> Answer:
    """Register a machine."""


class MachineDeleteRequest(Record):
    """Table 60."""

    machineId = Id("机器 ID", kind="machine", required=True)


@operation("P35", "/api/platform/machine/delete", clause="6.2.9.2", title="删除服务器", request=MachineDeleteRequest)
def machine_delete(ctx: Context, params: Params) -> Answer:
    """Delete a machine."""


class MachineUpdateRequest(Record):
    """Table 61."""

    machineId = Id("机器 ID", kind="machine", required=True)
    machineName = Text("计算机名", longest=128)
    remark = Text("备注", longest=1024)


@operation("P36", "/api/platform/machine/update", clause="6.2.9.3", title="更新服务器", request=MachineUpdateRequest)
def machine_update(ctx: Context, params: Params) -> Answer:
    """Change a machine's particulars."""


class MachineQueryRequest(Record):
    """Table 62; the types are read in any case, since ``systemversion`` is spelt so here only (erratum E32)."""

    machineId = Id("机器 ID", kind="machine", required=True)
    resourceTypes = Items(
        Text(choices=RESOURCE_TYPES, any_case=True),
        "需要获取服务器资源信息的类型，为空则返回所有类型的资源信息，目前支持的类型包括：machineName：计算机名 ip：机器 IP 地址 "
        "cpu：CPU 使用率 disk：磁盘空间大小和使用率 memory：内存大小和使用率 systemversion：操作系统版本",
    )


class MachineQueryResult(QueryResult):
    """Table 63."""

    resourceInfo = Part(ResourceInfo, "返回服务资源信息")
    isDeleted = Flag("是否删除")
    machineId = Id("机器 ID", kind="machine", additive=True)
    machineName = Text("计算机名", longest=128, additive=True)
    resourceDetail = Json("结构化的资源数据", additive=True)
    resourceTime = Moment("资源数据的采集时间，格式为 yyyy-MM-dd HH:mm:ss", additive=True)


@operation(
    "P37", "/api/platform/machine/query", clause="6.2.9.4", title="查询服务器信息",
    request=MachineQueryRequest, response=MachineQueryResult, emulated=False,
)
def machine_query(ctx: Context, params: Params) -> Answer:
    """Show the hardware and software of a machine and how busy it is."""


class MachineListRequest(ListRequest):
    """Table 64."""


class MachineRow(Dated):
    """One element of ``machines`` (Table 65, which calls them robots: erratum E33)."""

    machineId = Id("机器 ID", kind="machine")
    remark = Text("备注", longest=1024)
    isDeleted = Flag("是否删除")
    machineName = Text("计算机名", longest=128, additive=True)


class MachineListResult(ListResult):
    """Table 65."""

    machines = Items(MachineRow, "机器人列表")


@operation(
    "P38", "/api/platform/machine/list", clause="6.2.9.5", title="查询服务器列表",
    request=MachineListRequest, response=MachineListResult,
)
def machine_list(ctx: Context, params: Params) -> Answer:
    """List the machines."""
