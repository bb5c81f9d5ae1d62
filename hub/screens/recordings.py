"""Recordings as evidence (clause 5.4): stored encrypted, each with a manifest that the hub signs and anybody can check."""
from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from hub import connections
from hub.models import Connection, Process, Recording, Robot, Task
from hub.screens import evidence
from hub.screens.evidence import Refuted
from hub.sealed_files import Sealed
from hub.signing import opened
from plugins.errors import HubError
from plugins.files import FileContent

if TYPE_CHECKING:
    from hub.core import Hub

FORM = "rpahub-recording/1"
FORMATS = ("mp4", "mkv")
# What a robot may say of its recording; all else in a manifest is the hub's own knowledge.
FROM_ROBOT = ("part", "display", "framesPerSecond", "isOverlaid", "isInterrupted")

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Film:
    """A film on its way into the store. ``key`` names it for good on its robot."""

    content: FileContent
    started_at: datetime
    ended_at: datetime
    said: Mapping[str, Any]

    @property
    def key(self) -> str | None:
        """What it is known by, so that it is stored once."""
        return str(self.said["key"]) if self.said.get("key") else None


def store(hub: Hub, task_id: int, film: Film) -> int:
    """Store a film of a task and sign its manifest; gives its id. One that was stored before is left as it is.

    Raises HubError (10202) where it cannot be stored.
    """
    with hub.db.read() as session:
        known = _known(session, task_id, film.key)
    if known is not None:
        return known
    key = hub.signer.current()
    digests = evidence.digests_of(film.content.chunks())
    sealed = hub.files.put(film.content)
    try:
        with hub.db.write() as session:
            known = _known(session, task_id, film.key)
            if known is None:
                row = Recording(
                    task_id=task_id, reference=film.key, started_at=film.started_at, ended_at=film.ended_at, manifest=None,
                    blob=sealed.blob, sealed_key=sealed.sealed_key, digest=sealed.digest, size=sealed.size,
                )  # fmt: skip
                session.add(row)
                session.flush()
                row.manifest = {**_manifest(session, row, film), **digests, "key": key.name}
                row.signature = hub.signer.sign(evidence.payload_of(row.manifest), key)
                return row.id
    except BaseException:
        hub.files.remove(sealed.blob)
        raise
    hub.files.remove(sealed.blob)
    return known


def _known(session: Session, task_id: int, key: str | None) -> int | None:
    if key is None:
        return None
    return session.scalar(select(Recording.id).where(Recording.task_id == task_id, Recording.reference == key))


def _manifest(session: Session, row: Recording, film: Film) -> dict[str, Any]:
    task = session.get_one(Task, row.task_id)
    process = session.get_one(Process, task.process_id)
    robot = session.get(Robot, task.robot_id) if task.robot_id else None
    return {
        "form": FORM,
        "recordFileId": row.id,
        "taskId": task.id,
        "processId": process.id,
        "processName": process.name,
        "robotId": robot.id if robot else None,
        "robotName": robot.name if robot else "",
        "operator": task.actor or "",
        "startTime": film.started_at.isoformat(timespec="milliseconds"),
        "endTime": film.ended_at.isoformat(timespec="milliseconds"),
        "format": form if (form := film.content.name.rpartition(".")[2]) in FORMATS else FORMATS[0],
        **{name: film.said.get(name) for name in FROM_ROBOT},
        "hub": f"rpahub {_version()}".strip(),
    }


def _version() -> str:
    try:
        return version("rpahub")
    except PackageNotFoundError:
        return ""


def content_of(hub: Hub, row: Recording) -> FileContent:
    """The film of a recording."""
    return hub.files.get(Sealed(row.blob, row.sealed_key, row.digest, row.size), file_name(row))


def file_name(row: Recording) -> str:
    """What the film of a recording is called where it is handed out."""
    return f"task-{row.task_id}-{row.id}.{(row.manifest or {}).get('format') or FORMATS[0]}"


def envelope_of(hub: Hub, row: Recording) -> dict[str, Any] | None:
    """The file of a recording's manifest, None where it has none, as recordings of a vendor's platform."""
    key = hub.signer.public(str((row.manifest or {}).get("key", "")))
    if row.manifest is None or row.signature is None or key is None:
        return None
    return {
        "algorithm": evidence.ALGORITHM,
        "publicKey": key.public_key,
        "payload": base64.b64encode(evidence.payload_of(row.manifest)).decode(),
        "signature": row.signature,
    }


def problem_of(hub: Hub, row: Recording) -> str:
    """What is wrong with a stored recording, in Chinese; empty when film, manifest and signature agree."""
    envelope = envelope_of(hub, row)
    key = hub.signer.public(str((row.manifest or {}).get("key", "")))
    if envelope is None or key is None:
        return "录屏没有签名清单"
    try:
        manifest = evidence.open_manifest(envelope, opened(key))
    except Refuted:
        return "清单的签名不正确，清单已被改动"
    if manifest.get("recordFileId") != row.id or manifest.get("taskId") != row.task_id:
        return "清单属于另一个录屏"
    try:
        evidence.compare(content_of(hub, row).chunks(), manifest)
    except Refuted:
        return "录屏内容与清单不符，内容已被改动"
    except HubError as error:
        return error.message
    return ""


def hand_in_left(hub: Hub, robot_id: int) -> None:
    """Store the recordings that killed runs of a robot of this machine left. What cannot be stored now is tried at its next start."""
    with hub.db.read() as session:
        robot = session.get(Robot, robot_id)
        connection = session.get(Connection, robot.connection_id) if robot else None
    if connection is None or not connections.adapter_of(hub, connection).implements("recordings_left"):
        return
    taken: list[str] = []
    try:
        for each in _left(hub, connection, robot_id, taken):
            store(hub, int(each["taskId"]), Film(each["content"], each["startTime"], each["endTime"], each["manifest"]))
            taken.append(each["key"])
            log.info("recording of a killed run stored", task_id=each["taskId"], robot_id=robot_id)
        if taken:
            _left(hub, connection, robot_id, taken)
    except Exception:  # A recording must not keep its robot from starting.
        log.exception("recordings of killed runs are not stored", robot_id=robot_id)


def _left(hub: Hub, connection: Connection, robot_id: int, taken: list[str]) -> list[dict[str, Any]]:
    answer = connections.ask(hub, connection, "recordings_left", {"robotId": str(robot_id), "taken": taken}, trace_id="")
    found: list[dict[str, Any]] = answer["recordings"]
    return found


def envelope_text(envelope: Mapping[str, Any]) -> str:
    """The manifest's file."""
    return json.dumps(envelope, ensure_ascii=False, indent=1) + "\n"
