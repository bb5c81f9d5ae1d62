"""Screen recordings of tasks (clause 6.2.11)."""
from __future__ import annotations

from plugins.context import Context
from plugins.fields import Id, Items, Moment, Record, Text
from plugins.operation import Answer, Params, operation


class VideoQueryRequest(Record):
    """Table 86."""

    taskId = Id("任务 ID", kind="task", required=True)


class VideoRow(Record):
    """One element of ``recordFileInfos`` (Table 87)."""

    recordFileId = Id("录屏文件 ID", kind="recording")
    videoStartTime = Moment("录屏开始时间，格式为 yyyy-MM-dd HH:mm:ss")
    videoEndTime = Moment("录屏结束时间，格式为 yyyy-MM-dd HH:mm:ss")
    url = Text("录屏文件下载地址", longest=4096)
    digest = Text("内容摘要（SHA-256，十六进制）", longest=128, additive=True)


class VideoQueryResult(Record):
    """Table 87."""

    recordFileInfos = Items(VideoRow, "录屏文件信息（一个任务可能对应多个录屏）")
    taskId = Id("任务 ID", kind="task", additive=True)


@operation(
    "P51", "/api/platform/video/query", clause="6.2.11.2", title="查询任务录屏",
    request=VideoQueryRequest, response=VideoQueryResult, emulated=False,
)
def video_query(ctx: Context, params: Params) -> Answer:
    """List the screen recordings of a task."""
