"""Screen recordings (clause 6.2.11.2)."""
from __future__ import annotations

from typing import Any

from sqlalchemy import select

from hub import connections
from hub.api.downloads import signed_url
from hub.call import Call
from hub.models import Connection, Recording, Task
from hub.scope import find
from hub.serving import serves
from hub.tasks import recordings
from plugins.operations import robot_api_video, video


@serves(video.video_query, robot_api_video.robot_api_video_query)
def video_query(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """The recordings of a task, each with an expiring download address.

    Those of a vendor's platform are brought here once the task has ended; where an adapter cannot do that, the platform's own are listed.
    """
    row = find(call, Task, params["taskId"], deleted=True)
    connection = call.session.get_one(Connection, row.connection_id)
    statement = select(Recording).where(Recording.task_id == row.id, Recording.is_deleted.is_(False)).order_by(Recording.id)
    found = [
        {
            "recordFileId": each.id,
            "videoStartTime": each.started_at,
            "videoEndTime": each.ended_at,
            "url": signed_url(call, "recording", each.id),
            "digest": each.digest,
        }
        for each in call.session.scalars(statement)
    ]
    if row.reference and recordings.can_be_had(call.hub, connection):
        if not found and row.recordings_due is None and row.stopped_at is not None:
            call.finish()
            with call.hub.db.write() as session:
                recordings.want(session, row)
    elif not found and row.reference and connections.adapter_of(call.hub, connection).implements("video_query"):
        answer = call.ask(connection, "video_query", {"taskId": row.reference})
        found = [{**each, "recordFileId": None} for each in answer.get("recordFileInfos", [])]
    return {"taskId": row.id, "recordFileInfos": found}
