"""A robot's own interface: its tasks (clause 6.3.5)."""
from __future__ import annotations

from plugins.context import Context
from plugins.fields import Flag, Id, Items, Moment, Record, Text, Whole
from plugins.operation import Answer, Params, operation
from plugins.paging import ListRequest, ListResult
from plugins.records import TASK_STATES, Parameter, QueryResult, StartedBetween, TaskOptions, TaskProgress


class RobotApiTaskCreateRequest(TaskOptions):
    """Table 139; isRecord may be left out, where that is forgiven (erratum E41)."""

    processId = Id("流程 ID", kind="process", required=True)
    totalCount = Whole("创建数量", least=1)
    priority = Whole("优先级（0-高 1-中 2-低）", choices=(0, 1, 2))
    isRecord = Flag("是否录屏", required=True, forgiving=True)
    inParameters = Items(Parameter, "入参列表")
    maxRunTime = Whole("任务最长运行时长", least=0)
    maxWaitingTime = Whole("任务最长等待时间", least=0)


class RobotApiTaskCreateResult(Record):
    """Table 140."""

    taskIds = Items(Id(kind="task"), "任务 ID 组")


@operation(
    "R15", "/api/robot/task/create", clause="6.3.5.1", title="启动任务",
    request=RobotApiTaskCreateRequest, response=RobotApiTaskCreateResult, emulated=False,
)
def robot_api_task_create(ctx: Context, params: Params) -> Answer:
    """Start one or more tasks of a process on the robot."""


class RobotApiTaskCancelRequest(Record):
    """Table 141."""

    taskId = Id("任务 ID", kind="task", required=True)


@operation("R16", "/api/robot/task/cancel", clause="6.3.5.2", title="取消任务", request=RobotApiTaskCancelRequest, emulated=False)
def robot_api_task_cancel(ctx: Context, params: Params) -> Answer:
    """Cancel a task that is queued, running or paused on the robot."""


class RobotApiTaskPauseRequest(Record):
    """Table 142."""

    taskId = Id("任务 ID", kind="task", required=True)


@operation("R17", "/api/robot/task/pause", clause="6.3.5.3", title="暂停任务", request=RobotApiTaskPauseRequest, emulated=False)
def robot_api_task_pause(ctx: Context, params: Params) -> Answer:
    """Pause a running task at its next step, or hold a queued one."""


class RobotApiTaskResumeRequest(Record):
    """Table 143."""

    taskId = Id("任务 ID", kind="task", required=True)


# Printed without the leading slash (erratum E28).
@operation("R18", "/api/robot/task/resume", clause="6.3.5.4", title="继续任务", request=RobotApiTaskResumeRequest, emulated=False)
def robot_api_task_resume(ctx: Context, params: Params) -> Answer:
    """Let a paused task go on."""


class RobotApiTaskQueryRequest(Record):
    """Table 144."""

    taskId = Id("任务 ID", kind="task", required=True)


class RobotApiTaskQueryResult(TaskProgress, QueryResult):
    """Table 145."""

    processId = Id("流程 ID", kind="process")
    processName = Text("流程名称", longest=128)
    taskStatus = Whole("任务状态（0-成功 1-失败 2-进行中 3-已取消 4-暂停）", choices=(0, 1, 2, 3, 4))
    isRecord = Flag("是否录屏")
    recordFileIds = Items(Id(kind="recording"), "录屏文件 ID 组")
    inParameters = Items(Parameter, "入参列表")
    outParameters = Items(Parameter, "出参列表")
    priority = Whole("优先级（0-高 1-中 2-低）", choices=(0, 1, 2))
    startTime = Moment("开始时间，格式为 yyyy-MM-dd HH:mm:ss")
    stopTime = Moment("结束时间，格式为 yyyy-MM-dd HH:mm:ss")
    maxRunTime = Whole("任务最长运行时长")
    maxWaitingTime = Whole("任务最长等待时间")
    taskId = Id("任务 ID", kind="task", additive=True)
    endTime = Moment("同 stopTime", attribute="stopTime", dump_only=True, additive=True)


@operation(
    "R19", "/api/robot/task/query", clause="6.3.5.5", title="查询任务",
    request=RobotApiTaskQueryRequest, response=RobotApiTaskQueryResult,
)
def robot_api_task_query(ctx: Context, params: Params) -> Answer:
    """Show one task of the robot."""


class RobotApiTaskListRequest(StartedBetween, ListRequest):
    """Table 146."""

    runningStartTimeRange_startTime = Moment("任务开始运行时间范围_开始时间，格式为 yyyy-MM-dd HH:mm:ss")
    runningStartTimeRange_endTime = Moment("任务开始运行时间范围_结束时间，格式为 yyyy-MM-dd HH:mm:ss")
    processId = Id("流程 ID", kind="process")
    taskStatus = Whole("任务状态（0-成功 1-失败 2-进行中 3-已取消 4-暂停）", choices=(0, 1, 2, 3, 4), additive=True)
    taskState = Text("任务详细状态", choices=TASK_STATES, additive=True)


class RobotApiTaskRow(TaskProgress):
    """One element of ``tasks`` (Table 147)."""

    taskId = Id("任务 ID", kind="task")
    processId = Id("流程 ID", kind="process")
    taskStatus = Whole("任务状态（0-成功 1-失败 2-进行中 3-已取消 4-暂停）", choices=(0, 1, 2, 3, 4))
    isRecord = Flag("是否录屏")
    recordFileIds = Items(Id(kind="recording"), "录屏文件 ID 组")
    startTime = Moment("开始时间，格式为 yyyy-MM-dd HH:mm:ss")
    endTime = Moment("结束时间，格式为 yyyy-MM-dd HH:mm:ss")
    stopTime = Moment("同 endTime", attribute="endTime", dump_only=True, additive=True)


class RobotApiTaskListResult(ListResult):
    """Table 147."""

    tasks = Items(RobotApiTaskRow, "任务列表")


@operation(
    "R20", "/api/robot/task/list", clause="6.3.5.6", title="查询任务列表",
    request=RobotApiTaskListRequest, response=RobotApiTaskListResult,
)
def robot_api_task_list(ctx: Context, params: Params) -> Answer:
    """List the tasks of the robot."""
