"""Live views of running tasks (X23; clause 5.3): log and pictures as they come."""
from __future__ import annotations

from datetime import timedelta
from typing import Any

import redis

from hub.call import Call
from hub.database import now
from hub.extensions.recording import running, shown
from hub.models import Task
from hub.scope import find
from hub.screens import live
from plugins.errors import HubError, NotFound
from plugins.fields import Flag, Id, Moment, Record, Text
from plugins.operation import operation


class LiveOpenRequest(Record):
    """A running task."""

    taskId = Id("任务 ID", kind="task", required=True)


class LiveOpenResult(Record):
    """The addresses of a view. They need no token and end with it."""

    liveId = Text("实时查看 ID", longest=32)
    logUrl = Text("日志流地址（text/event-stream，可凭 Last-Event-ID 续传）", longest=4096)
    framesUrl = Text("画面流地址（multipart/x-mixed-replace），无画面时为空", longest=4096)
    frameUrl = Text("单张画面地址（image/jpeg），无画面时为空", longest=4096)
    hasDisplay = Flag("任务是否有画面")
    reason = Text("没有画面的原因", longest=1024)
    expireTime = Moment("失效时间，格式为 yyyy-MM-dd HH:mm:ss")


@operation("X23", "/api/ext/live/open", clause="X23", title="打开实时查看", request=LiveOpenRequest, response=LiveOpenResult, hook=False)
def live_open(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Open a view of a running task: its log, and pictures of its desktop where it has one. Pictures are taken only while somebody asks for them."""
    task = running(call, params["taskId"])
    state = shown(call, task)
    lifetime = call.hub.settings.live_lifetime
    try:
        live_id = live.open_view(call.hub, task, call.caller.name, call.caller.token)
    except redis.RedisError as error:
        raise HubError("Redis 暂不可用") from error
    urls = {
        kind: f"{call.base_url.rstrip('/')}/api/ext/live/{kind}/{live_id}?sign={call.hub.vault.sign(live.signed_part(kind, live_id), lifetime)}"
        for kind in ("log", "frames", "frame")
    }
    return {
        "liveId": live_id,
        "logUrl": urls["log"],
        "framesUrl": urls["frames"] if state.has_display else "",
        "frameUrl": urls["frame"] if state.has_display else "",
        "hasDisplay": state.has_display,
        "reason": "" if state.has_display else state.reason,
        "expireTime": now() + timedelta(seconds=lifetime),
    }


class LiveCloseRequest(Record):
    """An open view."""

    liveId = Text("实时查看 ID", longest=32, pattern=r"[0-9a-f]{32}", required=True)


@operation("X23", "/api/ext/live/close", clause="X23", title="关闭实时查看", request=LiveCloseRequest, hook=False)
def live_close(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Close a view: its addresses lead nowhere from now on, and its streams end."""
    try:
        view = live.view_of(call.hub, params["liveId"])
        if view is None:
            raise NotFound("实时查看已失效或不存在")
        find(call, Task, view.task_id, deleted=True)
        live.close_view(call.hub, params["liveId"])
    except redis.RedisError as error:
        raise HubError("Redis 暂不可用") from error
    call.audit |= {"taskId": view.task_id, "viewer": view.viewer}
    return {}
