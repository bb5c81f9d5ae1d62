"""Sends what Robot Framework does to the task log while it does it, and how far it is."""
from __future__ import annotations

import os
from datetime import datetime
from typing import Any

import rpa_services
import rpa_task

LEVELS = {"TRACE": "trace", "DEBUG": "debug", "INFO": "info", "WARN": "warn", "ERROR": "error", "FAIL": "error"}
KEYWORDS = ("KEYWORD", "SETUP", "TEARDOWN")


class Listener:
    """A listener of version 3: one record of the event pipe for each event.

    The present step is the keyword of the running task that is carried out, as it stands in the task; the percentage counts tasks, and within
    the running one its keywords, which versions before 7.0 do not tell. What a process says itself by Set Progress counts more: the runtime
    sees to that.
    """

    ROBOT_LISTENER_API_VERSION = 3

    def __init__(self) -> None:
        self._last: tuple[str, Any] = ("", None)
        self._detailed = os.environ.get("RPA_LOG_LEVEL") in ("trace", "debug")
        self._tasks = self._tasks_done = 0
        self._items = self._items_done = 0
        self._depth = 0
        self._is_in_task = False

    def start_suite(self, data: Any, result: Any) -> None:
        """The first suite holds all tasks."""
        self._tasks = self._tasks or data.test_count

    def start_test(self, data: Any, result: Any) -> None:
        """A test or task begins."""
        self._items = len(data.body) + sum(1 for each in ("setup", "teardown") if getattr(data, f"has_{each}", False))
        self._items_done = self._depth = 0
        self._is_in_task = True
        self._tell_progress(data.name, begins=True)
        rpa_task.log(f"开始：{data.name}")

    def end_test(self, data: Any, result: Any) -> None:
        """A test or task has ended; the first that failed gives the run its reason."""
        result.message = rpa_services.hidden(result.message)
        self._is_in_task = False
        self._tasks_done += 1
        self._items_done = 0
        self._tell_progress()
        if result.failed:
            rpa_task.log(f"失败：{data.name}：{result.message}", "error")
            rpa_task.send({"event": "failure", "message": f"{data.name}：{result.message}"})
        else:
            rpa_task.log(f"{'跳过' if result.skipped else '完成'}：{data.name}")

    def start_body_item(self, data: Any, result: Any) -> None:
        """A keyword, or a control structure without a name, begins."""
        self._depth += 1
        if self._depth == 1 and self._is_in_task:
            self._tell_progress(_name_of(result, "name"))
        name = _name_of(result, "full_name") if self._detailed else ""
        if name:
            rpa_task.log(f"关键字：{name}", "debug")

    def end_body_item(self, data: Any, result: Any) -> None:
        """It has ended."""
        if getattr(result, "message", ""):
            result.message = rpa_services.hidden(result.message)
        self._depth -= 1
        if self._depth == 0 and self._is_in_task:
            self._items_done += 1
            self._tell_progress()

    def log_message(self, message: Any) -> None:
        """A keyword has logged something. What Robot Framework is going to write into its own files holds no leased secret either."""
        message.message = rpa_services.hidden(message.message)
        self._log(message)

    def message(self, message: Any) -> None:
        """Robot Framework itself has something to say, such as a library that cannot be imported."""
        if message.level in ("WARN", "ERROR"):
            self._log(message)

    def _tell_progress(self, step: str | None = None, begins: bool = False) -> None:
        within = min(self._items_done / self._items, 1.0) if self._items and self._is_in_task else 0.0
        percent = round(100 * (self._tasks_done + within) / self._tasks, 1) if self._tasks else None
        rpa_task.send({"event": "progress", "percent": percent, "step": step or None, "automatic": True, "begins": begins})

    def _log(self, message: Any) -> None:
        if (message.message, message.timestamp) == self._last:
            return  # A warning inside a keyword comes both ways.
        self._last = (message.message, message.timestamp)
        at = message.timestamp.timestamp() if isinstance(message.timestamp, datetime) else None
        rpa_task.send({"event": "log", "level": LEVELS.get(message.level, "info"), "message": message.message, "at": at})


def _name_of(result: Any, attribute: str) -> str:
    """The name of a keyword, else what kind of structure it is."""
    kind = str(getattr(result, "type", "") or "").partition("/")[0]
    return str(getattr(result, attribute, None) or kind) if kind in KEYWORDS else kind
