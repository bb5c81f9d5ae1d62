"""Tasks: single runs of processes (clause 6.2.7)."""
from __future__ import annotations

from plugins.context import Context
from plugins.fields import Flag, Id, Items, Moment, Record, Text, Whole
from plugins.operation import Answer, Params, operation
from plugins.paging import ListRequest, ListResult
from plugins.records import TASK_STATES, Parameter, QueryResult, StartedBetween, TaskOptions, TaskProgress, Warned


class TaskCreateRequest(TaskOptions, Warned):
    """Table 42; priority and isRecord may be left out, where that is forgiven (erratum E41)."""

    processId = Id("流程 ID", kind="process", required=True)
    totalCount = Whole("创建数量", least=1)
    robotIds = Items(Id(kind="robot"), "机器人 ID 组")
    robotGroupId = Id("机器人组 ID", kind="robot_group")
    priority = Whole("优先级（0-高 1-中 2-低）", choices=(0, 1, 2), required=True, forgiving=True)
    isRecord = Flag("是否录屏", required=True, forgiving=True)
    isWarn = Flag("是否报警")
    warnType = Whole("报警方式（0-邮件 1-短信 2-IM）", choices=(0, 1, 2))
    inParameters = Items(Parameter, "入参列表")
    maxRunTime = Whole("任务最长运行时长", least=0)
    maxWaitingTime = Whole("任务最长等待时间", least=0)


class TaskCreateResult(Record):
    """Table 43."""

    taskIds = Items(Id(kind="task"), "任务 ID 组")


@operation(
    "P24", "/api/platform/task/create", clause="6.2.7.1", title="启动任务",
    request=TaskCreateRequest, response=TaskCreateResult, emulated=False,
)
def task_create(ctx: Context, params: Params) -> Answer:
    """Start one or more tasks of a process."""


class TaskCancelRequest(Record):
    """Table 44."""

    taskId = Id("任务 ID", kind="task", required=True)


@operation("P25", "/api/platform/task/cancel", clause="6.2.7.2", title="取消任务", request=TaskCancelRequest, emulated=False)
def task_cancel(ctx: Context, params: Params) -> Answer:
    """Cancel a task that is queued, running or paused."""


class TaskPauseRequest(Record):
    """Table 45."""

    taskId = Id("任务 ID", kind="task", required=True)


@operation("P26", "/api/platform/task/pause", clause="6.2.7.3", title="暂停任务", request=TaskPauseRequest, emulated=False)
def task_pause(ctx: Context, params: Params) -> Answer:
    """Pause a running task at its next step, or hold a queued one."""


class TaskResumeRequest(Record):
    """Table 46."""

    taskId = Id("任务 ID", kind="task", required=True)


@operation("P27", "/api/platform/task/resume", clause="6.2.7.4", title="继续任务", request=TaskResumeRequest, emulated=False)
def task_resume(ctx: Context, params: Params) -> Answer:
    """Let a paused task go on."""


class TaskQueryRequest(Record):
    """Table 47."""

    taskId = Id("任务 ID", kind="task", required=True)


class TaskQueryResult(TaskProgress, Warned, QueryResult):
    """Table 48; only here taskStatus is printed as a string (erratum E38)."""

    createModeType = Whole("任务创建类型（0-管理平台启动 1-机器人客户端启动 2-api 启动）", choices=(0, 1, 2))
    depId = Id("部门 ID", kind="department")
    robotId = Id("机器人 ID", kind="robot")
    processId = Id("流程 ID", kind="process")
    triggerId = Id("调度 ID", kind="trigger")
    taskStatus = Whole("任务状态（0-成功 1-失败 2-进行中 3-已取消 4-暂停）", choices=(0, 1, 2, 3, 4), as_text=True)
    isRecord = Flag("是否录屏")
    recordFileIds = Items(Id(kind="recording"), "录屏文件 ID 组")
    isWarn = Flag("是否报警")
    warnType = Whole("报警方式（0-邮件 1-短信 2-IM）", choices=(0, 1, 2))
    inParameters = Items(Parameter, "入参列表")
    outParameters = Items(Parameter, "出参列表")
    priority = Whole("优先级（0-高 1-中 2-低）", choices=(0, 1, 2))
    startTime = Moment("开始时间，格式为 yyyy-MM-dd HH:mm:ss")
    stopTime = Moment("结束时间，格式为 yyyy-MM-dd HH:mm:ss")
    maxRunTime = Whole("任务最长运行时长")
    maxWaitingTime = Whole("任务最长等待时间")
    taskId = Id("任务 ID", kind="task", additive=True)
    processName = Text("流程名称", longest=128, additive=True)
    createMode = Text("任务创建方式（含 trigger-调度触发）", longest=64, additive=True)
    endTime = Moment("同 stopTime", attribute="stopTime", dump_only=True, additive=True)


@operation("P28", "/api/platform/task/query", clause="6.2.7.5", title="查询任务", request=TaskQueryRequest, response=TaskQueryResult)
def task_query(ctx: Context, params: Params) -> Answer:
    """Show one task."""


class TaskListRequest(StartedBetween, ListRequest):
    """Table 49."""

    runningStartTimeRange_startTime = Moment("任务开始运行时间范围_开始时间，格式为 yyyy-MM-dd HH:mm:ss")
    runningStartTimeRange_endTime = Moment("任务开始运行时间范围_结束时间，格式为 yyyy-MM-dd HH:mm:ss")
    processId = Id("流程 ID", kind="process")
    depId = Id("部门 ID", kind="department")
    robotId = Id("机器人 ID", kind="robot", additive=True)
    triggerId = Id("调度 ID", kind="trigger", additive=True)
    taskStatus = Whole("任务状态（0-成功 1-失败 2-进行中 3-已取消 4-暂停）", choices=(0, 1, 2, 3, 4), additive=True)
    taskState = Text("任务详细状态", choices=TASK_STATES, additive=True)


class TaskRow(TaskProgress):
    """One element of ``tasks`` (Table 50)."""

    taskId = Id("任务 ID", kind="task")
    depId = Id("部门 ID", kind="department")
    robotId = Id("机器人 ID", kind="robot")
    processId = Id("流程 ID", kind="process")
    taskStatus = Whole("任务状态（0-成功 1-失败 2-进行中 3-已取消 4-暂停）", choices=(0, 1, 2, 3, 4))
    startTime = Moment("开始时间，格式为 yyyy-MM-dd HH:mm:ss")
    endTime = Moment("结束时间，格式为 yyyy-MM-dd HH:mm:ss")
    stopTime = Moment("同 endTime", attribute="endTime", dump_only=True, additive=True)
    recordFileIds = Items(Id(kind="recording"), "录屏文件 ID 组", additive=True)


class TaskListResult(ListResult):
    """Table 50."""

    tasks = Items(TaskRow, "任务列表")


@operation("P29", "/api/platform/task/list", clause="6.2.7.6", title="查询任务列表", request=TaskListRequest, response=TaskListResult)
def task_list(ctx: Context, params: Params) -> Answer:
    """List the tasks of a department and of those below it."""
