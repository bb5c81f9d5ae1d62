"""File contents behind signed, expiring addresses: usable without a token header (erratum E60)."""
from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import quote

from flask import Blueprint, Response, request, send_file
from sqlalchemy.orm import Session

from hub.models import FileVersion, Package, Recording, RobotInstaller, StoredFile
from hub.sealed_files import Sealed
from plugins import codes
from plugins.errors import HubError, Refused
from plugins.files import FileContent

if TYPE_CHECKING:
    from hub.call import Call
    from hub.core import Hub

PREFIX = "/api/ext"


def signed_url(call: Call, kind: str, key: int) -> str:
    """The address of a content, for the next ten minutes (by default). ``kind`` is package, file, recording or installer."""
    signature = call.hub.vault.sign(f"{kind}:{key}", call.hub.settings.download_lifetime)
    return f"{call.base_url.rstrip('/')}{PREFIX}/{kind}/download/{key}?sign={signature}"


def blueprint(hub: Hub) -> Blueprint:
    """GET /api/ext/<kind>/download/<id>?sign=…"""
    downloads = Blueprint("downloads", __name__)

    @downloads.get(f"{PREFIX}/<any(package, file, recording, installer):kind>/download/<int:key>")
    def download(kind: str, key: int) -> Response:
        if not hub.vault.verify(f"{kind}:{key}", request.args.get("sign", "")):
            raise Refused("下载地址无效或已过期", code=codes.NO_PERMISSION)
        with hub.db.read() as session:
            content, digest = CONTENTS[kind](hub, session, key)
        response = send_file(content.open(), mimetype="application/octet-stream", etag=digest, max_age=0, conditional=False)
        response.content_length = content.size
        response.make_conditional(request.environ, accept_ranges=True, complete_length=content.size)
        response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(content.name)}"
        response.headers["Digest"] = f"sha-256={digest}"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "private, no-store"
        return response

    return downloads


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
    return hub.files.get(Sealed(row.blob, row.sealed_key, row.digest, row.size), f"task-{row.task_id}-{row.id}.mp4"), row.digest


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
