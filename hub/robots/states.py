"""What a robot is doing: the seven states of ours, and the three of the standard that they are shown as (erratum E56)."""
from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from sqlalchemy import ColumnElement, and_, false, or_, tuple_
from sqlalchemy.orm import Session

from hub.core import Hub
from hub.database import now
from hub.licences import expired_kinds, unlicensed
from hub.models import Robot

IDLE, RUNNING, OFFLINE = 0, 1, 2
# Who cannot be given a task now is offline to a caller who knows the printed values only.
STATUS: Mapping[str, int] = MappingProxyType(
    {"idle": IDLE, "running": RUNNING, "offline": OFFLINE, "disabled": OFFLINE, "paused": OFFLINE, "upgrading": OFFLINE, "unlicensed": OFFLINE}
)

# What a robot must be to take a task at this moment, beside being idle.
MAY_WORK = and_(
    Robot.is_deleted.is_(False), Robot.is_enabled.is_(True), Robot.is_stopped.is_(False), Robot.is_paused.is_(False), Robot.held_by.is_(None)
)
UPGRADING = "upgrade:"  # how the mark of an upgrade begins; whatever else holds a robot pauses it


def states_of(hub: Hub, session: Session, robots: Collection[Robot]) -> dict[int, str]:
    """The state of each robot, by its id, in one query at most. A robot is online while its heartbeat is fresh."""
    without = {row.id for row in unlicensed(session, robots)} if robots else set()
    oldest = _oldest(hub)
    return {row.id: _state(row, row.seen_at is not None and row.seen_at > oldest, row.id in without) for row in robots}


def _state(row: Robot, is_fresh: bool, is_unlicensed: bool) -> str:
    if not row.is_enabled:
        return "disabled"
    if row.is_deleted or not is_fresh:
        return "offline"
    if row.task_id is not None:
        return "running"
    if row.held_by is not None and row.held_by.startswith(UPGRADING):
        return "upgrading"
    if row.is_paused or row.held_by is not None:
        return "paused"
    return "unlicensed" if is_unlicensed else "idle"


def in_states(hub: Hub, session: Session, states: Collection[str]) -> ColumnElement[bool]:
    """The condition of the robots that are in one of these states; says the same as ``states_of``."""
    fresh = Robot.seen_at > _oldest(hub)
    online = and_(Robot.is_enabled.is_(True), Robot.is_deleted.is_(False), fresh)
    free = and_(online, Robot.task_id.is_(None))
    held, upgrading = Robot.held_by.is_not(None), and_(Robot.held_by.is_not(None), Robot.held_by.startswith(UPGRADING))
    ready = and_(free, Robot.is_paused.is_(False), ~held)
    pairs = expired_kinds(session) if {"idle", "unlicensed"} & set(states) else set()
    without = tuple_(Robot.connection_id, Robot.type).in_(pairs) if pairs else false()
    conditions = {
        "disabled": Robot.is_enabled.is_(False),
        "offline": and_(Robot.is_enabled.is_(True), or_(Robot.is_deleted.is_(True), Robot.seen_at.is_(None), ~fresh)),
        "running": and_(online, Robot.task_id.is_not(None)),
        "upgrading": and_(free, upgrading),
        "paused": and_(free, ~upgrading, or_(Robot.is_paused.is_(True), held)),
        "unlicensed": and_(ready, without),
        "idle": and_(ready, ~without),
    }
    return or_(false(), *(conditions[state] for state in states if state in conditions))


def _oldest(hub: Hub) -> datetime:
    return now() - timedelta(seconds=hub.settings.robot_timeout)
