"""Vendor words -> the standard's values, as tables that stand beside their source.

An adapter writes what it knows as data (``StateTable``, ``ErrorTable``, ``VendorTime``); what it does not know becomes the table's
fallback and one line in the log, never a crash. The mapping from the hub's own task states to the printed ``taskStatus`` is here too,
once for everybody (erratum E37).
"""
from __future__ import annotations

import logging
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Any, Generic, Literal, TypeVar, overload

from plugins import codes
from plugins.codes import Code
from plugins.errors import Conflict, HubError, InvalidInput, NotFound, NotSupported, Unreachable, VendorError, VendorTimeout

logger = logging.getLogger(__name__)

Value = TypeVar("Value")


class TaskState(StrEnum):
    """Where a task is, finer than the five printed values. UNKNOWN comes from vendor words that no table lists."""

    QUEUED = "queued"
    DISPATCHING = "dispatching"
    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    MISSED = "missed"
    UNKNOWN = "unknown"


class RobotState(IntEnum):
    """robotStatus as printed. What is neither idle nor running cannot be given work and counts as offline (erratum E56)."""

    IDLE = 0
    RUNNING = 1
    OFFLINE = 2


ENDED = frozenset({TaskState.SUCCEEDED, TaskState.FAILED, TaskState.CANCELLED, TaskState.TIMED_OUT, TaskState.MISSED})

# Tables 48, 50, 145 and 147: 0 成功, 1 失败, 2 进行中, 3 已取消, 4 暂停. A queued task is 2, one paused while queued is 4, a timeout is 1
# with a reason (E37). A state that nobody knows counts as going on, so that no ending is ever invented.
TASK_STATUS: Mapping[str, int] = MappingProxyType({
    TaskState.SUCCEEDED: 0,
    TaskState.FAILED: 1,
    TaskState.TIMED_OUT: 1,
    TaskState.MISSED: 1,
    TaskState.QUEUED: 2,
    TaskState.DISPATCHING: 2,
    TaskState.RUNNING: 2,
    TaskState.PAUSING: 2,
    TaskState.UNKNOWN: 2,
    TaskState.CANCELLED: 3,
    TaskState.PAUSED: 4,
})


def task_status(state: str) -> int:
    """The printed ``taskStatus`` of a task state. Raises ValueError for a text that is no task state."""
    return TASK_STATUS[TaskState(state)]


def has_ended(state: str) -> bool:
    """Whether a task in this state will never change again."""
    return state in ENDED


class _Unseen:
    """Remembers what was complained about, so that one strange vendor word gives one log line in a process and not one for each poll."""

    most = 200

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._lock = threading.Lock()

    def is_new(self, key: str) -> bool:
        with self._lock:
            if key in self._seen or len(self._seen) >= self.most:
                return False
            self._seen.add(key)
            return True


@dataclass(frozen=True)
class StateTable(Generic[Value]):
    """One vocabulary of a vendor and what each word means here.

    ``name`` says which vocabulary it is, for the log; ``source`` where the words are documented. Words are compared as texts, without
    regard to case. Call the table with the vendor's value; a value that is not listed gives ``fallback`` and one warning.
    """

    name: str
    values: Mapping[Any, Value]
    fallback: Value
    source: str
    _index: dict[str, Value] = field(init=False, repr=False, compare=False)
    _unseen: _Unseen = field(init=False, repr=False, compare=False, default_factory=_Unseen)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_index", {self._key(word): value for word, value in self.values.items()})

    @staticmethod
    def _key(word: Any) -> str:
        return str(word).strip().casefold()

    def __call__(self, word: Any) -> Value:
        """Our value for the vendor's ``word``. Never raises."""
        key = self._key(word)[:200]
        if key in self._index:
            return self._index[key]
        if self._unseen.is_new(key):
            logger.warning("%s: the value %r is not in the table (%s); taken as %s", self.name, key[:80], self.source, self.fallback)
        return self.fallback

    def words(self, value: Value) -> list[Any]:
        """The vendor's words for one of our values, in the order of the table; for filters that are sent to the vendor."""
        return [word for word, ours in self.values.items() if ours == value]


def task_states(name: str, values: Mapping[Any, TaskState], *, source: str) -> StateTable[TaskState]:
    """A table of task states; an unlisted one is UNKNOWN."""
    return StateTable(name, values, TaskState.UNKNOWN, source)


def robot_states(name: str, values: Mapping[Any, RobotState], *, source: str) -> StateTable[RobotState]:
    """A table of robot states; an unlisted one is OFFLINE, because nothing can be sent to a robot whose state is not known."""
    return StateTable(name, values, RobotState.OFFLINE, source)


def log_levels(name: str, values: Mapping[Any, str], *, source: str) -> StateTable[str]:
    """A table of log levels (trace, debug, info, warn, error); an unlisted one is info."""
    return StateTable(name, values, "info", source)


# What HTTP says of itself, for vendors and statuses that a table does not name.
STATUSES: Mapping[int, Code] = MappingProxyType({
    401: codes.TOKEN_INVALID,
    403: codes.NO_PERMISSION,
    404: codes.NOT_FOUND,
    408: codes.VENDOR_TIMEOUT,
    409: codes.ILLEGAL_STATE,
    410: codes.NOT_FOUND,
    413: codes.TOO_LARGE,
    429: codes.RATE_LIMITED,
    503: codes.ADAPTER_UNREACHABLE,
    504: codes.VENDOR_TIMEOUT,
})

# The vendor's quarrel with the hub's own account there is none of the caller's business: his token and his rights are in order.
CREDENTIALS_REFUSED = frozenset({codes.TOKEN_INVALID, codes.USER_UNKNOWN, codes.PASSWORD_WRONG, codes.ACCOUNT_LOCKED, codes.SECOND_FACTOR})
RIGHTS_REFUSED = frozenset({codes.NO_PERMISSION, codes.OUT_OF_SCOPE, codes.IP_REFUSED, codes.APPROVAL_NEEDED})

_CLASSES: Mapping[Code, type[HubError]] = MappingProxyType({
    codes.NOT_FOUND: NotFound,
    codes.FILE_MISSING: NotFound,
    codes.NOT_SUPPORTED: NotSupported,
    codes.ADAPTER_UNREACHABLE: Unreachable,
    codes.VENDOR_TIMEOUT: VendorTimeout,
})


def vendor_error(code: Code, reason: str = "", *, raw: Any = None, retry_after: float | None = None) -> HubError:
    """The error for a result code that a vendor's answer was mapped to, of the class that says what the caller can do next."""
    if code in CREDENTIALS_REFUSED:
        return VendorError(f"连接的凭据被厂商平台拒绝（{reason}）" if reason else "连接的凭据被厂商平台拒绝", raw=raw, retry_after=retry_after)
    if code in RIGHTS_REFUSED:
        return VendorError(f"连接的账号在厂商平台上没有权限（{reason}）" if reason else "连接的账号在厂商平台上没有权限", raw=raw, retry_after=retry_after)
    kind = _CLASSES.get(code)
    if kind is None:
        kind = Conflict if code.status == 409 else InvalidInput if code.status == 400 else VendorError
    return kind(reason, code=code, raw=raw, retry_after=retry_after)


@dataclass(frozen=True)
class ErrorTable:
    """A vendor's errors -> result codes: its exact code first, then a pattern in its words, then the HTTP status, then 20104.

    ``exact``: the vendor's own error code (compared as text). ``patterns``: regular expression, searched without regard to case.
    ``statuses``: HTTP status, before the general meaning that ``STATUSES`` has for it. A code of the kind "token invalid" makes
    ``plugins.http`` log in again, once.
    """

    exact: Mapping[Any, Code] = field(default_factory=dict)
    patterns: Mapping[str, Code] = field(default_factory=dict)
    statuses: Mapping[int, Code] = field(default_factory=dict)
    source: str = ""

    def __call__(self, vendor_code: Any = "", text: str = "", status: int | None = None) -> Code:
        """The result code for what the vendor said. Never raises."""
        if vendor_code not in (None, ""):
            for word, code in self.exact.items():
                if str(word).casefold() == str(vendor_code).strip().casefold():
                    return code
        for pattern, code in self.patterns.items():
            if text and re.search(pattern, text, re.IGNORECASE):
                return code
        if status is None:
            return codes.VENDOR_ERROR
        return self.statuses.get(status) or STATUSES.get(status, codes.VENDOR_ERROR)


@dataclass(frozen=True)
class VendorTime:
    """How a vendor writes times. Call it with a value; the answer is an aware UTC datetime, or None where there is no time.

    ``zone`` is the zone of texts that name none, ``unit`` that of numbers (seconds or milliseconds since 1970). Neither is guessed:
    a value that needs what the table leaves open gives None and one warning. ``formats`` are tried after ISO 8601.
    """

    name: str
    zone: tzinfo | None = None
    unit: Literal["s", "ms"] | None = None
    formats: tuple[str, ...] = ()
    source: str = ""
    _unseen: _Unseen = field(init=False, repr=False, compare=False, default_factory=_Unseen)

    def __call__(self, value: Any) -> datetime | None:
        """The moment that ``value`` names. Never raises."""
        if value is None or value == "" or isinstance(value, bool):
            return None
        try:
            return self._number(float(value)) if self._is_number(value) else self._text(str(value).strip())
        except (ValueError, OverflowError, OSError) as error:
            if self._unseen.is_new(str(error)):
                logger.warning("%s: a time could not be read: %s (%s)", self.name, str(error)[:200], self.source or "no source named")
            return None

    @staticmethod
    def _is_number(value: Any) -> bool:
        return isinstance(value, (int, float)) or (isinstance(value, str) and re.fullmatch(r"\s*-?\d{9,}(\.\d+)?\s*", value) is not None)

    def _number(self, value: float) -> datetime | None:
        if self.unit is None:
            raise ValueError("a number, and the table names no unit")
        seconds = value / 1000 if self.unit == "ms" else value
        return datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None

    def _text(self, text: str) -> datetime | None:
        moment = self._parsed(text)
        if moment.year < 1970:  # What .NET and Java write for "not set".
            return None
        if moment.tzinfo is None:
            if self.zone is None:
                raise ValueError("a text without zone, and the table names none")
            moment = moment.replace(tzinfo=self.zone)
        return moment.astimezone(UTC)

    def _parsed(self, text: str) -> datetime:
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            for form in self.formats:
                try:
                    return datetime.strptime(text, form)
                except ValueError:
                    continue
        raise ValueError("neither ISO 8601 nor one of the table's formats")


_REQUIRED: Any = object()


@overload
def read(record: Any, key: str, kind: type[Value]) -> Value: ...
@overload
def read(record: Any, key: str, kind: type[Value], default: None) -> Value | None: ...
@overload
def read(record: Any, key: str, kind: type[Value], default: Value) -> Value: ...
@overload
def read(record: Any, key: str, kind: tuple[type, ...], default: Any = ...) -> Any: ...
def read(record: Any, key: str, kind: type | tuple[type, ...], default: Any = _REQUIRED) -> Any:
    """The value of ``key`` in a vendor's answer, which must be of ``kind``.

    Without ``default`` an absent value is an error. Raises VendorError for an answer of another shape, naming the key and not the value.
    """
    if not isinstance(record, Mapping):
        raise VendorError(f"应答结构不符：缺少包含 {key} 的对象")
    value = record.get(key)
    if value is None and default is not _REQUIRED:
        return default
    if not isinstance(value, kind) or (isinstance(value, bool) and kind in (int, float, (int, float))):
        raise VendorError(f"应答结构不符：{key} 缺失或类型不对")
    return value
