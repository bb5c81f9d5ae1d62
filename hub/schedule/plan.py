"""The moments at which a cron expression fires, in its zone and with its calendar (errata E48 to E51)."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from hub.models import Calendar, Trigger
from hub.schedule.cron import Cron, parse
from hub.schedule.zones import moment_of, zone_of

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Plan:
    """When to fire. What falls on a ``closed`` day is skipped, or moved to the ``previous`` or ``next`` open day at the same time of day.

    Days are those of the zone. Nothing fires after ``cover_end``, the last day of which the calendar knows: such fires are held.
    A time of day that the clock skips fires once at its jump; one that the clock shows twice fires the first time only.
    """

    cron: Cron
    zone: tzinfo
    closed: frozenset[date] = frozenset()
    day_shift: str = "skip"
    cover_end: date | None = None

    def fires(self, after: datetime) -> Iterator[datetime]:
        """The moments (UTC) after the given one, each once, in ascending order; they end where nothing fires any more."""
        local = after.astimezone(self.zone)
        last = after
        for day in self.days(local.date()):
            for each in self.cron.times(local.time() if day == local.date() else time.min):
                moment = moment_of(datetime.combine(day, each), self.zone)
                if moment > last:
                    last = moment
                    yield moment

    def days(self, start: date) -> Iterator[date]:
        """The days from ``start`` on, in ascending order."""
        last = None
        for day in self._shifted(start):
            if self.cover_end is not None and day > self.cover_end:
                return
            if day >= start and day != last:
                last = day
                yield day

    def _shifted(self, start: date) -> Iterator[date]:
        if self.day_shift == "skip":
            return (day for day in self.cron.days.since(start) if day not in self.closed)
        step = DAY if self.day_shift == "next" else -DAY
        moved: dict[date, date] = {}
        for day in sorted(self.closed, reverse=self.day_shift == "next"):
            moved[day] = moved.get(day + step, day + step)
        if self.day_shift == "next":
            # What was due on the closed days right before is moved to the first open day from the start on.
            while start - DAY in self.closed:
                start -= DAY
        return (moved.get(day, day) for day in self.cron.days.since(start))


def plan_of(trigger: Trigger, calendar: Calendar | None, zone: tzinfo) -> Plan:
    """The plan of a trigger with a cron expression; ``zone`` is the deployment's. Raises InvalidInput for an expression or a zone that is wrong."""
    cron = parse(trigger.cron_expression or "")
    zone = zone_of(trigger.time_zone) if trigger.time_zone else zone
    if calendar is None or not trigger.is_define_calendar:
        return Plan(cron, zone)
    closed = frozenset(date.fromisoformat(each) for each in calendar.non_working_days)
    return Plan(cron, zone, closed, trigger.day_shift, calendar.cover_end)
