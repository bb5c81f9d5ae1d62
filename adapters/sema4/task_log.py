"""The log of a run, read from the run's artifacts.

``output.robolog`` has each line with its time and kind, but also all variables that the framework saw, the request's own headers with
the API key among them: only console and log messages are taken from it, and it is never passed on. A run without it (logging switched
off) has its bare output only.
"""
from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from adapters.sema4.client import client
from adapters.sema4.codes import KINDS, LEVELS, TIME
from plugins import Context, VendorError, hookimpl
from plugins.normalise import read
from plugins.redaction import redacted

ROBOLOG = r"output(_\d+)?\.robolog$"
OUTPUT = "__action_server_output.txt"
LARGEST = 64 << 20
COLOURS = re.compile(r"\x1b\[[0-9;]*m")

Line = dict[str, Any]


@hookimpl
def task_log_query(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    """The lines of a run's log, oldest first, also while it runs."""
    run = client(ctx).get("/api/runs/{}", params["taskId"], shape=dict)
    files = client(ctx).get(
        "/api/runs/{}/artifacts/text-content",
        params["taskId"],
        params={"artifact_name_regexp": ROBOLOG, "artifact_names": OUTPUT},
        shape=dict,
        largest=LARGEST,
    )
    output = read(files, OUTPUT, str, "")
    parts = sorted((text for name, text in files.items() if name != OUTPUT and isinstance(text, str)), key=_part)
    lines = [line for part in parts for line in RoboLog().read(part)] or _bare(output, TIME(read(run, "start_time", str, "")))
    secrets = [secret for secret in ctx.connection.credentials.values() if secret]
    wanted = params.get("logLevel")
    return {"logs": [
        {**line, "message": redacted(line["message"], secrets)} for line in lines if not wanted or line["logLevel"] == wanted
    ]}


def _part(text: str) -> int:
    """A long log is split into numbered files."""
    found = re.search(r"^ID (\d+)\|", text, re.MULTILINE)
    return int(found.group(1)) if found else 0


def _bare(output: str, at: datetime | None) -> list[Line]:
    return [
        {"logTime": at, "logLevel": "info", "message": line} for line in COLOURS.sub("", output).splitlines() if line.strip()
    ]


class RoboLog:
    """Reads the console and log messages of one robolog file: one message a line, texts memorised under short names."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._began: datetime | None = None
        self._snapshot = False
        self._open: dict[str, Line] = {}

    def read(self, content: str) -> list[Line]:
        """The log lines of the file. Raises VendorError when it is no such file."""
        rows = content.split("\n")[:-1]  # What follows the last newline is still being written.
        lines: list[Line] = []
        for row in rows:
            sort, _, rest = row.partition(" ")
            try:
                lines += self._row(sort, rest)
            except (ValueError, KeyError, IndexError):
                raise VendorError("运行日志的格式无法识别") from None
        return lines + [line for line in self._open.values() if line["message"]]

    def _row(self, sort: str, rest: str) -> Iterator[Line]:
        if sort == "T":
            self._began = TIME(rest)
        elif sort == "M":
            name, _, text = rest.partition(":")
            self._texts[name] = json.loads(text)
        elif sort in ("SPS", "EPS"):
            # A snapshot of the whole process, taken by the framework at the end: nothing that the action said.
            self._snapshot = sort == "SPS"
        elif sort == "C" and not self._snapshot:
            kind, message, delta = rest.split("|")
            yield from self._console(self._texts[kind], self._texts[message], self._at(delta))
        elif sort == "L" and not self._snapshot:
            level, message, _, delta = rest.split("|")[:4]
            yield {"logTime": self._at(delta), "logLevel": LEVELS(level), "message": self._texts[message]}

    def _at(self, delta: str) -> datetime | None:
        return self._began + timedelta(seconds=float(delta)) if self._began else None

    def _console(self, kind: str, text: str, at: datetime | None) -> Iterator[Line]:
        """Console messages come in pieces; a line ends where its newline comes."""
        level = KINDS(kind)
        begun = self._open.pop(level, None)
        *whole, rest = COLOURS.sub("", text).split("\n")
        for piece in whole:
            line = _continued(begun, level, piece, at)
            begun = None
            if line["message"].strip():
                yield line
        if begun or rest:
            self._open[level] = _continued(begun, level, rest, at)


def _continued(begun: Line | None, level: str, text: str, at: datetime | None) -> Line:
    if begun is None:
        return {"logTime": at, "logLevel": level, "message": text}
    return {**begun, "message": begun["message"] + text}
