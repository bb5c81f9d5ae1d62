"""The program's own log: every event is one line, on the terminal and in ``data/logs/hub.log``, with time, level and the process's role.

Events come from structlog (``log = structlog.get_logger(__name__)``; ``log.info("task started", task_id=5)``) and from the standard library's
``logging``, which RQ, SQLAlchemy, Flask and granian use; both pass the same masking of secrets. What is bound with structlog's contextvars,
such as ``trace_id``, is on every line. A traceback follows its line, indented, in the text form, and is a field of it in the JSON form.
"""
from __future__ import annotations

import fcntl
import json
import logging
import os
import sys
from datetime import datetime
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from config.redaction import redact
from config.settings import Settings

LARGEST_FILE = 20 * 1024**2
OLD_FILES = 5
# Libraries whose info level tells of their insides only; SQLAlchemy's would also print the values of every statement.
QUIET = ("alembic", "rq", "sqlalchemy", "urllib3", "asyncio", "werkzeug")
HANDLER_PREFIX = "rpahub-"


def set_up(settings: Settings, role: str, *, terminal: str | None = None) -> None:
    """Direct all logging of this process to the terminal (stderr) and to the log file.

    ``role`` names the process: ``worker-2``. ``terminal`` is the least level shown there, where that is not the same as in the file; the JSON
    form, which is for programs that collect logs, ignores it. Call again after a fork to change the role. Raises OSError when the log folder
    cannot be made.
    """
    level = getattr(logging, settings.log_level.upper())
    time_zone = ZoneInfo(settings.time_zone)
    settings.log_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    as_json = settings.log_format == "json"
    file = SharedFile(settings.log_folder / "hub.log")
    file.setFormatter(_formatter(role, time_zone, JSON if as_json else _Text(terse=False)))
    screen = logging.StreamHandler(sys.stderr)
    screen.setFormatter(_formatter(role, time_zone, JSON if as_json else _Text(terse=True)))
    screen.setLevel(logging.NOTSET if terminal is None or as_json else terminal.upper())
    _install([file, screen], level)
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, *_COMMON, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def _install(handlers: list[logging.Handler], level: int) -> None:
    """Replace our own handlers, and only those, on the root logger. RQ's loggers propagate to it as long as it has handlers."""
    root = logging.getLogger()
    for old in [each for each in root.handlers if (each.name or "").startswith(HANDLER_PREFIX)]:
        root.removeHandler(old)
        old.close()
    for handler in handlers:
        handler.set_name(f"{HANDLER_PREFIX}{type(handler).__name__}")
        # A filter rather than the loggers' levels, because RQ sets its own loggers' levels when a worker starts.
        handler.addFilter(lambda record: record.levelno >= logging.WARNING or record.name.split(".")[0] not in QUIET)
        root.addHandler(handler)
    root.setLevel(level)
    logging.captureWarnings(True)


def _formatter(role: str, time_zone: ZoneInfo, renderer: Processor) -> logging.Formatter:
    def describe(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
        record = event["_record"]
        moment = datetime.fromtimestamp(record.created, time_zone).isoformat(timespec="milliseconds")
        return {"time": moment, "level": event.pop("level", ""), "role": role, "event": event.pop("event", ""), **event}

    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.contextvars.merge_contextvars, *_COMMON, structlog.stdlib.ExtraAdder()],
        processors=[
            describe,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            _redact_event,
            renderer,
        ],
    )


def _redact_event(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    redacted: EventDict = redact(event)
    return redacted


class _Text:
    """``time level role event name=value ...``, the terse form with the time of day only and without the logger's name."""

    def __init__(self, terse: bool) -> None:
        self.terse = terse

    def __call__(self, logger: WrappedLogger, method: str, event: EventDict) -> str:
        time, level, role, text = (event.pop(name) for name in ("time", "level", "role", "event"))
        traces = [event.pop(name) for name in ("exception", "stack") if event.get(name)]
        if self.terse:
            time = time[11:19]
            event.pop("logger", None)
        line = f"{time} {level:<7} {role} {_one_line(str(text))}"
        fields = "".join(f" {name}={_value(value)}" for name, value in event.items())
        return line + fields + "".join("\n    " + trace.replace("\n", "\n    ") for trace in traces)


def _one_line(text: str) -> str:
    """Line breaks made visible: what somebody sends us must not be able to forge a line of the log."""
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r") if "\n" in text or "\r" in text else text


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    plain = text and not any(character.isspace() or character in '"=' for character in text)
    return text if plain or not isinstance(value, str) else json.dumps(text, ensure_ascii=False)


JSON = structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
_COMMON: tuple[Processor, ...] = (structlog.stdlib.add_log_level, structlog.stdlib.add_logger_name)


class SharedFile(WatchedFileHandler):
    """A log file that several processes append to and any of them rotates. ``LARGEST_FILE`` is the size at which it does."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, encoding="utf-8", delay=True)

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record, after setting aside a file that has grown too large."""
        if self.stream is not None and os.fstat(self.stream.fileno()).st_size >= LARGEST_FILE:
            self._rotate()
        super().emit(record)

    def _rotate(self) -> None:
        """Rename hub.log to hub.log.1 and so on. The other processes see that their file was renamed and open the new one."""
        path = Path(self.baseFilename)
        with open(f"{path}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            # While this process waited for the lock, another one may have done the work.
            if not path.exists() or path.stat().st_size < LARGEST_FILE:
                return
            for number in range(OLD_FILES - 1, 0, -1):
                older = Path(f"{path}.{number}")
                if older.exists():
                    older.replace(f"{path}.{number + 1}")
            path.replace(f"{path}.1")
