"""Checks answers against the tables of the standard: every printed key, in its printed JSON type, with a printed value."""
from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.end_to_end.client import OK, Client, Reply, assert_envelope
from tests.printed import STANDARD, Page, Row, platform_pages, printed_codes, robot_pages

TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
DAY = re.compile(r"\d{4}-\d\d-\d\d")

# The HTTP status of each code where the standard leaves it open (erratum E09), and of ours (E11).
STATUS = {
    "10001": 401, "10002": 400, "10003": 401, "10004": 401, "10005": 400, "10006": 400, "10007": 400, "10101": 409, "10102": 409,
    "10201": 409, "10202": 500, "10203": 404, "10301": 400, "10401": 400, "11001": 409, "11002": 403, "20001": 500, "30001": 403,
    "10501": 404, "10502": 409, "10503": 409, "10504": 409, "10505": 400, "20102": 400,
}  # fmt: skip

# What is read otherwise than printed. E35: the remark of an asset is a text. E44: a fourth type of assets.
TYPES = {("asset", "remark"): "string"}
CHOICES = {("asset", "dataType"): (0, 1, 2, 3)}


class Checker:
    """Calls operations of the client's side. Every answer must have the envelope; a good one must hold what its table prints."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.side = client.side
        self.messages = printed_codes(STANDARD.read_text(encoding="utf-8"))
        self.succeeded: set[str] = set()
        paths = client.send("GET", "/api/ext/openapi.json").json["paths"]
        self.documented = {path: set(methods["post"]["responses"]) for path, methods in paths.items()}

    def call(self, path: str, params: Mapping[str, Any] | None = None, code: str = OK) -> dict[str, Any]:
        """Call an operation ("robot/create"); gives the data of the answer, which must have this code."""
        return self.checked(page_of(path, self.side), self.client.post(path, params), code)

    def checked(self, page: Page, reply: Reply, code: str = OK) -> dict[str, Any]:
        """The data of an answer that must have this code, its HTTP status, its printed message, and what the table prints."""
        expected = (201 if page.verb == "create" else 200) if code == OK else STATUS[code]
        data = assert_envelope(reply, code, expected)
        path = f"/{page.path.lstrip('/')}"  # one is printed without (erratum E28)
        assert str(expected) in self.documented.get(path, {str(expected)}), f"{page.path}: HTTP {expected} is not in the OpenAPI document"
        if code == OK:
            found = list(problems(page, page.response, data))
            assert not found, f"{page.path}: {'; '.join(found)}"
            self.succeeded.add(page.path)
        else:
            assert data == {}, f"{page.path}: data of an error"
            assert reply.json["message"].startswith(self.messages.get(code, "")), reply.json["message"]
        return data

    def code_of(self, path: str, params: Any) -> str:
        """The code of an answer, whatever it is, provided that its HTTP status and message belong to it."""
        reply = self.client.post(path, params)
        code: str = reply.json["resultCode"]
        self.checked(page_of(path, self.side), reply, code)
        return code


def page_of(path: str, side: str = "platform") -> Page:
    """The page of an operation by its address without the prefix, or by all of it as it is printed."""
    pages = platform_pages() if side == "platform" else robot_pages()
    return next(page for page in pages if path.lstrip("/") in (page.path.lstrip("/"), page.path.lstrip("/").removeprefix(f"api/{side}/")))


def type_of(page: Page, row: Row) -> str:
    """The type of a row, as it is to be read."""
    return TYPES.get((page.resource, row.name), row.type)


def problems(page: Page, rows: list[Row], found: Mapping[str, Any], place: str = "data") -> Iterator[str]:
    """What is wrong with a JSON object that should hold these rows."""
    for row in rows:
        where = f"{place}.{row.name}"
        if row.name not in found:
            yield f"{where} is missing"
        else:
            yield from _problems_of(page, row, found[row.name], where)


def _problems_of(page: Page, row: Row, value: Any, where: str) -> Iterator[str]:
    kind = type_of(page, row)
    if kind == "array":
        yield from _problems_of_array(page, row, value, where)
    elif kind == "json":
        yield from problems(page, row.inner, value, where) if isinstance(value, dict) else [f"{where} is no object: {value!r}"]
    elif kind == "string":
        yield from _problems_of_text(row, value, where)
    elif kind == "boolean":
        # An unknown flag is null (erratum E23), but whether a thing is deleted is always known.
        if not (isinstance(value, bool) or (value is None and row.name != "isDeleted")):
            yield f"{where} is no boolean: {value!r}"
    elif value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        yield f"{where} is no int: {value!r}"
    elif value not in (None, *(CHOICES.get((page.resource, row.name), row.choices) or (value,))):
        yield f"{where} is none of {row.choices}: {value!r}"


def _problems_of_array(page: Page, row: Row, value: Any, where: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{where} is no array: {value!r}"
        return
    for number, each in enumerate(value):
        place = f"{where}[{number}]"
        if row.inner:
            yield from problems(page, row.inner, each, place) if isinstance(each, dict) else [f"{place} is no object: {each!r}"]
        elif row.name.endswith("Ids"):
            yield from [] if isinstance(each, int) and not isinstance(each, bool) else [f"{place} is no int: {each!r}"]
        elif not (isinstance(each, str) and DAY.fullmatch(each)):
            yield f"{place} is no day: {each!r}"


def _problems_of_text(row: Row, value: Any, where: str) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"{where} is no string: {value!r}"
    elif value and "yyyy-MM-dd HH:mm:ss" in row.description and not TIME.fullmatch(value):
        yield f"{where} is no time: {value!r}"
    elif value and row.choices and value not in map(str, row.choices):
        yield f"{where} is none of {row.choices}: {value!r}"
