"""Time zones as triggers name them, and the moment that a local time means in one (erratum E48)."""
from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from plugins.errors import InvalidInput

FIXED = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2})(?::?([0-5]\d))?", re.IGNORECASE | re.ASCII)
NAMED = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}", re.ASCII)
FARTHEST = timedelta(hours=14)
# These are files beside the zones, whose meaning differs from machine to machine.
NO_ZONES = re.compile(r"localtime|posixrules|Factory|posix/.*|right/.*", re.IGNORECASE)
SECOND = timedelta(seconds=1)


def zone_of(text: str) -> tzinfo:
    """The zone with an IANA name, or with a fixed offset: ``UTC+8``, ``GMT+08:00``, ``+0800``. Raises InvalidInput (10007)."""
    text = text.strip()
    fixed = FIXED.fullmatch(text)
    if fixed:
        offset = timedelta(hours=int(fixed[2]), minutes=int(fixed[3] or 0))
        if offset <= FARTHEST:
            return timezone(-offset if fixed[1] == "-" else offset)
    elif NAMED.fullmatch(text) and not NO_ZONES.fullmatch(text):
        try:
            return ZoneInfo(text)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            pass  # a folder of zones, such as "Asia", ends here too
    raise InvalidInput(f"timeZone “{text}”不正确：应为 IANA 时区名称（如 Asia/Shanghai）或 UTC+8、GMT+08:00 等固定时差")


def moment_of(local: datetime, zone: tzinfo) -> datetime:
    """The moment (UTC) of a local time: the first, where the clock shows it twice; where it is skipped, that at which the clock jumps."""
    moment = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None, fold=0) == local:
        return moment
    return _jump(local.replace(tzinfo=zone, fold=1).astimezone(UTC), moment, zone)


def _jump(before: datetime, after: datetime, zone: tzinfo) -> datetime:
    """The first moment with the new offset, known to lie after the one and not after the other."""
    new = after.astimezone(zone).utcoffset()
    while after - before > SECOND:
        middle = before + (after - before) // SECOND // 2 * SECOND
        if middle.astimezone(zone).utcoffset() == new:
            after = middle
        else:
            before = middle
    return after
