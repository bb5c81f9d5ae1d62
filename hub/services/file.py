"""Files (clause 6.2.14): in folders, with versions and passwords, encrypted at rest."""
from __future__ import annotations

import re
from typing import Any

from sqlalchemy import select

from hub.api.downloads import signed_url
from hub.call import Call
from hub.models import Department, FileVersion, StoredFile
from hub.paging import page
from hub.resource import move, refuse_taken, stamps
from hub.scope import find, within_department
from hub.security import hash_password, password_matches
from hub.serving import serves
from hub.wire import open_password
from plugins import codes
from plugins.errors import Conflict, HubError, InvalidInput
from plugins.files import FileContent
from plugins.operations import file, robot_api_file

DEEPEST = 32
_UNFIT = re.compile(r"[\x00-\x1f\x7f\\]|^[A-Za-z]:")


@serves(file.file_create)
def file_create(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Stores the content encrypted, then the row. A name that the folder has already is 10201 (erratum E59)."""
    folder, name = folder_path(params["folderPath"]), file_name(params["fileName"])
    home = find(call, Department, params["depId"])
    _refuse_taken(call, home.id, folder, name)
    password = params.get("filePassword")
    hashed = hash_password(open_password(call, password, "filePassword")) if password else None
    call.finish()
    sealed = call.hub.files.put(params["file"])
    _refuse_taken(call, home.id, folder, name)
    row = StoredFile(
        department_id=home.id, local_robot_id=call.caller.robot_id, folder_path=folder, name=name, password_hash=hashed
    )
    call.session.add(row)
    call.session.flush()
    call.session.add(new_version(call, row, sealed))
    return {"fileId": row.id}


def new_version(call: Call, row: StoredFile, sealed: Any) -> FileVersion:
    """The row of a file's present version."""
    return FileVersion(
        file_id=row.id,
        version=row.version,
        blob=sealed.blob,
        sealed_key=sealed.sealed_key,
        digest=sealed.digest,
        size=sealed.size,
        created_by=call.caller.name,
    )


def folder_path(path: str) -> str:
    """A folder's path in its one form: ``/``, ``/a/b``. Raises InvalidInput for ``..``, drive letters, backslashes and control characters."""
    if _UNFIT.search(path):
        raise InvalidInput("folderPath 包含不允许的字符")
    parts = [part.strip() for part in path.split("/") if part.strip() not in ("", ".")]
    if ".." in parts or len(parts) > DEEPEST:
        raise InvalidInput("folderPath 不合法")
    return "/" + "/".join(parts)


def file_name(name: str) -> str:
    """A file's name. Raises InvalidInput for one that could be taken for a path."""
    if _UNFIT.search(name) or "/" in name or name.strip() in (".", ".."):
        raise InvalidInput("fileName 包含不允许的字符")
    return name.strip()


def _refuse_taken(call: Call, department_id: int, folder: str, name: str, but: int | None = None) -> None:
    owner = (StoredFile.department_id == department_id, StoredFile.local_robot_id == call.caller.robot_id)
    same = (*owner, StoredFile.folder_path == folder, StoredFile.name == name)
    try:
        refuse_taken(call, StoredFile, "", *same, but=but)
    except Conflict as error:
        raise Conflict(f"{folder.rstrip('/')}/{name}", code=codes.FILE_NAME_TAKEN) from error


@serves(file.file_update, robot_api_file.robot_api_file_update)
def file_update(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Moves, renames, or adds a version with new content. A file that has a password is changed by who knows it (erratum E58)."""
    row = find(call, StoredFile, params["fileId"])
    if row.password_hash:
        require_password(call, row, params.get("filePassword"))
    elif params.get("filePassword"):
        row.password_hash = hash_password(open_password(call, params["filePassword"], "filePassword"))
    if "newFilePassword" in params:
        new = params["newFilePassword"]
        row.password_hash = hash_password(open_password(call, new, "newFilePassword")) if new else None
    move(call, row, params)
    if params.get("folderPath"):
        row.folder_path = folder_path(params["folderPath"])
    if params.get("fileName"):
        row.name = file_name(params["fileName"])
    with call.session.no_autoflush:
        _refuse_taken(call, row.department_id, row.folder_path, row.name, but=row.id)
    content: FileContent | None = params.get("file")
    if content is not None:
        row.version += 1
        call.session.add(new_version(call, row, call.hub.files.put(content)))
    return {}


def require_password(call: Call, row: StoredFile, sent: str | None) -> None:
    """Raises HubError (10203) unless the file's password, where it has one, was sent."""
    if row.password_hash and not (sent and password_matches(row.password_hash, open_password(call, sent, "filePassword"))):
        raise HubError(code=codes.FILE_MISSING)


@serves(file.file_delete, robot_api_file.robot_api_file_delete)
def file_delete(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """The contents stay with the versions, for the audit."""
    find(call, StoredFile, params["fileId"]).is_deleted = True
    return {}


@serves(file.file_query, robot_api_file.robot_api_file_query)
def file_query(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Without its password a guarded file shows what it is, but no address (erratum E58); a wrong one is 10203."""
    row = find(call, StoredFile, params["fileId"], deleted=True)
    current = call.session.get_one(FileVersion, (row.id, row.version))
    is_open = row.password_hash is None
    if not is_open and params.get("filePassword"):
        require_password(call, row, params["filePassword"])
        is_open = True
    return {
        **stamps(row),
        "fileId": row.id,
        "fileName": row.name,
        "folderPath": row.folder_path,
        "url": signed_url(call, "file", row.id) if is_open and not row.is_deleted else "",
        "isDeleted": row.is_deleted,
        "depId": row.department_id,
        "digest": current.digest,
        "size": current.size,
        "version": row.version,
        "isProtected": row.password_hash is not None,
    }


@serves(file.file_list, robot_api_file.robot_api_file_list)
def file_list(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """The files of a department and those below it."""
    statement = within_department(select(StoredFile), StoredFile, call, params.get("depId"), params.get("includeChildren") is False)
    sortable = {"fileName": StoredFile.name, "folderPath": StoredFile.folder_path, "fileId": StoredFile.id}
    rows, paging = page(call, statement, StoredFile, params, search=(StoredFile.name, StoredFile.folder_path), sortable=sortable)
    files = [
        {"fileId": row.id, "fileName": row.name, "folderPath": row.folder_path, "depId": row.department_id, "isDeleted": row.is_deleted}
        for row in rows
    ]
    return {"files": files, **paging}
