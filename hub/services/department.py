"""Departments (clause 6.2.2)."""
from __future__ import annotations

from typing import Any

from sqlalchemy import select

from hub.call import Call
from hub.models import Department
from hub.paging import page
from hub.resource import refuse_taken
from hub.scope import find, within_department
from hub.serving import serves
from plugins.errors import InvalidInput
from plugins.operations import department

DEEPEST_PATH = 1000


@serves(department.department_create)
def department_create(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """A department's parent must be visible to the caller; names are unique among siblings."""
    parent = find(call, Department, params["parentId"])
    refuse_taken(
        call, Department, f"部门 {params['depName']}", Department.parent_id == parent.id, Department.name == params["depName"]
    )
    if len(parent.path) > DEEPEST_PATH:
        raise InvalidInput("部门层级过深")
    row = Department(name=params["depName"], parent_id=parent.id)
    call.session.add(row)
    call.session.flush()
    row.path = f"{parent.path}{row.id}/"
    return {"depId": row.id}


@serves(department.department_list)
def department_list(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """The department and those below it."""
    statement = within_department(select(Department), Department, call, params.get("depId"), params.get("includeChildren") is False)
    rows, paging = page(call, statement, Department, params, search=(Department.name,))
    departments = [
        {"depId": row.id, "depName": row.name, "parentId": row.parent_id or 0, "isDeleted": row.is_deleted} for row in rows
    ]
    return {"departments": departments, **paging}
