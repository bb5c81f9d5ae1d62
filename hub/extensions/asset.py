"""Assets at run time (X14): their values for running tasks."""
from __future__ import annotations

from typing import Any

from hub.call import Call
from hub.models import Asset
from hub.robots.run_time import granted, running_task
from hub.services.asset import PURPOSE
from plugins.fields import Id, Record, Text, Whole
from plugins.operation import operation


class AssetLeaseRequest(Record):
    """An asset, by id or name, for a running task."""

    taskId = Id("正在执行的任务 ID", kind="task", required=True)
    assetId = Id("资产 ID，与资产名称提供其一", kind="asset")
    assetName = Text("资产名称", longest=128)


class AssetLeaseResult(Record):
    """The value and its type."""

    assetId = Id("资产 ID", kind="asset")
    assetName = Text("资产名称", longest=128)
    dataType = Whole("数据类型（0-文本 1-布尔 2-数值 3-哈希表）", choices=(0, 1, 2, 3))
    assetValue = Text("资产内容", longest=65536, secret=True)


@operation(
    "X14", "/api/ext/asset/lease", clause="X14", title="任务读取资产",
    request=AssetLeaseRequest, response=AssetLeaseResult, hook=False,
)
def asset_lease(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Tell a running task the value of an asset. For the robot that runs the task, where it may use the asset; the audit log has its name."""
    running_task(call, params["taskId"])
    row = granted(call, Asset, params.get("assetId"), params.get("assetName"), "asset")
    value = call.hub.vault.open(row.sealed_value, PURPOSE)
    return {"assetId": row.id, "assetName": row.name, "dataType": row.data_type, "assetValue": value}
