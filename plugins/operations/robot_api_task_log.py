"""A robot's own interface: the logs of its tasks (clause 6.3.7)."""
from __future__ import annotations

from plugins.context import Context
from plugins.fields import Id, Instant, Items, Level, Moment, Record, Text, Whole
from plugins.operation import Answer, Params, operation
from plugins.records import LogFilter


class RobotApiTaskLogQueryRequest(LogFilter):
    """Table 156."""

    taskId = Id("任务 ID", kind="task", required=True)
    logLevel = Level("日志等级（trace, debug, info, warn, error）")


class RobotApiTaskLogRow(Record):
    """One element of ``logs`` (Table 157)."""

    logTime = Moment("日志时间，格式为 yyyy-MM-dd HH:mm:ss")
    logLevel = Level("日志等级（trace, debug, info, warn, error）")
    message = Text("日志信息", longest=65536)
    logAt = Instant("日志时间，ISO 8601，含毫秒和时区", attribute="logTime", dump_only=True, additive=True)
    seq = Whole("日志序号", additive=True)
    stepId = Text("步骤标识", longest=128, additive=True)


class RobotApiTaskLogQueryResult(Record):
    """Table 157."""

    logs = Items(RobotApiTaskLogRow, "日志记录数组")
    taskId = Id("任务 ID", kind="task", additive=True)


@operation(
    "R26", "/api/robot/task-log/query", clause="6.3.7.1", title="查询任务日志",
    request=RobotApiTaskLogQueryRequest, response=RobotApiTaskLogQueryResult, emulated=False,
)
def robot_api_task_log_query(ctx: Context, params: Params) -> Answer:
    """Show the log of a task of the robot."""
