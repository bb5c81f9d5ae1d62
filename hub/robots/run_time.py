"""What a running task may use (errata E65, E66): for the robot that runs it, and only while it runs.

A thing that is for all is for the robots of its department and those below; another one for the robots that it names. Of several of one name
the nearest counts: of the robot's own department, then of the one above. What is not for the robot is as if it were not there (10501).
"""
from __future__ import annotations

from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, or_, select

from hub.call import Call
from hub.models import DataQueue, Department, StoredFile, Task
from hub.tasks import lifecycle
from plugins import codes
from plugins.errors import InvalidInput, NotFound

Model = TypeVar("Model", bound=Any)


def running_task(call: Call, task_id: int) -> Task:
    """The task that the calling robot runs now. Raises NotFound for any other one, and for whoever is no robot."""
    robot_id = call.caller.robot_id
    statement = select(Task).where(Task.id == task_id, Task.robot_id == robot_id, Task.state.in_(lifecycle.STARTED))
    row = call.session.scalar(statement) if robot_id is not None else None
    if row is None:
        raise NotFound(f"task {task_id}")
    return row


def granted(call: Call, model: type[Model], key: int | None, name: str | None, title: str) -> Model:
    """The credential or asset with an id or a name that the calling robot may use. Raises NotFound, and InvalidInput where neither is given."""
    found = [
        (row, path) for row, path in call.session.execute(_named(model, key, name, title)).all()
        if (call.caller.scope.startswith(path) if row.is_global else call.caller.robot_id in row.robots)
    ]
    return _nearest(found, f"{model.__tablename__} {key or name}")


def queue_of(call: Call, key: int | None, name: str | None) -> DataQueue:
    """The data queue with an id or a name in the calling robot's department or above it."""
    return _nearest(_within_reach(call, _named(DataQueue, key, name, "queue")), f"data_queue {key or name}")


def files_of(call: Call, folder: str, name: str) -> list[StoredFile]:
    """The files of that path that the calling robot may read, the nearest first: its own, its department's, those of the departments above."""
    statement = (
        select(StoredFile, Department.path)
        .join(Department, Department.id == StoredFile.department_id)
        .where(
            StoredFile.folder_path == folder,
            StoredFile.name == name,
            StoredFile.is_deleted.is_(False),
            or_(StoredFile.local_robot_id.is_(None), StoredFile.local_robot_id == call.caller.robot_id),
        )
    )
    found = _within_reach(call, statement)
    return [row for row, _ in sorted(found, key=lambda each: (each[0].local_robot_id is None, -len(each[1])))]


def _named(model: Any, key: int | None, name: str | None, title: str) -> Select[Any]:
    if key is None and not name:
        raise InvalidInput(f"{title}Id 和 {title}Name 应提供其一", code=codes.PARAMETER_MISSING)
    which: ColumnElement[bool] = model.id == key if key is not None else model.name == name
    return select(model, Department.path).join(Department, Department.id == model.department_id).where(which, model.is_deleted.is_(False))


def _within_reach(call: Call, statement: Any) -> list[tuple[Any, str]]:
    return [(row, path) for row, path in call.session.execute(statement).all() if call.caller.scope.startswith(path)]


def _nearest(found: list[tuple[Any, str]], what: str) -> Any:
    if not found:
        raise NotFound(what)
    return max(found, key=lambda each: (len(each[1]), each[0].id))[0]
