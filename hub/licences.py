"""Whether robots may work: the licences that were imported for them, and how long these hold (erratum E71)."""
from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from hub.database import now
from hub.models import Licence, Robot

# The licence that a robot needs, by its robotType: 0 runs in the background, 1 beside a person.
ROBOT_LICENCES = {0: "robot-unattended", 1: "robot-attended"}
LICENCE_TYPES = (*ROBOT_LICENCES.values(), "designer")


def kind_of(type_: str) -> str:
    """The type without a platform's name in front."""
    return type_.rpartition(":")[2]


def expired_kinds(session: Session) -> set[tuple[int, int]]:
    """The kinds of robots (connection, robotType) whose licences have all expired.

    A robot for which no licence was ever imported needs none here: a native one has its own, and a vendor's platform looks after its own.
    """
    valid = func.count().filter(or_(Licence.expires_at.is_(None), Licence.expires_at > now()))
    counted = select(Licence.connection_id, Licence.type, valid).where(Licence.is_deleted.is_(False))
    left: dict[tuple[int, str], int] = defaultdict(int)
    for connection_id, type_, count in session.execute(counted.group_by(Licence.connection_id, Licence.type)):
        left[connection_id, kind_of(type_)] += count
    types = {licence: type_ for type_, licence in ROBOT_LICENCES.items()}
    return {(connection_id, types[kind]) for (connection_id, kind), count in left.items() if count == 0 and kind in types}


def unlicensed(session: Session, robots: Collection[Robot]) -> list[Robot]:
    """Those of the robots whose licences have all expired."""
    expired = expired_kinds(session)
    return [each for each in robots if (each.connection_id, each.type) in expired]
