"""Screen recordings (clauses 6.2.11.2 and 6.3.7.2), and their contents."""
from __future__ import annotations

import tempfile
from typing import Any, BinaryIO, cast

from adapters.standard.client import ask, client
from adapters.standard.declared import declared
from adapters.standard.form import chosen, is_robot
from plugins import Context, FileContent, VendorError, hookimpl
from plugins.fields import Items, Text
from plugins.operations import robot_api_video, video

TEXTS = ("text/", "application/json")


class Recording(video.VideoRow):
    """A recording as a platform or a robot lists it: robots print a path, which may be an address (erratum E60)."""

    videoPath = Text(longest=4096)


class Recordings(video.VideoQueryResult):
    """All recordings of a task."""

    recordFileInfos = Items(Recording)


@hookimpl
def video_query(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    """The recordings of a task, with the addresses of their contents where the peer has such."""
    operation = declared(robot_api_video.robot_api_video_query if is_robot(ctx.connection) else video.video_query)
    rows = ask(ctx, operation, params, shown=Recordings).get("recordFileInfos", [])
    for row in rows:
        path = row.pop("videoPath", "")
        if not row.get("url") and path.startswith(("http://", "https://", "/api/")):
            row["url"] = path
    return {"recordFileInfos": rows}


@hookimpl
def recording_fetch(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    """The content of one recording, from the address that the peer has just given for it."""
    # The file is removed when nothing refers to it any more: the content's opener does, as long as that is in use.
    file = tempfile.NamedTemporaryFile(dir=ctx.folder, prefix="recording-")  # noqa: SIM115
    hosts = [each.strip() for each in chosen(ctx.connection, "download_hosts", "").split(",") if each.strip()]
    answer = client(ctx).download(
        params["url"], cast(BinaryIO, file), largest=int(params["largest"]), timeout=float(params["timeout"]), hosts=hosts
    )
    kind = answer.headers.get("Content-Type", "")
    file.flush()
    size = file.tell()
    if kind.lower().startswith(TEXTS) or not size:
        raise VendorError(f"下载地址给出的不是录屏（{kind[:64] or '无内容'}）")
    return {"content": FileContent(f"{params['recordFileId']}.mp4", size, lambda: open(file.name, "rb"))}
