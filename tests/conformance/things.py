"""Requests as the tables print them, with every parameter, and the things that they name, made by the operations themselves."""
from __future__ import annotations

import base64
import itertools
import uuid
from collections.abc import Iterator
from typing import Any

from tests.conformance.checking import Checker, page_of, type_of
from tests.end_to_end.client import package
from tests.printed import Page, Row, platform_pages

PACKAGE = base64.b64encode(package("print('你好')")).decode()

# What the tables do not tell: good values of parameters, by name; one for a first call, one for a call that changes it.
SAMPLES: dict[str, tuple[Any, Any]] = {
    "assetValue": ("文本", "另一文本"),
    "assignType": (2, 1),
    "credentialPassword": ("Credential-passw0rd", "Credential-passw0rd"),
    "cronExpression": ("0 9 * * 1-5", "30 15 * * *"),
    "dataType": (0, 0),
    "email": ("li@example.com", "wang@example.com"),
    "file": (PACKAGE, PACKAGE),
    "filePassword": ("File-passw0rd", "File-passw0rd"),
    "folderPath": ("/日报/2026", "/周报"),
    "inParameters": ([{"name": "日期", "value": "2026-11-24"}], [{"name": "日期", "value": "2026-11-25"}]),
    "isDefineCalendar": (True, True),
    "isGlobal": (False, False),
    "logLevel": ("info", "debug"),
    "machinePassword": ("Machine-passw0rd", "Machine-passw0rd"),
    "maxRunTime": (600, 1200),
    "maxWaitingTime": (3600, 7200),
    "mobile": ("13800000000", "13900000000"),
    "nonWorkingDays": (["2027-01-01", "2027-01-02"], ["2027-02-06"]),
    "package": (PACKAGE, PACKAGE),
    "pageNum": (1, 1),
    "pageSize": (100, 100),
    "password": ("User-passw0rd", "User-passw0rd-2"),
    "resolutionDepth": (24, 32),
    "resolutionHeight": (1080, 2160),
    "resolutionWidth": (1920, 3840),
    "resourceTypes": (["cpu", "memory"], ["disk"]),
    "robotStatus": (2, 2),
    "runningStartTimeRange_endTime": ("2027-01-01 00:00:00", "2027-01-01 00:00:00"),
    "runningStartTimeRange_startTime": ("2026-01-01 00:00:00", "2026-01-01 00:00:00"),
    "timeZone": ("Asia/Shanghai", "Asia/Tokyo"),
    "totalCount": (1, 1),
}

# What has to be done with a new thing before others can use it.
AFTERWARDS = {"robotGroupId": "robot-group/append", "processId": "process/activate-package-version"}


class Things:
    """One thing of each kind, made when it is first named, and requests that name them."""

    def __init__(self, checker: Checker) -> None:
        self.checker = checker
        self.ids = {"parentId": self._root()}
        self.sent: dict[str, dict[str, Any]] = {}
        self._numbers = itertools.count(1)
        self._mark = uuid.uuid4().hex[:6]

    def _root(self) -> int:
        departments = self.checker.call("department/list")["departments"]
        return next(int(each["depId"]) for each in departments if each["parentId"] == 0)

    def new_name(self, about: str) -> str:
        """A text that nothing else has as its name."""
        return f"{about} {self._mark}-{next(self._numbers)}"

    def one(self, key: str) -> int:
        """The id of the thing that parameters of this name mean."""
        if key not in self.ids:
            page = creator_of(key)
            self.sent[key] = self.request(page)
            self.ids[key] = made(self.checker.call(path_of(page), self.sent[key]))
            if key in AFTERWARDS:
                self.checker.call(AFTERWARDS[key], self.request(page_of(AFTERWARDS[key])))
        return self.ids[key]

    def request(self, page: Page, turn: int = 0, **given: Any) -> dict[str, Any]:
        """A request with every printed parameter; the same parameters have other values in the other turn."""
        return {row.name: given[row.name] if row.name in given else self.value(page, row, turn) for row in page.request}

    def value(self, page: Page, row: Row, turn: int) -> Any:
        """A good value of a parameter."""
        if row.name in SAMPLES:
            return SAMPLES[row.name][turn]
        if row.name == "machineName" and page.resource == "robot":
            self.one("machineId")
            return self.sent["machineId"]["machineName"]
        if row.name.endswith("Ids"):
            return [self.one(row.name.removesuffix("s"))]
        if row.name.endswith("Id"):
            return self.one(row.name)
        if row.choices:
            return row.choices[turn]
        kind = type_of(page, row)
        return turn == 0 if kind == "boolean" else self.new_name(row.name) if kind == "string" else unknown(page, row)


def unknown(page: Page, row: Row) -> Any:
    """Nothing says what a good value would be: the table has changed."""
    raise AssertionError(f"{page.path}: no value for {row.name} ({row.type})")


def creators() -> Iterator[tuple[str, Page]]:
    """The id that each creating operation gives, and its page."""
    for page in platform_pages():
        if page.verb == "create":
            (row,) = page.response
            yield row.name.removesuffix("s"), page


def creator_of(key: str) -> Page:
    """The operation that makes the thing whose id has this name."""
    return dict(creators())[key]


def made(data: dict[str, Any]) -> int:
    """The id in the answer of a creating operation, which alone gives one in its table."""
    (value,) = (value for key, value in data.items() if key.removesuffix("s") in dict(creators()))
    return int(value[0] if isinstance(value, list) else value)


def path_of(page: Page) -> str:
    """The address of an operation without the prefix."""
    return page.path.removeprefix("/api/platform/")
