"""Records that several operations share: printed ones that recur in the tables, and our additive fields by theme."""
from __future__ import annotations

from typing import Any

from marshmallow import post_load, pre_load

from plugins.fields import Flag, Id, Items, Moment, Record, Text, Whole

TASK_STATES = ("queued", "dispatching", "running", "pausing", "paused", "succeeded", "failed", "cancelled", "timed_out", "missed")
ROBOT_STATES = ("idle", "running", "offline", "disabled", "paused", "upgrading", "unlicensed")
RESOURCE_TYPES = ("machineName", "ip", "cpu", "disk", "memory", "systemVersion")


class Parameter(Record):
    """One element of ``inParameters`` or ``outParameters``; a typed value travels as its JSON text (erratum E62)."""

    name = Text("参数名", longest=128, required=True)
    value = Text("参数值", longest=65536, load_default="")


class ResourceInfo(Record):
    """``resourceInfo`` (Tables 63 and 126): figures are texts such as ``37.5%`` and ``500GB/62.0%`` (erratum E34)."""

    machineName = Text("计算机名", longest=128)
    ip = Text("机器 IP 地址", longest=64)
    cpu = Text("CPU 的使用率", longest=64)
    disk = Text("磁盘空间大小和使用率", longest=64)
    memory = Text("内存大小和使用率", longest=64)
    systemVersion = Text("操作系统版本")


class CreateRequest(Record):
    """Makes a thing that lives on a vendor platform, which the caller may name."""

    adapter = Text("厂商连接名称，缺省时按关联对象、部门绑定和默认连接确定", longest=64, additive=True)


class Dated(Record):
    """When a thing in a list was made and last changed."""

    createTime = Moment("创建时间，格式为 yyyy-MM-dd HH:mm:ss", additive=True)
    updateTime = Moment("更新时间，格式为 yyyy-MM-dd HH:mm:ss", additive=True)


class QueryResult(Record):
    """What every query of one thing says beyond its table."""

    createTime = Moment("创建时间，格式为 yyyy-MM-dd HH:mm:ss", additive=True)
    updateTime = Moment("更新时间，格式为 yyyy-MM-dd HH:mm:ss", additive=True)
    adapter = Text("厂商连接名称", longest=64, additive=True)
    vendorId = Text("厂商平台中的标识", additive=True)


class Warned(Record):
    """How trouble is reported: one way as the tables print it, or several at once (erratum E45)."""

    warnTypes = Items(Whole(choices=(0, 1, 2)), "报警方式组（0-邮件 1-短信 2-IM）", additive=True)

    @pre_load
    def _take_several_ways(self, data: Any, **_: Any) -> Any:
        if self.strict or not isinstance(data, dict) or not isinstance(data.get("warnType"), list):
            return data
        return {key: value for key, value in data.items() if key != "warnType"} | {"warnTypes": data["warnType"]}

    @post_load
    def _agree(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Whoever reads the one finds the other: the first of several ways is the printed one."""
        if data.get("warnTypes"):
            data.setdefault("warnType", data["warnTypes"][0])
        elif "warnType" in data:
            data["warnTypes"] = [data["warnType"]]
        return data


class TaskOptions(Record):
    """What a caller may ask of new tasks beyond the tables."""

    packageId = Id("流程包 ID，缺省为流程当前激活的版本", kind="package", additive=True)
    idempotent = Flag("流程是否可安全重复执行", additive=True)
    dryRun = Flag("是否仅做校验和试运行", additive=True)


class TaskProgress(Record):
    """What a task says about itself beyond the tables (erratum E37)."""

    taskState = Text("任务详细状态", choices=TASK_STATES, additive=True)
    progress = Whole("任务进度百分比", least=0, most=100, additive=True)
    step = Text("当前步骤", additive=True)
    reason = Text("状态原因", longest=1024, additive=True)
    createTime = Moment("任务创建时间，格式为 yyyy-MM-dd HH:mm:ss", additive=True)
    actor = Text("任务发起者", longest=128, additive=True)
    packageVersion = Text("流程包版本", longest=64, additive=True)
    licenseType = Text("许可类型", longest=64, additive=True)
    taskType = Text("任务类型", longest=64, additive=True)


class StartedBetween(Record):
    """The camelCase forms of the printed time range, read as the printed ones (erratum E31)."""

    runningStartTimeRangeStartTime = Moment("同 runningStartTimeRange_startTime", additive=True)
    runningStartTimeRangeEndTime = Moment("同 runningStartTimeRange_endTime", additive=True)

    @post_load
    def _use_printed_names(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        for end in ("startTime", "endTime"):
            value = data.pop(f"runningStartTimeRange{end[0].upper()}{end[1:]}", None)
            if value is not None:
                data.setdefault(f"runningStartTimeRange_{end}", value)
        return data


class LogFilter(Record):
    """Which lines of a task log are wanted beyond the printed level (erratum E61)."""

    logLevelMode = Text("日志等级匹配方式（exact-仅该等级 min-该等级及以上）【默认 exact】", choices=("exact", "min"), additive=True)
    keyword = Text("模糊查询关键字", longest=128, additive=True)
    startTime = Moment("日志起始时间（含），格式为 yyyy-MM-dd HH:mm:ss", additive=True)
    endTime = Moment("日志截止时间（含），格式为 yyyy-MM-dd HH:mm:ss", additive=True)
    afterSeq = Whole("仅返回序号大于该值的日志", least=0, additive=True)
    limit = Whole("最多返回的日志条数", least=1, additive=True)
