"""The call log and its figures (clause 6.1.2): noted in memory, written in batches by a thread, off the path of the call."""
from __future__ import annotations

import json
import os
import threading
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from multiprocessing.util import Finalize
from typing import TYPE_CHECKING, Any, cast

import redis
import structlog
from sqlalchemy import case, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from config.redaction import redact, redact_text
from hub.call import Caller, Source
from hub.database import storable
from hub.models import ApiCall, ApiMetric, AuditEntry
from plugins.fields import Items, Json, Part, Printed, Record, Upload
from plugins.files import FileContent

if TYPE_CHECKING:
    from hub.core import Hub

log = structlog.get_logger(__name__)

INTERVAL = 0.5
BATCH = 500
MOST_WAITING = 50_000
TOTALS = "rpahub:calls"
EXIT_PRIORITY = 10
MASK = "***"
MOST_FIELDS, MOST_ITEMS, LONGEST_NAME = 200, 50, 128
HIDDEN_HEADERS = frozenset({"token", "authorization", "cookie", "set-cookie"})


@dataclass(frozen=True)
class Noted:
    """One call as it is noted: references only, everything else is the writing thread's work."""

    called_at: datetime
    trace_id: str
    operation: str
    source: Source
    caller: Caller
    schema: Record
    request: Any
    status: int
    result_code: str
    message: str
    response_schema: Record
    response: Mapping[str, Any]
    duration: float
    audit: AuditEntry | None = None


class CallLog:
    """The notes of this process. ``close`` writes what is left; it is also called when the process ends in order.

    What is noted after that is written at once.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._waiting: deque[Noted] = deque()
        self._wake = threading.Event()
        self._closing = False
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._pid = 0
        self._at_exit: Finalize | None = None

    def note(self, noted: Noted) -> None:
        """Take a call down. When the database has been away for so long that memory is at stake, the oldest notes go, and that is logged."""
        if self._pid != os.getpid():
            self._begin()
        self._waiting.append(noted)
        if self._closing:
            self.flush()
        elif len(self._waiting) >= BATCH:
            self._wake.set()

    def _begin(self) -> None:
        with self._lock:
            if self._pid == os.getpid():
                return
            self._pid = os.getpid()
            self._waiting.clear()  # what a parent noted is the parent's to write
            self._writing = threading.Lock()
            threading.Thread(target=self._write_on, name="call-log", daemon=True).start()
            # Workers of the web server are children of multiprocessing, which end without what is registered with atexit.
            self._at_exit = Finalize(None, self.close, exitpriority=EXIT_PRIORITY)

    def _write_on(self) -> None:
        while not self._closing:
            self._wake.wait(INTERVAL)
            self._wake.clear()
            self.flush()

    def close(self) -> None:
        """Write everything that is waiting."""
        self._closing = True
        self._wake.set()
        self.flush()
        if self._at_exit is not None:
            self._at_exit.cancel()

    def flush(self) -> None:
        """Write what is waiting, in batches. What cannot be written stays for the next time."""
        with self._writing:
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
                try:
                    self._write(batch)
                except SQLAlchemyError as error:
                    self._waiting.extendleft(reversed(batch))
                    self._drop_oldest()
                    log.warning("call log waits for the database", waiting=len(self._waiting), error=type(error).__name__)
                    return

    def _drop_oldest(self) -> None:
        lost = len(self._waiting) - MOST_WAITING
        for _ in range(lost):
            self._waiting.popleft()
        if lost > 0:
            log.error("calls were lost from the call log", count=lost)

    def _write(self, batch: list[Noted]) -> None:
        rows = [_safe_row(each, self._hub.settings.call_log_body) for each in batch]
        figures = figures_of(batch)
        with self._hub.db.write() as session:
            session.execute(insert(ApiCall), rows)
            add_figures(session, figures)
            session.add_all(each.audit for each in batch if each.audit is not None)
        self._count(figures)

    def _count(self, figures: list[dict[str, Any]]) -> None:
        """Add to the totals that /metrics shows; they may begin anew with a new Redis, as counters do."""
        try:
            with self._hub.redis.pipeline(transaction=False) as pipe:
                for each in figures:
                    for name in ("calls", "errors"):
                        pipe.hincrby(TOTALS, f"{each['operation']}:{name}", each[name])
                    pipe.hincrbyfloat(TOTALS, f"{each['operation']}:duration", each["duration"])
                pipe.execute()
        except redis.RedisError as error:
            log.warning("totals of calls not counted", error=str(error))


def _safe_row(noted: Noted, longest: int) -> dict[str, Any]:
    """The row of a call; without its bodies where these cannot be shown, as one strange call must not keep all others from the log."""
    try:
        return row_of(noted, longest)
    except Exception:
        log.exception("a call could not be shown in full", trace_id=noted.trace_id, operation=noted.operation)
        return row_of(replace(noted, request={}, response={}), longest)


def row_of(noted: Noted, longest: int) -> dict[str, Any]:
    """The row of a call, secrets masked."""
    source, caller = noted.source, noted.caller
    return {
        "called_at": noted.called_at,
        "trace_id": noted.trace_id,
        "operation": noted.operation,
        "source": source.kind,
        "caller": caller.name[:128],
        "department_id": caller.department_id,
        "client_ip": source.client_ip[:64],
        "method": source.method,
        "path": source.path[:255],
        "headers": shortened({name: MASK if name.lower() in HIDDEN_HEADERS else value for name, value in source.headers.items()}, longest),
        "request": shortened(masked(noted.request, noted.schema), longest),
        "status": noted.status,
        "result_code": noted.result_code,
        "message": storable(noted.message[:1024]),
        "response": shortened(masked(noted.response, noted.response_schema), longest),
        "duration": round(noted.duration, 3),
    }


def masked(value: Any, schema: Record) -> Any:
    """A request or response for the log: fields declared secret are masked, files told by name and size, unknown fields by name only."""
    if not isinstance(value, Mapping):
        return f"({type(value).__name__})" if value is not None else {}
    shown: dict[str, Any] = {}
    for name, each in islice(value.items(), MOST_FIELDS):
        field = schema.fields.get(name)
        if field is None:
            shown[redact_text(str(name)[:LONGEST_NAME])] = MASK
        else:
            shown[name] = _masked_field(each, field)
    return redact(shown)


def _masked_field(value: Any, field: Any) -> Any:
    if isinstance(field, Printed) and field.secret:
        return MASK if value not in (None, "") else value
    if isinstance(value, FileContent):
        return {"name": value.name, "size": value.size}
    if isinstance(field, Upload):
        return {"size": len(str(value))}
    if isinstance(field, Part):
        return masked(value, cast(Record, field.schema))
    if isinstance(field, Json) and isinstance(value, str):
        return f"({type(value).__name__})"
    inner = getattr(getattr(field, "inner", None), "schema", None) if isinstance(field, Items) else None
    if inner is not None:
        return [masked(each, inner) for each in value[:MOST_ITEMS]] if isinstance(value, list) else f"({type(value).__name__})"
    return value


def shortened(value: Any, longest: int) -> str:
    """JSON text of at most so many characters; a longer one is cut and says how long it was."""
    text = storable(json.dumps(value, ensure_ascii=False, default=str, separators=(",", ":")))
    return text if len(text) <= longest else f"{text[:longest]}…({len(text)})"


def figures_of(batch: list[Noted]) -> list[dict[str, Any]]:
    """The figures of a batch by minute and operation."""
    sums: dict[tuple[datetime, str], dict[str, Any]] = defaultdict(lambda: {"calls": 0, "errors": 0, "duration": 0.0, "longest": 0.0})
    for each in batch:
        found = sums[each.called_at.replace(second=0, microsecond=0), each.operation]
        found["calls"] += 1
        found["errors"] += each.result_code != "00000"
        found["duration"] += each.duration
        found["longest"] = max(found["longest"], each.duration)
    return [{"minute": minute, "operation": operation, **figures} for (minute, operation), figures in sorted(sums.items())]


def add_figures(session: Session, figures: list[dict[str, Any]]) -> None:
    """Add figures to those of the same minute, whichever process counted them."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    for each in figures:
        row = dialect.insert(ApiMetric).values(**each)
        session.execute(
            row.on_conflict_do_update(
                index_elements=[ApiMetric.minute, ApiMetric.operation],
                set_={
                    "calls": ApiMetric.calls + row.excluded.calls,
                    "errors": ApiMetric.errors + row.excluded.errors,
                    "duration": ApiMetric.duration + row.excluded.duration,
                    "longest": case((ApiMetric.longest >= row.excluded.longest, ApiMetric.longest), else_=row.excluded.longest),
                },
            )
        )
