"""The triggers of robots' own (clause 5.1.3, F016): fired by whatever schedulers run, each due fire once, also without a platform.

A robot's row says when the next of its triggers is due. Firing is a call of the robot interface by the robot itself, with an idempotency
key that names the trigger and the moment: whoever fires it again gets the answer of the first time.
"""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import takewhile
from typing import Any

import structlog
from sqlalchemy import select, update

from hub import auth
from hub.call import Source
from hub.core import Hub
from hub.database import now
from hub.dispatch import Dispatcher, new_trace_id
from hub.models import Department, Robot
from hub.schedule.cron import parse
from hub.schedule.plan import Plan
from hub.schedule.zones import zone_of
from plugins import codes

log = structlog.get_logger(__name__)

PASSED_ON = ("processId", "inParameters", "priority", "isRecord", "maxRunTime", "maxWaitingTime")
BATCH = 500
GRACE = timedelta(days=1)
SECOND = timedelta(seconds=1)


@lru_cache(maxsize=4096)
def plan_of(expression: str, zone: str) -> Plan:
    """When an expression fires in a zone. Raises InvalidInput."""
    return Plan(parse(expression), zone_of(zone))


def next_due(hub: Hub, triggers: Iterable[Mapping[str, Any]] | None, after: datetime) -> datetime | None:
    """The next moment after ``after`` at which one of a robot's triggers fires, None where none does."""
    firsts = [next(_plan(hub, each).fires(after), None) for each in _clocked(triggers)]
    return min((each for each in firsts if each is not None), default=None)


def replace(hub: Hub, row: Robot, wanted: list[dict[str, Any]], *, fires_here: bool) -> None:
    """Give a robot these triggers in the place of those that it has. One that stays as it was keeps the fire that is due this moment.

    Each trigger carries ``since``, the moment from which it counts as it is: a new one does not fire for what was due before it.
    """
    moment = now()
    before = {each["name"]: each for each in row.schedules or []}
    row.schedules = [{**each, "since": _since(before.get(each["name"]), each) or moment.isoformat()} for each in wanted]
    is_due = row.schedules_due_at is not None and row.schedules_due_at <= moment
    pending = row.schedules_due_at if is_due and any(each["since"] != moment.isoformat() for each in row.schedules) else None
    following = next_due(hub, row.schedules, moment)
    row.schedules_due_at = min((each for each in (pending, following) if each is not None), default=None) if fires_here else None


def _since(old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> str | None:
    """Since when the trigger has been as it is; None for one that is new or changed."""
    return str(old["since"]) if old is not None and {**old, "since": ""} == {**new, "since": ""} else None


def _clocked(triggers: Iterable[Mapping[str, Any]] | None) -> list[Mapping[str, Any]]:
    return [each for each in triggers or () if each["type"] == "cron" and each["isActivated"]]


def _plan(hub: Hub, trigger: Mapping[str, Any]) -> Plan:
    return plan_of(trigger["cronExpression"], trigger.get("timeZone") or hub.settings.time_zone)


def fire_due(hub: Hub, dispatcher: Dispatcher, moment: datetime | None = None) -> int:
    """Fire what is due; gives the number of tasks started.

    Of several fires that one trigger has missed, the last is made good, if it was due within a day; the log tells of the others.
    """
    until = moment or now()
    due = (
        select(Robot, Department.path)
        .join(Department, Department.id == Robot.department_id)
        .where(Robot.schedules_due_at <= until, Robot.is_deleted.is_(False))
        .order_by(Robot.schedules_due_at)
        .limit(BATCH)
    )
    with hub.db.read() as session:
        robots = [(row, path) for row, path in session.execute(due)]
    return sum(_fire(hub, dispatcher, row, path, until) for row, path in robots)


def _fire(hub: Hub, dispatcher: Dispatcher, row: Robot, path: str, until: datetime) -> int:
    since, count = row.schedules_due_at, 0
    assert since is not None
    if until - since > GRACE:
        log.warning("fires of local triggers are too old to be made good", robot_id=row.id, since=since.isoformat())
    for trigger in _clocked(row.schedules):
        after = max(since - SECOND, until - GRACE, datetime.fromisoformat(trigger["since"]))
        moments = _between(_plan(hub, trigger), after, until)
        if not moments:
            continue
        if len(moments) > 1:
            log.warning("fires of a local trigger missed", robot_id=row.id, trigger=trigger["name"], count=len(moments) - 1)
        started = fire(dispatcher, row, path, trigger, moments[-1])
        if started is None:
            return count  # The next round fires again: whoever was fired already gives its first answer.
        count += started
    following = next_due(hub, row.schedules, until)
    with hub.db.write() as session:
        mine = update(Robot).where(Robot.id == row.id, Robot.schedules_due_at == since)
        session.execute(mine.values(schedules_due_at=following, updated_at=Robot.updated_at))
    return count


def _between(plan: Plan, after: datetime, until: datetime) -> list[datetime]:
    """The fires after the one moment and until the other, which is included."""
    return list(takewhile(lambda each: each <= until, plan.fires(after)))


def fire(dispatcher: Dispatcher, row: Robot, path: str, trigger: Mapping[str, Any], moment: datetime, kind: str = "schedule") -> int | None:
    """Start the task of a trigger by the robot itself, once for each moment; gives the number of tasks started, None where the hub broke over it."""
    key = f"local-trigger-{row.id}-{trigger['name']}-{moment:%Y%m%dT%H%M%S}"
    params = {"isRecord": False, **{name: trigger[name] for name in PASSED_ON if trigger.get(name) is not None}}
    answer = dispatcher.call(
        dispatcher.catalogue["robot_api_task_create"],
        params,
        caller=auth.robot_caller(row.id, row.department_id, path),
        trace_id=new_trace_id(),
        source=Source(kind=kind, idempotency_key=key),
    )
    if answer.code.value != "00000":
        log.warning("local trigger did not start its task", robot_id=row.id, trigger=trigger["name"], code=str(answer.code), reason=answer.message)
        return None if answer.code is codes.SERVER_STATE else 0
    log.info("local trigger fired", robot_id=row.id, trigger=trigger["name"], due=moment.isoformat(), task_ids=answer.data.get("taskIds"))
    return 1
