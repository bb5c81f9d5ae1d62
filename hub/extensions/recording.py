"""Recordings of tasks (X23; clauses 5.3 and 5.4): switched on and off while a task runs, listed, handed out, and checked."""
from __future__ import annotations

import time
from typing import Any

import redis
from sqlalchemy import select

from hub import connections
from hub.api.downloads import signed_url
from hub.call import Call
from hub.models import Connection, Process, Recording, Robot, Task
from hub.paging import page
from hub.resource import dates
from hub.scope import find, visible
from hub.screens import recordings
from hub.screens.evidence import ALGORITHM
from hub.signing import pem
from hub.tasks import lifecycle
from hub.tasks.running import send_command
from hub.tasks.screen import State, state_of
from plugins import codes
from plugins.context import Command
from plugins.errors import Conflict, HubError, NotFound, NotSupported
from plugins.fields import Flag, Id, Items, Moment, Record, Text, Whole
from plugins.operation import operation
from plugins.paging import ListRequest, ListResult
from plugins.records import Dated

EFFECT_WAIT = 6.0
LOOK_INTERVAL = 0.1


class RecordingSwitchRequest(Record):
    """A running task."""

    taskId = Id("任务 ID", kind="task", required=True)


@operation("X23", "/api/ext/recording/start", clause="X23", title="开始录屏", request=RecordingSwitchRequest, hook=False)
def recording_start(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Record a running task from now on. One that has no desktop of its own, or whose robot cannot record, is refused with the reason (11001)."""
    task = running(call, params["taskId"])
    state = shown(call, task)
    if not state.has_display:
        raise HubError(state.reason, code=codes.ROBOT_STATE)
    if not state.is_recording:
        _switch(call, task, "record", wanted=True)
    return {}


@operation("X23", "/api/ext/recording/stop", clause="X23", title="停止录屏", request=RecordingSwitchRequest, hook=False)
def recording_stop(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """End the recording of a running task; what was recorded is stored. Recording may be started again, which makes another file."""
    task = running(call, params["taskId"])
    if shown(call, task).is_recording:
        _switch(call, task, "stop-recording", wanted=False)
    return {}


def running(call: Call, task_id: int) -> Task:
    """A task that a robot of ours runs. Raises Conflict for one that is not running, NotSupported (20102) for one on a vendor's platform."""
    task = find(call, Task, task_id)
    if task.state in lifecycle.ENDED:
        raise Conflict(code=codes.TASK_CANCELLED if task.state == "cancelled" else codes.TASK_STOPPED)
    connection = call.session.get_one(Connection, task.connection_id)
    if not connections.adapter_of(call.hub, connection).implements("task_run"):
        raise NotSupported("任务在厂商平台运行，平台无法查看或录制其画面")
    if task.state not in lifecycle.STARTED or not task.run_key:
        raise Conflict("任务尚未开始运行")
    return task


def shown(call: Call, task: Task) -> State:
    """What there is to see of a running task. Raises HubError (20001) while Redis is away."""
    try:
        return state_of(call.hub, task.run_key or "")
    except redis.RedisError as error:
        raise HubError("Redis 暂不可用") from error


def _switch(call: Call, task: Task, command: Command, *, wanted: bool) -> None:
    """Tell the run, and wait until it has done it, or says why it has not."""
    run_key = task.run_key or ""
    call.finish()
    if not send_command(call.hub, run_key, command):
        raise HubError("Redis 暂不可用")
    deadline = time.monotonic() + EFFECT_WAIT
    while time.monotonic() < deadline:
        state = shown(call, task)
        if state.is_recording == wanted:
            return
        if state.reason:
            raise HubError(state.reason, code=codes.ROBOT_STATE)
        time.sleep(LOOK_INTERVAL)
    raise HubError("机器人未及时响应，请稍后查询录屏列表", code=codes.ROBOT_STATE)


class RecordingListRequest(ListRequest):
    """Which recordings."""

    taskId = Id("任务 ID", kind="task")
    processId = Id("流程 ID", kind="process")
    robotId = Id("机器人 ID", kind="robot")


class RecordingRow(Dated):
    """One recording."""

    recordFileId = Id("录屏文件 ID", kind="recording")
    taskId = Id("任务 ID", kind="task")
    videoStartTime = Moment("录屏开始时间，格式为 yyyy-MM-dd HH:mm:ss")
    videoEndTime = Moment("录屏结束时间，格式为 yyyy-MM-dd HH:mm:ss")
    size = Whole("大小（字节）")
    digest = Text("内容摘要（SHA-256，十六进制）", longest=128)
    isSigned = Flag("是否有签名清单")
    isInterrupted = Flag("录屏是否中断（录屏程序或机器人被终止）")
    isDeleted = Flag("是否删除")


class RecordingListResult(ListResult):
    """A page of recordings."""

    recordings = Items(RecordingRow, "录屏列表")


@operation(
    "X23", "/api/ext/recording/list", clause="X23", title="查询录屏列表",
    request=RecordingListRequest, response=RecordingListResult, hook=False,
)
def recording_list(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """List recordings. Addresses of their contents are handed out one by one, by recording/download."""
    statement = visible(select(Recording).join(Task, Task.id == Recording.task_id), Task, call)
    filters: tuple[tuple[str, Any, Any], ...] = (
        ("taskId", Recording.task_id, Task), ("processId", Task.process_id, Process), ("robotId", Task.robot_id, Robot),
    )
    for name, column, model in filters:
        if params.get(name) is not None:
            statement = statement.where(column == find(call, model, params[name], deleted=True).id)
    sortable = {"recordFileId": Recording.id, "taskId": Recording.task_id, "videoStartTime": Recording.started_at}
    rows, paging = page(call, statement, Recording, params, sortable=sortable)
    return {"recordings": [_row(row) for row in rows], **paging}


def _row(row: Recording) -> dict[str, Any]:
    return {
        "recordFileId": row.id,
        "taskId": row.task_id,
        "videoStartTime": row.started_at,
        "videoEndTime": row.ended_at,
        "size": row.size,
        "digest": row.digest,
        "isSigned": row.signature is not None,
        "isInterrupted": bool((row.manifest or {}).get("isInterrupted")),
        "isDeleted": row.is_deleted,
        **dates(row),
    }


class RecordingRequest(Record):
    """One recording."""

    recordFileId = Id("录屏文件 ID", kind="recording", required=True)


class RecordingDownloadResult(Record):
    """Where the film is for a while, and what proves that it is the one that was recorded."""

    recordFileId = Id("录屏文件 ID", kind="recording")
    taskId = Id("任务 ID", kind="task")
    url = Text("录屏文件下载地址（限时有效）", longest=4096)
    fileName = Text("文件名")
    size = Whole("大小（字节）")
    digest = Text("内容摘要（SHA-256，十六进制）", longest=128)
    manifest = Text("签名清单文件的内容（JSON），与录屏文件一同保存，可离线验证", longest=65536)


@operation(
    "X23", "/api/ext/recording/download", clause="X23", title="获取录屏下载地址",
    request=RecordingRequest, response=RecordingDownloadResult, hook=False,
)
def recording_download(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Give a signed, expiring address of a recording, and its signed manifest. This, and each use of the address, goes to the audit log."""
    row = _find(call, params["recordFileId"])
    envelope = recordings.envelope_of(call.hub, row)
    call.audit["taskId"] = row.task_id
    return {
        "recordFileId": row.id,
        "taskId": row.task_id,
        "url": signed_url(call, "recording", row.id),
        "fileName": recordings.file_name(row),
        "size": row.size,
        "digest": row.digest,
        "manifest": recordings.envelope_text(envelope) if envelope else "",
    }


def _find(call: Call, key: int) -> Recording:
    """A recording of a task that the caller may see. Raises NotFound."""
    statement = visible(select(Recording).join(Task, Task.id == Recording.task_id), Task, call)
    row: Recording | None = call.session.scalar(statement.where(Recording.id == key, Recording.is_deleted.is_(False)))
    if row is None:
        raise NotFound(f"recording {key}")
    return row


class RecordingVerifyResult(Record):
    """What the check found."""

    isGenuine = Flag("内容、清单与签名是否一致")
    problem = Text("不一致的说明")


@operation(
    "X23", "/api/ext/recording/verify", clause="X23", title="验证录屏",
    request=RecordingRequest, response=RecordingVerifyResult, hook=False,
)
def recording_verify(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Read a stored recording through and compare it with its signed manifest: one changed byte is found."""
    row = _find(call, params["recordFileId"])
    call.finish()
    problem = recordings.problem_of(call.hub, row)
    call.audit["isGenuine"] = not problem
    return {"isGenuine": not problem, "problem": problem}


class RecordingKeyRequest(Record):
    """Which key; the one in force when none is named."""

    key = Text("密钥标识（清单中的 key）", longest=16, pattern=r"[0-9a-f]{16}")


class RecordingKeyResult(Record):
    """A public key with which manifests are checked."""

    key = Text("密钥标识")
    algorithm = Text("签名算法")
    publicKey = Text("公钥（base64，32 字节）", longest=64)
    publicKeyPem = Text("公钥（PEM）", longest=1024)
    createTime = Moment("密钥生成时间")


@operation(
    "X23", "/api/ext/recording/public-key", clause="X23", title="获取录屏签名公钥",
    request=RecordingKeyRequest, response=RecordingKeyResult, hook=False, writes=False,
)
def recording_public_key(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """The public key that the manifests of recordings are signed with. Keep it apart from the recordings that it is to prove."""
    key = call.hub.signer.public(params["key"]) if params.get("key") else call.hub.signer.current()
    if key is None:
        raise NotFound(f"key {params['key']}")
    return {"key": key.name, "algorithm": ALGORITHM, "publicKey": key.public_key, "publicKeyPem": pem(key), "createTime": key.created_at}
