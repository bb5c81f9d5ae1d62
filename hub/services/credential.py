"""Credentials (clause 6.2.12): their passwords are encrypted at rest and never shown."""
from __future__ import annotations

from typing import Any

from sqlalchemy import select

from hub.call import Call
from hub.models import Credential, Department
from hub.paging import page
from hub.resource import move, refuse_taken, show, stamps, take_over
from hub.scope import find, within_department
from hub.services.robot import usable_by
from hub.serving import serves
from hub.wire import open_password
from plugins.operations import credential

PURPOSE = "credential"
COLUMNS = {"credentialName": "name", "credentialUsername": "username", "remark": "remark", "isGlobal": "is_global"}


@serves(credential.credential_create)
def credential_create(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """A global credential is for all robots of its department and those below; another one for the robots that it names (erratum E65)."""
    password = open_password(call, params["credentialPassword"], "credentialPassword")
    home = find(call, Department, params["depId"])
    _refuse_taken(call, home.id, params["credentialName"])
    row = Credential(department_id=home.id, sealed_password=call.hub.vault.seal(password, PURPOSE))
    take_over(row, params, COLUMNS)
    row.robots = usable_by(call, params["isGlobal"], params.get("robotIds"))
    call.session.add(row)
    call.session.flush()
    return {"credentialId": row.id}


def _refuse_taken(call: Call, department_id: int, name: str, but: int | None = None) -> None:
    refuse_taken(call, Credential, f"凭据 {name}", Credential.department_id == department_id, Credential.name == name, but=but)


@serves(credential.credential_update)
def credential_update(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Changes what was sent."""
    row = find(call, Credential, params["credentialId"])
    move(call, row, params)
    take_over(row, params, COLUMNS)
    _refuse_taken(call, row.department_id, row.name, but=row.id)
    if params.get("credentialPassword"):
        row.sealed_password = call.hub.vault.seal(open_password(call, params["credentialPassword"], "credentialPassword"), PURPOSE)
    if "isGlobal" in params or "robotIds" in params:
        row.robots = usable_by(call, row.is_global, params.get("robotIds", row.robots))
    return {}


@serves(credential.credential_delete)
def credential_delete(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """The secret goes with the credential: only its name and history stay."""
    row = find(call, Credential, params["credentialId"])
    row.is_deleted = True
    row.sealed_password = ""
    return {}


@serves(credential.credential_query)
def credential_query(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """The key of the password stays, its value is empty (erratum E16)."""
    row = find(call, Credential, params["credentialId"], deleted=True)
    return {
        **show(row, COLUMNS),
        "credentialId": row.id,
        "credentialPassword": "",
        "robotIds": row.robots,
        "depId": row.department_id,
        **stamps(row),
    }


@serves(credential.credential_list)
def credential_list(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """The credentials of a department and those below it."""
    statement = within_department(select(Credential), Credential, call, params.get("depId"), params.get("includeChildren") is False)
    sortable = {"credentialName": Credential.name, "credentialId": Credential.id}
    rows, paging = page(call, statement, Credential, params, search=(Credential.name, Credential.remark), sortable=sortable)
    found = [
        {"credentialId": row.id, "credentialName": row.name, "depId": row.department_id, "isDeleted": row.is_deleted} for row in rows
    ]
    return {"credentials": found, **paging}
