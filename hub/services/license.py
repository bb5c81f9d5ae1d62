"""Licences (clause 6.2.16): how many there are, how many robots use them, and whether a robot may work (erratum E71)."""
from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hub.call import Call
from hub.connections import NATIVE
from hub.database import now
from hub.licence_file import PERPETUAL
from hub.licences import ROBOT_LICENCES, kind_of
from hub.models import Connection, Licence, Robot
from hub.scope import visible
from hub.serving import serves
from plugins.operations import license as operations

FOREVER = datetime.max.replace(tzinfo=UTC)


@serves(operations.license_info)
def license_info(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """The imported licences. Native robots for which none was imported have a perpetual one each, which came with the product."""
    seen = visible(select(Connection).where(Connection.is_deleted.is_(False)), Connection, call)
    native = select(Connection).where(Connection.adapter == NATIVE)
    connections = {row.id: row for statement in (native, seen) for row in call.session.scalars(statement)}
    used = _robots_by_licence(call.session, connections)
    found: dict[tuple[int, str], list[Licence]] = defaultdict(list)
    licences = select(Licence).where(Licence.is_deleted.is_(False), Licence.connection_id.in_(connections)).order_by(Licence.id)
    for row in call.session.scalars(licences):
        found[row.connection_id, row.type].append(row)
    rows = [
        {
            "type": public_type(connections[connection_id], type_),
            "quantity": row.quantity,
            "used_quantity": seats,
            "licenseExpirationTime": row.expires_at or PERPETUAL,
        }
        for (connection_id, type_), rows_of_type in found.items()
        for row, seats in _spread(_used(used, connection_id, type_), rows_of_type)
    ]
    return {"licenses": [*_built_in(connections.values(), found.keys(), used), *rows]}


def public_type(connection: Connection, type_: str) -> str:
    """The type as it is shown: that of another platform carries its name in front."""
    return type_ if connection.adapter == NATIVE or ":" in type_ else f"{connection.adapter}:{type_}"


def _robots_by_licence(session: Session, connection_ids: Iterable[int]) -> dict[tuple[int, str], int]:
    """How many robots use each type of licence of each connection."""
    counted = (
        select(Robot.connection_id, Robot.type, func.count())
        .where(Robot.is_deleted.is_(False), Robot.connection_id.in_(list(connection_ids)))
        .group_by(Robot.connection_id, Robot.type)
    )
    return {(connection_id, ROBOT_LICENCES.get(type_, "")): count for connection_id, type_, count in session.execute(counted)}


def _used(used: dict[tuple[int, str], int], connection_id: int, type_: str) -> int | None:
    """How many robots use a type of licence; None for what is no licence of robots, of which the hub does not know."""
    kind = kind_of(type_)
    return used.get((connection_id, kind), 0) if kind in ROBOT_LICENCES.values() else None


def _built_in(
    connections: Iterable[Connection], imported: Collection[tuple[int, str]], used: dict[tuple[int, str], int]
) -> list[dict[str, Any]]:
    rows = []
    for connection in connections:
        for type_ in ROBOT_LICENCES.values():
            count = used.get((connection.id, type_), 0)
            shown = connection.adapter == NATIVE and (connection.id, type_) not in imported
            if shown and (count or type_ == ROBOT_LICENCES[0]):
                rows.append({"type": type_, "quantity": count, "used_quantity": count, "licenseExpirationTime": PERPETUAL})
    return rows


def _spread(used: int | None, licences: list[Licence]) -> list[tuple[Licence, int | None]]:
    """Put the used seats on the licences of one type: on those that last longest first, and what no licence covers on the last of these.

    Expired ones cover nothing, unless there are no others.
    """
    if used is None:
        return [(row, None) for row in licences]
    moment = now()
    valid = [row for row in licences if (row.expires_at or FOREVER) > moment] or licences
    seats = {row.id: 0 for row in licences}
    left = used
    for row in sorted(valid, key=lambda each: each.expires_at or FOREVER, reverse=True):
        seats[row.id] = min(left, row.quantity)
        left -= seats[row.id]
        last = row.id
    seats[last] += left
    return [(row, seats[row.id]) for row in licences]
