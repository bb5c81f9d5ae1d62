"""What the services of all resources do alike: take over parameters, move, refuse a name that is taken, show a row, ask the platform."""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, select

from hub import connections, rights
from hub.call import Call
from hub.models import Connection, Department
from hub.scope import find
from plugins import codes
from plugins.errors import Conflict, InvalidInput, Refused

Columns = Mapping[str, str]


def take_over(row: Any, params: Mapping[str, Any], columns: Columns) -> None:
    """Set the row's columns from the parameters that were sent; ``columns`` maps parameter to column."""
    for name, column in columns.items():
        if name in params:
            setattr(row, column, params[name])


def refuse_blank(params: Mapping[str, Any], *names: str) -> None:
    """Raise InvalidInput (10005) where one of these was sent and is empty: an update must not take a name away."""
    for name in names:
        if name in params and not str(params[name]).strip():
            raise InvalidInput(name, code=codes.PARAMETER_EMPTY)


def move(call: Call, row: Any, params: Mapping[str, Any]) -> None:
    """Move a row to the department that ``depId`` names, where it names another one (erratum E53).

    Raises Refused for a caller without the permission ``<resource>:move``.
    """
    wanted = params.get("depId")
    if wanted is None or wanted == row.department_id:
        return
    home = find(call, Department, wanted)
    if not rights.allows(call.caller.permissions, rights.move_permission(call.operation)):
        raise Refused("没有移动到其他部门的权限", code=codes.NO_PERMISSION)
    row.department_id = home.id


def show(row: Any, columns: Columns) -> dict[str, Any]:
    """The row's columns under their parameters' names, and whether it is deleted."""
    return {**{name: getattr(row, column) for name, column in columns.items()}, "isDeleted": row.is_deleted}


def dates(row: Any) -> dict[str, Any]:
    """When a row was made and last changed."""
    return {"createTime": row.created_at, "updateTime": row.updated_at}


def stamps(row: Any, connection: Connection | None = None) -> dict[str, Any]:
    """What every query of one thing says beyond its table."""
    return {
        **dates(row),
        "adapter": connection.name if connection else "",
        "vendorId": getattr(row, "reference", None),
    }


def refuse_taken(call: Call, model: Any, title: str, *same: ColumnElement[bool], but: int | None = None) -> None:
    """Raise Conflict (10502) when a row that is not deleted has the same name; ``but`` is the row that may have it."""
    statement = select(model.id).where(model.is_deleted.is_(False), *same)
    if but is not None:
        statement = statement.where(model.id != but)
    if call.session.scalar(statement.limit(1)) is not None:
        raise Conflict(title, code=codes.DUPLICATE)


def ask_platform(call: Call, row: Any, operation: str, params: Mapping[str, Any]) -> bool:
    """Let the vendor's platform change its thing first, where the adapter can; otherwise only the hub's index changes.

    When this gives True, the session has been ended meanwhile and the row must be found again.
    """
    if row.reference is None:
        return False
    connection = call.session.get_one(Connection, row.connection_id)
    if not connections.adapter_of(call.hub, connection).implements(operation):
        return False
    call.ask(connection, operation, params)
    return True


def platform_names(call: Call, rows: Iterable[Any]) -> dict[int, str]:
    """The names of the connections that the rows belong to, by id."""
    ids = {row.connection_id for row in rows}
    return dict(call.session.execute(select(Connection.id, Connection.name).where(Connection.id.in_(ids))).all()) if ids else {}
