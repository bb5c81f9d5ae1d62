"""What a process package may use of the runtime, from Python and, as ``Library    rpa_task``, from Robot Framework.

Works outside the runtime too, so that a package can be tried at a desk: inputs then come from the file that RPA_INPUT names, if any, and
progress and log lines go to standard error; the platform's credentials and the like are out of reach there, and the error says so.
"""
from __future__ import annotations

import json
import os
import sys
import threading
import time

from rpa_services import (
    Credential,
    ServiceError,
    add_item,
    asset,
    complete_item,
    credential,
    fail_item,
    heartbeat,
    lease_item,
    read_file,
    write_file,
)

__all__ = [
    "inputs", "set_output", "progress", "set_progress", "report_step", "log", "credential", "asset", "lease_item", "heartbeat", "complete_item",
    "fail_item", "add_item", "read_file", "write_file", "Credential", "ServiceError",
]

ROBOT_LIBRARY_SCOPE = "GLOBAL"
LONGEST_MESSAGE = 5000


def inputs() -> dict[str, str]:
    """The input parameters by name; all values are texts."""
    path = os.environ.get("RPA_INPUT")
    return {item["name"]: item["value"] for item in _read(path)} if path else {}


def set_output(name: str, value: object) -> None:
    """Set an output parameter. Texts are given back as they are, lists and dicts as JSON, all else as ``str`` shows it."""
    if not isinstance(value, str):
        value = json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, (list, dict, bool, type(None))) else str(value)
    path = os.environ.get("RPA_OUTPUT")
    if not path:
        print(f"output {name} = {value}", file=sys.stderr)
        return
    with _lock:
        items = _read(path) if os.path.exists(path) else []
        items = [item for item in items if item["name"] != name] + [{"name": name, "value": value}]
        draft = f"{path}.part"
        with open(draft, "w", encoding="utf-8") as stream:
            json.dump(items, stream, ensure_ascii=False)
        os.replace(draft, path)


def progress(percent: float | None = None, step: str | None = None) -> None:
    """Report how far the work is, from 0 to 100, and the name of the present step."""
    send({"event": "progress", "percent": None if percent is None else float(percent), "step": step})


def set_progress(percent: float, step: str | None = None) -> None:
    """Report how far the work is, from 0 to 100, and optionally the name of the present step."""
    progress(percent, step)


def report_step(step: str) -> None:
    """Report the name of the present step."""
    progress(step=step)


def log(message: str, level: str = "info") -> None:
    """Add a line to the task log at a level of its own: trace, debug, info, warn or error."""
    send({"event": "log", "level": level, "message": str(message), "at": time.time()})


log.robot_not_keyword = True  # type: ignore[attr-defined]  # Robot Framework has a Log of its own, which ends in the task log as well.


def send(record: dict[str, object]) -> None:
    """Write one record to the event pipe of the runtime."""
    message = record.get("message")
    if isinstance(message, str) and len(message) > LONGEST_MESSAGE:
        for start in range(0, len(message), LONGEST_MESSAGE):
            send({**record, "message": message[start:start + LONGEST_MESSAGE]})
        return
    # Characters beyond ASCII are left as they are, to keep the line short; half surrogates cannot be written and become "?".
    line = json.dumps(record, ensure_ascii=False).encode("utf-8", "replace") + b"\n"
    with _lock:
        _Pipe.write(line)


def _read(path: str) -> list[dict[str, str]]:
    with open(path, encoding="utf-8") as stream:
        return json.load(stream)


class _Pipe:
    """The open event pipe. Opened at the first use, by path: a descriptor would not survive into subprocesses."""

    descriptor: int | None = None
    owner: int = 0

    @classmethod
    def write(cls, line: bytes) -> None:
        path = os.environ.get("RPA_EVENTS")
        if not path:
            sys.stderr.write(line.decode("utf-8"))
            return
        if cls.descriptor is None or cls.owner != os.getpid():
            cls.descriptor, cls.owner = os.open(path, os.O_WRONLY), os.getpid()
        while line:
            line = line[os.write(cls.descriptor, line):]


_lock = threading.RLock()
