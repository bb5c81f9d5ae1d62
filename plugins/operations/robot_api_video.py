"""A robot's own interface: the recordings of its tasks (clause 6.3.7)."""
from __future__ import annotations

from plugins.context import Context
from plugins.fields import Id, Items, Moment, Record, Text
from plugins.operation import Answer, Params, operation


class RobotApiVideoQueryRequest(Record):
    """Table 158; only here taskId is printed as a string (erratum E36)."""

    taskId = Id("任务 ID", kind="task", as_text=True, required=True)


class RobotApiVideoRow(Record):
    """One element of ``recordFileInfos`` (Table 159)."""

    recordFileId = Id("录屏文件 ID", kind="recording")
    videoStartTime = Moment("录屏开始时间，格式为 yyyy-MM-dd HH:mm:ss")
    videoEndTime = Moment("录屏结束时间，格式为 yyyy-MM-dd HH:mm:ss")
    videoPath = Text("录屏文件的本地路径", longest=4096)
    url = Text("录屏文件下载地址", longest=4096, additive=True)
    digest = Text("内容摘要（SHA-256，十六进制）", longest=128, additive=True)


class RobotApiVideoQueryResult(Record):
    """Table 159."""

    recordFileInfos = Items(RobotApiVideoRow, "录屏文件信息（一个任务可能对应多个录屏）")
    taskId = Id("任务 ID", kind="task", additive=True)


@operation(
    "R27", "/api/robot/video/query", clause="6.3.7.2", title="查询任务录屏",
    request=RobotApiVideoQueryRequest, response=RobotApiVideoQueryResult, emulated=False,
)
def robot_api_video_query(ctx: Context, params: Params) -> Answer:
    """List the screen recordings of a task of the robot."""
