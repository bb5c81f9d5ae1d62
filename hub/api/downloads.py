"""File contents behind signed, expiring addresses: usable without a token header (erratum E60)."""
from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import quote

from flask import Blueprint, Response, request, send_file
from sqlalchemy.orm import Session

from hub.api.envelope import trace_id
from hub.models import AuditEntry, FileVersion, Package, Recording, RobotInstaller, StoredFile, Task
from hub.screens import recordings
from hub.sealed_files import Sealed
from plugins import codes
from plugins.errors import HubError, Refused
from plugins.files import FileContent

if TYPE_CHECKING:
    from hub.call import Call
    from hub.core import Hub

PREFIX = "/api/ext"
AUDITED = ("recording",)


def signed_url(call: Call, kind: str, key: int) -> str:
    """The address of a content, for the next ten minutes (by default). ``kind`` is package, file, recording or installer.

    That of a recording names, within its signature, to whom it was given: each use of it stands in the audit log.
    """
    by = call.caller.name if kind in AUDITED else ""
    signature = call.hub.vault.sign(_signed(kind, key, by), call.hub.settings.download_lifetime)
    whom = f"&by={quote(by, safe='')}" if by else ""
    return f"{call.base_url.rstrip('/')}{PREFIX}/{kind}/download/{key}?sign={signature}{whom}"


def _signed(kind: str, key: int, by: str) -> str:
    return f"{kind}:{key}:{by}" if kind in AUDITED else f"{kind}:{key}"


def blueprint(hub: Hub) -> Blueprint:
    """GET /api/ext/<kind>/download/<id>?sign=…"""
    downloads = Blueprint("downloads", __name__)

    @downloads.get(f"{PREFIX}/<any(package, file, recording, installer):kind>/download/<int:key>")
    def download(kind: str, key: int) -> Response:
        by = request.args.get("by", "")
        if not hub.vault.verify(_signed(kind, key, by), request.args.get("sign", "")):
            raise Refused("下载地址无效或已过期", code=codes.NO_PERMISSION)
        with hub.db.read() as session:
            content, digest = CONTENTS[kind](hub, session, key)
        if kind in AUDITED:
            _note(hub, key, by)
        response = send_file(content.open(), mimetype=_kind_of_content(kind, content), etag=digest, max_age=0, conditional=False)
        response.content_length = content.size
        response.make_conditional(request.environ, accept_ranges=True, complete_length=content.size)
        response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(content.name)}"
        response.headers["Digest"] = f"sha-256={digest}"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "private, no-store"
        return response

    return downloads


def _kind_of_content(kind: str, content: FileContent) -> str:
    """Recordings are played where they are; whatever else was uploaded is never shown by a browser."""
    if kind != "recording":
        return "application/octet-stream"
    return "video/x-matroska" if content.name.endswith(".mkv") else "video/mp4"


def _note(hub: Hub, key: int, by: str) -> None:
    """Note in the audit log that a recording is being fetched. Without that nobody gets it."""
    with hub.db.write() as session:
        recording = session.get_one(Recording, key)
        task = session.get_one(Task, recording.task_id)
        session.add(
            AuditEntry(
                trace_id=trace_id(), operation="recording_fetch", actor=by, department_id=task.department_id,
                client_ip=request.remote_addr or "", result_code=codes.OK.value,
                subject={"recordFileId": key, "taskId": task.id, "method": request.method, "range": request.headers.get("Range", "")[:64]},
            )
        )  # fmt: skip


def _package(hub: Hub, session: Session, key: int) -> tuple[FileContent, str]:
    row = session.get(Package, key)
    if row is None or not row.digest or row.is_deleted:
        raise HubError(code=codes.FILE_MISSING)
    return hub.store.get(row.digest, f"{row.name}-{row.version}.zip"), row.digest


def _file(hub: Hub, session: Session, key: int) -> tuple[FileContent, str]:
    row = session.get(StoredFile, key)
    if row is None or row.is_deleted:
        raise HubError(code=codes.FILE_MISSING)
    current = session.get_one(FileVersion, (row.id, row.version))
    return hub.files.get(Sealed(current.blob, current.sealed_key, current.digest, current.size), row.name), current.digest


def _recording(hub: Hub, session: Session, key: int) -> tuple[FileContent, str]:
    row = session.get(Recording, key)
    if row is None or row.is_deleted:
        raise HubError(code=codes.FILE_MISSING)
    return recordings.content_of(hub, row), row.digest


def _installer(hub: Hub, session: Session, key: int) -> tuple[FileContent, str]:
    row = session.get(RobotInstaller, key)
    if row is None or row.is_deleted:
        raise HubError(code=codes.FILE_MISSING)
    return hub.files.get(Sealed(row.blob, row.sealed_key, row.digest, row.size), row.file_name), row.digest


CONTENTS: dict[str, Callable[[Hub, Session, int], tuple[FileContent, str]]] = {
    "package": _package,
    "file": _file,
    "recording": _recording,
    "installer": _installer,
}
