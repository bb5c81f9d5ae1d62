"""A robot's own interface: the machine that it runs on (clause 6.3.2)."""
from __future__ import annotations

from plugins.context import Context
from plugins.fields import Id, Items, Json, Part, Record, Text
from plugins.operation import Answer, Params, operation
from plugins.records import RESOURCE_TYPES, QueryResult, ResourceInfo


class RobotApiMachineQueryRequest(Record):
    """Table 125."""

    resourceTypes = Items(
        Text(choices=RESOURCE_TYPES, any_case=True),
        "需要获取服务器资源信息的类型，为空则返回所有信息，目前支持的类型包括：machineName：计算机名 ip：机器 IP 地址 "
        "cpu：CPU 使用率 disk：磁盘空间大小和使用率 memory：内存大小和使用率 systemVersion：操作系统版本",
    )


class RobotApiMachineQueryResult(QueryResult):
    """Table 126."""

    resourceInfo = Part(ResourceInfo, "返回服务资源信息")
    machineId = Id("机器 ID", kind="machine", additive=True)
    machineName = Text("计算机名", longest=128, additive=True)
    resourceDetail = Json("结构化的资源数据", additive=True)


@operation(
    "R06", "/api/robot/machine/query", clause="6.3.2", title="查询服务器信息",
    request=RobotApiMachineQueryRequest, response=RobotApiMachineQueryResult, emulated=False,
)
def robot_api_machine_query(ctx: Context, params: Params) -> Answer:
    """Show the hardware and software of the robot's machine and how busy it is."""
