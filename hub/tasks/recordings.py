"""Recordings of tasks on vendors' platforms: fetched once the task has ended, kept encrypted as the hub's own.

``Task.recordings_due`` says when the platform is asked next. A platform may need a while until it lists a recording, and may be away for
longer: it is asked again at growing intervals, for an hour where it lists nothing, for a day where something cannot be had.
"""
from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from hub import connections
from hub.core import Hub
from hub.database import now
from hub.models import Connection, Recording, Task
from hub.tasks import queues
from plugins.errors import HubError, VendorError

log = structlog.get_logger(__name__)

PRIORITY = 2
BATCH = 100
SOONEST, LATEST = timedelta(seconds=5), timedelta(hours=1)
UNLISTED, UNHAD = timedelta(hours=1), timedelta(days=1)
DOWNLOAD_TIME = 3600.0


def can_be_had(hub: Hub, connection: Connection) -> bool:
    """Whether the recordings of a connection's tasks can be brought here."""
    adapter = connections.adapter_of(hub, connection)
    return adapter.implements("video_query") and adapter.implements("recording_fetch")


def want(session: Session, task: Task) -> None:
    """Ask for the recordings of an ended task at the next round of the scheduler."""
    session.execute(update(Task).where(Task.id == task.id, Task.stopped_at.is_not(None)).values(recordings_due=now()))


def queue_due(hub: Hub) -> None:
    """Have the recordings fetched that are due. For the scheduler."""
    moment = now()
    with hub.db.read() as session:
        due = list(session.scalars(select(Task).where(Task.recordings_due <= moment).order_by(Task.recordings_due).limit(BATCH)))
    for task in due:
        # Whoever moves the time on queues the job; a job that is lost is due again then.
        if _set_due(hub, task, _later(task, moment)):
            queues.put(hub.redis, [("fetch_recordings", task.id, [queues.connection_queue(task.connection_id, PRIORITY)])])


def _later(task: Task, moment: datetime) -> datetime:
    """The next time to ask: after half as long again as the task has ended for."""
    return moment + min(LATEST, max(SOONEST, (moment - (task.stopped_at or moment)) / 2))


def _set_due(hub: Hub, task: Task, due: datetime | None) -> bool:
    with hub.db.write() as session:
        as_read = update(Task).where(Task.id == task.id, Task.recordings_due == task.recordings_due)
        changed: Any = session.execute(as_read.values(recordings_due=due))
        return bool(changed.rowcount)


def fetch_recordings(hub: Hub, task_id: int) -> None:
    """Bring here what a platform lists of an ended task's recordings and what is not here yet."""
    with hub.db.read() as session:
        task = session.get(Task, task_id)
        connection = session.get(Connection, task.connection_id) if task else None
    if task is None or connection is None or task.recordings_due is None or task.reference is None or task.stopped_at is None:
        return
    with structlog.contextvars.bound_contextvars(trace_id=task.trace_id, task_id=task_id):
        age = now() - task.stopped_at
        try:
            _fetch_all(hub, connection, task)
        except HubError as error:
            log.warning("recordings not fetched", connection=connection.name, reason=error.message)
            done = age > UNHAD
        else:
            done = age > UNLISTED  # Also where some are listed: a robot that died hands in its last one when it is back.
    with hub.db.write() as session:
        session.execute(update(Task).where(Task.id == task_id).values(recordings_due=None if done else _later(task, now())))


def _fetch_all(hub: Hub, connection: Connection, task: Task) -> None:
    """Raises HubError where one of those that are listed cannot be had (now)."""
    answer = connections.ask(hub, connection, "video_query", {"taskId": task.reference}, trace_id=task.trace_id or "")
    rows = [each for each in answer.get("recordFileInfos", []) if each.get("recordFileId")]
    with hub.db.read() as session:
        here = set(session.scalars(select(Recording.reference).where(Recording.task_id == task.id)))
    missing = [each for each in rows if str(each["recordFileId"]) not in here]
    for each in missing:
        if not each.get("url"):
            raise VendorError("厂商平台未给出录屏的下载地址")
        _put_off(hub, task)
        _keep(hub, connection, task, each)


def _put_off(hub: Hub, task: Task) -> None:
    """Let nobody else begin while a download may still be under way."""
    with hub.db.write() as session:
        session.execute(update(Task).where(Task.id == task.id).values(recordings_due=now() + timedelta(seconds=DOWNLOAD_TIME + 60)))


def _keep(hub: Hub, connection: Connection, task: Task, listed: Mapping[str, Any]) -> None:
    reference = str(listed["recordFileId"])
    where = {"taskId": task.reference, "recordFileId": reference, "url": listed["url"]}
    given = {**where, "largest": hub.settings.max_recording, "timeout": DOWNLOAD_TIME}
    content = connections.ask(hub, connection, "recording_fetch", given, trace_id=task.trace_id or "")["content"]
    sealed = hub.files.put(content)
    if listed.get("digest") and str(listed["digest"]).lower() != sealed.digest:
        hub.files.remove(sealed.blob)
        raise VendorError("录屏内容与厂商平台给出的摘要不符")
    row = Recording(
        task_id=task.id,
        reference=reference,
        started_at=listed.get("videoStartTime") or task.started_at or task.created_at,
        ended_at=listed.get("videoEndTime"),
        blob=sealed.blob,
        sealed_key=sealed.sealed_key,
        digest=sealed.digest,
        size=sealed.size,
    )
    try:
        with hub.db.write() as session:
            session.add(row)
    except IntegrityError:
        # Another job has brought it here meanwhile.
        hub.files.remove(sealed.blob)
        log.info("recording was here already", reference=reference)
    except BaseException:
        hub.files.remove(sealed.blob)
        raise
