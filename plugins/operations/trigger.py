"""Triggers: the schedules of processes (clause 6.2.6)."""
from __future__ import annotations

from typing import Any

from marshmallow import validates_schema

from plugins import codes
from plugins.context import Context
from plugins.fields import Flag, Id, Items, Moment, Record, Text, Whole, problem
from plugins.operation import Answer, Params, operation
from plugins.paging import ListRequest, ListResult
from plugins.records import Parameter, QueryResult, Warned


class TriggerPolicy(Record):
    """How a trigger behaves where the tables say nothing (errata E46 to E51)."""

    triggerType = Text(
        "调度方式（cron-定时 queue-数据队列 event-事件 hotkey-快捷键）",
        choices=("cron", "queue", "event", "hotkey"),
        additive=True,
    )
    queueId = Id("数据队列 ID", kind="data_queue", additive=True)
    minItems = Whole("触发所需的最少队列数据项数", least=1, additive=True)
    maxTasks = Whole("一次触发最多创建的任务数", least=1, additive=True)
    packageId = Id("流程包 ID，缺省为触发时流程激活的版本", kind="package", additive=True)
    dayShift = Text("遇非工作日的处理（skip-跳过 previous-提前 next-顺延）", choices=("skip", "previous", "next"), additive=True)
    misfire = Text("错过触发的处理（run-once-补一次 skip-跳过 all-全部补）", choices=("run-once", "skip", "all"), additive=True)
    misfireGrace = Whole("错过触发的宽限时长（秒）", least=0, additive=True)
    overlap = Text(
        "上次任务未结束时的处理（queue-排队 skip-跳过 parallel-并行 replace-替换）",
        choices=("queue", "skip", "parallel", "replace"),
        additive=True,
    )
    adapterPolicy = Text("厂商连接选择策略", longest=64, additive=True)


class Fires(Record):
    """What a trigger's expression means, so that whoever wrote it sees at once whether it was meant so (erratum E46)."""

    cronDescription = Text("cron 表达式的中文说明", longest=1024, additive=True)
    nextFireTimes = Items(Moment(), "后续触发时间（最多 5 次，按时区和日历计算；未激活时为空）", additive=True)


class TriggerCreateRequest(TriggerPolicy, Warned):
    """Table 34; isRecord may be left out, where that is forgiven (erratum E41), and so may the cron expression of other types."""

    triggerName = Text("调度名称", longest=128, required=True)
    description = Text("调度描述", longest=1024)
    isActivated = Flag("是否激活")
    depId = Id("部门 ID", kind="department", required=True)
    processId = Id("流程 ID", kind="process", required=True)
    priority = Whole("优先级（0-高 1-中 2-低）", choices=(0, 1, 2))
    assignType = Whole("分配类型（0-全部 robot 1-自动分配 2-指定 robot）", choices=(0, 1, 2), required=True)
    robotIds = Items(Id(kind="robot"), "机器人 ID 组")
    robotGroupId = Id("机器人组 ID", kind="robot_group")
    inParameters = Items(Parameter, "入参列表")
    isRecord = Flag("是否录屏", required=True, forgiving=True)
    isWarn = Flag("是否报警")
    warnType = Whole("报警方式（0-邮件 1-短信 2-IM）", choices=(0, 1, 2))
    cronExpression = Text("cron 表达式", longest=120, required=True, forgiving=True)
    isDefineCalendar = Flag("是否启用自定义日历", required=True)
    calendarId = Id("日历 ID", kind="calendar")
    timeZone = Text("时区", longest=64)
    maxRunTime = Whole("任务最长运行时长", least=0)
    maxWaitingTime = Whole("任务最长等待时间", least=0)

    @validates_schema(pass_original=True)
    def _needs_cron(self, data: dict[str, Any], original: dict[str, Any], **_: Any) -> None:
        if data.get("triggerType", "cron") != "cron" or "cronExpression" in data:
            return
        if "cronExpression" in original:
            raise problem(codes.PARAMETER_EMPTY, "参数不能为空", "cronExpression")
        raise problem(codes.PARAMETER_MISSING, "缺少必填参数", "cronExpression")


class TriggerCreateResult(Fires):
    """Table 35."""

    triggerId = Id("调度 ID", kind="trigger")


@operation(
    "P19", "/api/platform/trigger/create", clause="6.2.6.1", title="创建调度",
    request=TriggerCreateRequest, response=TriggerCreateResult,
)
def trigger_create(ctx: Context, params: Params) -> Answer:
    """Create a trigger that starts a process by itself."""


class TriggerDeleteRequest(Record):
    """Table 36."""

    triggerId = Id("调度 ID", kind="trigger", required=True)


class TriggerDeleteResult(Record):
    """Nothing in print; says what else was touched (erratum E77)."""

    cancelledTaskIds = Items(Id(kind="task"), "被取消的排队任务 ID 组", additive=True)


@operation(
    "P20", "/api/platform/trigger/delete", clause="6.2.6.2", title="删除调度",
    request=TriggerDeleteRequest, response=TriggerDeleteResult,
)
def trigger_delete(ctx: Context, params: Params) -> Answer:
    """Delete a trigger; its queued tasks are cancelled, running ones finish."""


class TriggerUpdateRequest(TriggerPolicy, Warned):
    """Table 37."""

    triggerId = Id("调度 ID", kind="trigger", required=True)
    triggerName = Text("调度名称", longest=128)
    description = Text("调度描述", longest=1024)
    isActivated = Flag("是否激活")
    processId = Id("流程 ID", kind="process")
    priority = Whole("优先级（0-高 1-中 2-低）", choices=(0, 1, 2))
    assignType = Whole("分配类型（0-全部 robot 1-自动分配 2-指定 robot）", choices=(0, 1, 2))
    inParameters = Items(Parameter, "入参列表")
    robotIds = Items(Id(kind="robot"), "机器人 ID 组")
    robotGroupId = Id("机器人组 ID", kind="robot_group")
    isRecord = Flag("是否录屏")
    isWarn = Flag("是否报警")
    warnType = Whole("报警方式（0-邮件 1-短信 2-IM）", choices=(0, 1, 2))
    cronExpression = Text("cron 表达式", longest=120)
    isDefineCalendar = Flag("是否启用自定义日历")
    calendarId = Id("日历 ID", kind="calendar")
    timeZone = Text("时区", longest=64)
    maxRunTime = Whole("任务最长运行时长", least=0)
    maxWaitingTime = Whole("任务最长等待时间", least=0)
    depId = Id("部门 ID", kind="department", additive=True)


class TriggerUpdateResult(Fires):
    """Nothing in print."""


@operation(
    "P21", "/api/platform/trigger/update", clause="6.2.6.3", title="更新调度",
    request=TriggerUpdateRequest, response=TriggerUpdateResult,
)
def trigger_update(ctx: Context, params: Params) -> Answer:
    """Change a trigger, or switch it on or off."""


class TriggerQueryRequest(Record):
    """Table 38."""

    triggerId = Id("调度 ID", kind="trigger", required=True)


class TriggerQueryResult(TriggerPolicy, Fires, Warned, QueryResult):
    """Table 39."""

    depId = Id("部门 ID", kind="department")
    triggerName = Text("调度名称", longest=128)
    description = Text("调度描述", longest=1024)
    isActivated = Flag("是否激活")
    processId = Id("流程 ID", kind="process")
    priority = Whole("优先级（0-高 1-中 2-低）", choices=(0, 1, 2))
    assignType = Whole("分配类型（0-全部 robot 1-自动分配 2-指定 robot）", choices=(0, 1, 2))
    inParameters = Items(Parameter, "入参列表")
    robotIds = Items(Id(kind="robot"), "机器人 ID 组")
    robotGroupId = Id("机器人组 ID", kind="robot_group")
    isRecord = Flag("是否录屏")
    isWarn = Flag("是否报警")
    warnType = Whole("报警方式（0-邮件 1-短信 2-IM）", choices=(0, 1, 2))
    cronExpression = Text("cron 表达式", longest=120)
    isDefineCalendar = Flag("是否启用自定义日历")
    calendarId = Id("日历 ID", kind="calendar")
    timeZone = Text("时区", longest=64)
    maxRunTime = Whole("任务最长运行时长")
    maxWaitingTime = Whole("任务最长等待时间")
    isDeleted = Flag("是否删除")
    triggerId = Id("调度 ID", kind="trigger", additive=True)


@operation(
    "P22", "/api/platform/trigger/query", clause="6.2.6.4", title="查询调度",
    request=TriggerQueryRequest, response=TriggerQueryResult,
)
def trigger_query(ctx: Context, params: Params) -> Answer:
    """Show one trigger."""


class TriggerListRequest(ListRequest):
    """Table 40."""

    depId = Id("部门 ID", kind="department")
    isActivated = Flag("是否激活")
    processId = Id("流程 ID", kind="process")
    calendarId = Id("日历 ID", kind="calendar", additive=True)
    robotGroupId = Id("机器人组 ID", kind="robot_group", additive=True)


class TriggerRow(Record):
    """One element of ``triggers`` (Table 41)."""

    triggerId = Id("调度 ID", kind="trigger")
    triggerName = Text("调度名称", longest=128)
    description = Text("调度描述", longest=1024)
    isActivated = Flag("是否激活")
    depId = Id("部门 ID", kind="department")
    isDeleted = Flag("是否删除")


class TriggerListResult(ListResult):
    """Table 41."""

    triggers = Items(TriggerRow, "调度列表")


@operation(
    "P23", "/api/platform/trigger/list", clause="6.2.6.5", title="查询调度列表",
    request=TriggerListRequest, response=TriggerListResult,
)
def trigger_list(ctx: Context, params: Params) -> Answer:
    """List the triggers of a department and of those below it."""
