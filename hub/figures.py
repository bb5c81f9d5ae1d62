"""The figures of the call log by period, and as Prometheus reads them."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hub.models import ApiMetric

DAY = timedelta(days=1)
LONGEST = {
    "minute": 2 * DAY, "hour": 62 * DAY, "day": 800 * DAY, "tradingDay": 800 * DAY, "week": 1600 * DAY, "month": 4000 * DAY,
}  # fmt: skip


@dataclass(frozen=True)
class Figures:
    """The calls of one operation in one period; times in milliseconds."""

    period: str
    operation: str
    calls: int
    errors: int
    duration: float
    longest: float


def by_period(
    session: Session, start: datetime, end: datetime, unit: str, zone: ZoneInfo, operation: str | None, closed: frozenset[str]
) -> list[Figures]:
    """The figures between two moments, by ``unit`` in ``zone``. For trading days, ``closed`` has the days that are none: they are left out."""
    found: dict[tuple[str, str], Figures] = {}
    for moment, each in _by_hour_or_minute(session, start, end, unit, operation):
        local = moment.astimezone(zone)
        if local.strftime("%Y-%m-%d") in closed:
            continue
        period = _period(local, unit)
        key = (period, each.operation)
        known = found.get(key)
        found[key] = replace(each, period=period) if known is None else _sum(known, each)
    return [found[key] for key in sorted(found)]


def _by_hour_or_minute(
    session: Session, start: datetime, end: datetime, unit: str, operation: str | None
) -> Iterator[tuple[datetime, Figures]]:
    """The stored minutes, added up to hours by the database where no finer division is asked for."""
    moment = ApiMetric.minute if unit == "minute" else _hour(session)
    statement = (
        select(
            moment,
            ApiMetric.operation,
            func.sum(ApiMetric.calls),
            func.sum(ApiMetric.errors),
            func.sum(ApiMetric.duration),
            func.max(ApiMetric.longest),
        )
        .where(ApiMetric.minute >= start.replace(second=0, microsecond=0), ApiMetric.minute < end)
        .group_by(moment, ApiMetric.operation)
    )
    if operation:
        statement = statement.where(ApiMetric.operation == operation)
    for at, name, calls, errors, duration, longest in session.execute(statement.execution_options(yield_per=5000)):
        yield _aware(at), Figures("", name, int(calls), int(errors), float(duration), float(longest))


def _hour(session: Session) -> Any:
    if session.get_bind().dialect.name == "sqlite":
        return func.strftime("%Y-%m-%d %H:00:00", ApiMetric.minute)
    return func.date_trunc("hour", ApiMetric.minute)


def _aware(moment: datetime | str) -> datetime:
    at = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _period(local: datetime, unit: str) -> str:
    if unit == "week":
        year, week, _ = local.isocalendar()
        return f"{year}-W{week:02d}"
    shape = {"minute": "%Y-%m-%d %H:%M", "hour": "%Y-%m-%d %H:00", "month": "%Y-%m"}
    return local.strftime(shape.get(unit, "%Y-%m-%d"))


def _sum(one: Figures, other: Figures) -> Figures:
    return replace(
        one,
        calls=one.calls + other.calls,
        errors=one.errors + other.errors,
        duration=one.duration + other.duration,
        longest=max(one.longest, other.longest),
    )
