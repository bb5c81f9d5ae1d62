"""Sends what Robot Framework does to the task log while it does it."""
from __future__ import annotations

import os
from datetime import datetime
from typing import Any

import rpa_task

LEVELS = {"TRACE": "trace", "DEBUG": "debug", "INFO": "info", "WARN": "warn", "ERROR": "error", "FAIL": "error"}


class Listener:
    """A listener of version 3: one record of the event pipe for each event."""

    ROBOT_LISTENER_API_VERSION = 3

    def __init__(self) -> None:
        self._last: tuple[str, Any] = ("", None)
        self._detailed = os.environ.get("RPA_LOG_LEVEL") in ("trace", "debug")

    def start_test(self, data: Any, result: Any) -> None:
        """A test or task begins: it is the run's present step."""
        rpa_task.report_step(data.name)
        rpa_task.log(f"开始：{data.name}")

    def end_test(self, data: Any, result: Any) -> None:
        """A test or task has ended; the first that failed gives the run its reason."""
        if result.failed:
            rpa_task.log(f"失败：{data.name}：{result.message}", "error")
            rpa_task.send({"event": "failure", "message": f"{data.name}：{result.message}"})
        else:
            rpa_task.log(f"{'跳过' if result.skipped else '完成'}：{data.name}")

    def start_keyword(self, data: Any, result: Any) -> None:
        """A keyword, or a control structure without a name, begins."""
        name = getattr(result, "full_name", None) or getattr(result, "type", "")
        if name and self._detailed:
            rpa_task.log(f"关键字：{name}", "debug")

    def log_message(self, message: Any) -> None:
        """A keyword has logged something."""
        self._log(message)

    def message(self, message: Any) -> None:
        """Robot Framework itself has something to say, such as a library that cannot be imported."""
        if message.level in ("WARN", "ERROR"):
            self._log(message)

    def _log(self, message: Any) -> None:
        if (message.message, message.timestamp) == self._last:
            return  # A warning inside a keyword comes both ways.
        self._last = (message.message, message.timestamp)
        at = message.timestamp.timestamp() if isinstance(message.timestamp, datetime) else None
        rpa_task.send({"event": "log", "level": LEVELS.get(message.level, "info"), "message": message.message, "at": at})
