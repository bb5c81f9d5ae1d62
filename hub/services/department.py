"""Departments (clause 6.2.2)."""
from __future__ import annotations

from typing import Any

from sqlalchemy import Select, delete, func, select, update

from hub import affected
from hub.call import Call
from hub.models import AccessToken, Application, Department, Employee, Process, Task, Trigger
from hub.paging import page
from hub.resource import dates, refuse_blank, refuse_taken
from hub.scope import find, within_department
from hub.serving import serves
from plugins import codes
from plugins.errors import Conflict, InvalidInput
from plugins.operations import department

DEEPEST_PATH = 1000


@serves(department.department_create)
def department_create(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """A department's parent must be visible to the caller; names are unique among siblings."""
    _hold_tree(call)
    parent = find(call, Department, params["parentId"])
    _refuse_taken(call, parent.id, params["depName"])
    if len(parent.path) > DEEPEST_PATH:
        raise InvalidInput("部门层级过深")
    row = Department(name=params["depName"], parent_id=parent.id)
    call.session.add(row)
    call.session.flush()
    row.path = f"{parent.path}{row.id}/"
    return {"depId": row.id}


@serves(department.department_update)
def department_update(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Renames, and moves the whole subtree below another parent. What the callers of the subtree may see changes at once."""
    refuse_blank(params, "depName")
    _hold_tree(call)
    row = find(call, Department, params["depId"])
    parent_id, name = row.parent_id, params.get("depName", row.name)
    if params.get("parentId", row.parent_id or 0) != (row.parent_id or 0):
        parent_id = _move(call, row, find(call, Department, params["parentId"]))
    if (parent_id, name) != (row.parent_id, row.name):
        _refuse_taken(call, parent_id, name, but=row.id)
        row.parent_id, row.name = parent_id, name
    return {}


def _move(call: Call, row: Department, parent: Department) -> int:
    """Rewrite the paths of a subtree that goes below another parent."""
    if row.parent_id is None:
        raise Conflict("根部门不能移动", code=codes.IN_USE)
    if parent.path.startswith(row.path):
        raise Conflict("部门不能移动到自身或其下属部门之下")
    path = f"{parent.path}{row.id}/"
    longest = call.session.scalar(select(func.max(func.length(Department.path))).where(_in_subtree(row.path))) or 0
    if longest - len(row.path) + len(path) > DEEPEST_PATH:
        raise InvalidInput("部门层级过深")
    # The dates of the departments below stay: only their place has changed.
    moved = {"path": path + func.substr(Department.path, len(row.path) + 1), "updated_at": Department.updated_at}
    call.session.execute(update(Department).where(_in_subtree(row.path)).values(moved).execution_options(synchronize_session=False))
    return parent.id


@serves(department.department_delete)
def department_delete(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Deletes the whole subtree (erratum E64).

    Its users are locked and its applications disabled, both without tokens from now on; its triggers, and those of its processes, are
    switched off; what has not begun is cancelled, what runs finishes. The things that belong to it stay, for those above to move.
    The root department and the one that the caller belongs to are refused (10503).
    """
    _hold_tree(call)
    row = find(call, Department, params["depId"])
    if row.parent_id is None:
        raise Conflict("根部门不能删除", code=codes.IN_USE)
    own = call.session.get(Department, call.caller.department_id) if call.caller.department_id else None
    if own is not None and own.path.startswith(row.path):
        raise Conflict("不能删除调用者所在的部门", code=codes.IN_USE)
    below = select(Department.id).where(_in_subtree(row.path))
    processes = select(Process.id).where(Process.department_id.in_(below))
    _shut_out(call, below)
    triggers = affected.switch_off(call, Trigger.department_id.in_(below) | Trigger.process_id.in_(processes))
    tasks = affected.cancel_waiting(call, Task.department_id.in_(below) | Task.process_id.in_(processes), f"部门“{row.name}”已删除")
    gone = update(Department).where(_in_subtree(row.path), Department.is_deleted.is_(False)).values(is_deleted=True)
    call.session.execute(gone.execution_options(synchronize_session=False))
    call.audit |= {"depName": row.name, "deactivatedTriggers": len(triggers), "cancelledTasks": len(tasks)}
    return {}


def _shut_out(call: Call, departments: Select[int]) -> None:
    """Lock the users of departments, disable their applications, and end the tokens of both."""
    users = select(Employee.id).where(Employee.department_id.in_(departments))
    applications = select(Application.id).where(Application.department_id.in_(departments))
    for statement in (
        update(Employee).where(Employee.department_id.in_(departments), Employee.is_deleted.is_(False)).values(is_locked=True),
        update(Application).where(Application.department_id.in_(departments), Application.is_deleted.is_(False)).values(is_enabled=False),
        delete(AccessToken).where(AccessToken.employee_id.in_(users) | AccessToken.application_id.in_(applications)),
    ):
        call.session.execute(statement.execution_options(synchronize_session=False))


@serves(department.department_list)
def department_list(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """The department and those below it."""
    statement = within_department(select(Department), Department, call, params.get("depId"), params.get("includeChildren") is False)
    sortable = {"depId": Department.id, "depName": Department.name, "parentId": Department.parent_id}
    rows, paging = page(call, statement, Department, params, search=(Department.name,), sortable=sortable)
    departments = [
        {"depId": row.id, "depName": row.name, "parentId": row.parent_id or 0, "isDeleted": row.is_deleted, **dates(row)} for row in rows
    ]
    return {"departments": departments, **paging}


def _hold_tree(call: Call) -> None:
    """Let one call at a time change the tree: two that meet could otherwise make a circle of it, or a path that leads nowhere."""
    call.session.execute(select(Department.id).where(Department.parent_id.is_(None)).order_by(Department.id).with_for_update())


def _in_subtree(path: str) -> Any:
    return Department.path.startswith(path, autoescape=True)


def _refuse_taken(call: Call, parent_id: int | None, name: str, but: int | None = None) -> None:
    refuse_taken(call, Department, f"部门 {name}", Department.parent_id == parent_id, Department.name == name, but=but)
