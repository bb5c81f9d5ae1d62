"""Data isolation along the department tree (clause 5.7): a caller sees what belongs to the own department and those below it."""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from sqlalchemy import Select, select

from hub.call import Call
from hub.models import Department, Robot, Task
from plugins.errors import NotFound

Model = TypeVar("Model", bound=Any)

# What a robot sees of these: itself, and the tasks that are its own.
OWN_BY = {Robot: Robot.id, Task: Task.robot_id}


def visible(statement: Select[Any], model: Any, call: Call) -> Select[Any]:
    """The statement restricted to rows that the caller may see: of its departments, and of what is a robot's own, for that robot alone."""
    robot_id = call.caller.robot_id
    if hasattr(model, "local_robot_id"):
        statement = statement.where(model.local_robot_id == robot_id)  # "is null" for everybody who is no robot
    elif robot_id is not None and model in OWN_BY:
        statement = statement.where(OWN_BY[model] == robot_id)
    if robot_id is not None and (hasattr(model, "local_robot_id") or model in OWN_BY):
        return statement  # What is a robot's own stays so when the robot is moved to another department.
    if call.caller.scope == "/":
        return statement
    if model is Department:
        return statement.where(Department.path.startswith(call.caller.scope, autoescape=True))
    return statement.where(model.department_id.in_(_departments_below(call.caller.scope)))


def within_department(statement: Select[Any], model: Any, call: Call, department_id: int | None, exact: bool = False) -> Select[Any]:
    """Restricted to a department and those below it, as the caller asked (erratum E21); all that is visible when none is named."""
    statement = visible(statement, model, call)
    if department_id is None:
        return statement
    department = find(call, Department, department_id)
    if exact:
        return statement.where((model.id if model is Department else model.department_id) == department_id)
    if model is Department:
        return statement.where(Department.path.startswith(department.path, autoescape=True))
    return statement.where(model.department_id.in_(_departments_below(department.path)))


def find(call: Call, model: type[Model], key: int | None, *, deleted: bool = False) -> Model:
    """The row with an id. One that is not there, is deleted, or belongs to others is equally "not found" (10501)."""
    statement = select(model).where(model.id == key)
    if hasattr(model, "department_id") or model is Department:
        statement = visible(statement, model, call)
    row = call.session.scalar(statement) if key is not None else None
    if row is None or (row.is_deleted and not deleted):
        raise NotFound(f"{model.__tablename__} {key}")
    return row


def home_of(call: Call, department_id: int | None) -> Department:
    """The department that a new thing belongs to: the one that is named, else the caller's own. Raises NotFound."""
    return find(call, Department, call.caller.department_id if department_id is None else department_id)


def find_all(call: Call, model: type[Model], keys: Iterable[int]) -> list[Model]:
    """The rows with these ids, in ascending order, each once. Raises NotFound (10501), which names those that are not there for the caller."""
    wanted = set(keys)
    statement = select(model).where(model.id.in_(wanted), model.is_deleted.is_(False))
    if hasattr(model, "department_id") or model is Department:
        statement = visible(statement, model, call)
    rows = list(call.session.scalars(statement.order_by(model.id)))
    missing = sorted(wanted - {row.id for row in rows})
    if missing:
        raise NotFound(f"{model.__tablename__} {'、'.join(map(str, missing[:10]))}")
    return rows


def _departments_below(path: str) -> Select[int]:
    return select(Department.id).where(Department.path.startswith(path, autoescape=True))
