"""What the services of all resources do alike: take over parameters, refuse a name that is taken, show a row."""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, select

from hub.call import Call
from hub.models import Connection
from plugins import codes
from plugins.errors import Conflict

Columns = Mapping[str, str]


def take_over(row: Any, params: Mapping[str, Any], columns: Columns) -> None:
    """Set the row's columns from the parameters that were sent; ``columns`` maps parameter to column."""
    for name, column in columns.items():
        if name in params:
            setattr(row, column, params[name])


def show(row: Any, columns: Columns) -> dict[str, Any]:
    """The row's columns under their parameters' names, and whether it is deleted."""
    return {**{name: getattr(row, column) for name, column in columns.items()}, "isDeleted": row.is_deleted}


def stamps(row: Any, connection: Connection | None = None) -> dict[str, Any]:
    """What every query of one thing says beyond its table."""
    return {
        "createTime": row.created_at,
        "updateTime": row.updated_at,
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


def platform_names(call: Call, rows: Iterable[Any]) -> dict[int, str]:
    """The names of the connections that the rows belong to, by id."""
    ids = {row.connection_id for row in rows}
    return dict(call.session.execute(select(Connection.id, Connection.name).where(Connection.id.in_(ids))).tuples().all()) if ids else {}
