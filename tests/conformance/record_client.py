"""Records a client that knows only the standard: ``python -m tests.conformance.record_client``.

Run by hand once for a version, with the text of the standard beside the checkout. The recording is what test_recorded_client.py holds later
versions to, so it is not made anew when they differ from it. It has the headers of Table 1, printed parameters, and of the answers the
printed fields; their values only where the client sent them itself, or the standard numbers them, or they are flags or counts.
"""
from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.conformance.app_client import AppClient
from tests.conformance.conftest import application
from tests.conformance.replay import RECORDED, TYPES, at, resolved, send
from tests.conformance.things import AFTERWARDS, PACKAGE, SAMPLES, Things, creators, page_of, path_of
from tests.end_to_end.client import Client
from tests.end_to_end.hub_process import PASSWORD
from tests.printed import Page, Row, platform_pages

OWN_KEYS = {page.resource: key for key, page in creators()}
HEADERS = {"content-type": "application/json;charset=utf-8", "token": {"$": "token"}, "version": "1.0.0"}
WIDTH = 130


class Recorder:
    """Makes calls and writes them down. ``kept`` are the values behind the names in the recording."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.values = {"package": PACKAGE}
        self.kept: dict[str, Any] = {"adminPassword": PASSWORD, **self.values}
        self.sent: set[tuple[str, str]] = set()
        self.calls: list[dict[str, Any]] = []

    def call(self, path: str, body: Mapping[str, Any] | None = None, code: str = "00000", keep: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Call an operation with names in the body's places of ids; gives the data. ``keep`` says what of it gets which name."""
        page = page_of(path)
        call: dict[str, Any] = {"path": page.path, "body": dict(body or {})}
        status, envelope = send(self.client, HEADERS, call, self.kept)
        if envelope["resultCode"] != code:
            raise AssertionError(f"{path} {body}: {envelope}")
        for name, place in (keep or {}).items():
            self.kept[name] = at(envelope["data"], place)
        self._note(call["body"])
        printed = page.response if code == "00000" else []
        call |= {"status": status, "resultCode": code, "data": self.shape_of_object(page, printed, envelope["data"])}
        self.calls.append({**call, "keep": dict(keep)} if keep else call)
        return dict(envelope["data"])

    def make(self, page: Page, body: Mapping[str, Any]) -> dict[str, str]:
        """Create a thing; gives the name that stands for its id."""
        (row,) = page.response
        key = row.name.removesuffix("s")
        name = f"{key}:{1 + sum(each.startswith(f'{key}:') for each in self.kept)}"
        self.call(path_of(page), body, keep={name: [row.name, 0] if row.name.endswith("s") else [row.name]})
        return {"$": name}

    def _note(self, value: Any, key: str = "") -> None:
        """Remember what was sent under which key."""
        for name, each in value.items() if isinstance(value, dict) else ((key, each) for each in value) if isinstance(value, list) else ():
            self._note(each, name)
        self.sent.add((key, str(resolved(value, self.kept))))

    def shape_of_object(self, page: Page, rows: list[Row], value: Mapping[str, Any]) -> dict[str, Any]:
        """The shape of the printed fields."""
        return {"object": {row.name: self.shape(page, row, value[row.name]) for row in rows}}

    def shape(self, page: Page, row: Row, value: Any) -> Any:
        """The shape of a printed field."""
        if isinstance(value, dict):
            return self.shape_of_object(page, row.inner, value)
        if isinstance(value, list):
            return self.shape_of_array(page, row, value)
        key = "depId" if row.name == "parentId" else row.name.removesuffix("s")
        names = [name for name, each in self.kept.items() if name.split(":")[0] == key and each == value]
        if names and key.endswith("Id"):
            return {"$": names[0]}
        stable = isinstance(value, bool) or row.name.endswith("Count") or (row.choices and value not in ("", None))
        return {"is": value} if stable or (row.name, str(value)) in self.sent else TYPES[type(value)]

    def shape_of_array(self, page: Page, row: Row, value: list[Any]) -> dict[str, Any]:
        """The shape of a list: what all elements are, and those that the client made or sent."""
        if not value:
            return {"array": {}}
        if not row.inner:
            holds = [shape for each in value if not isinstance(shape := self.shape(page, row, each), str)]
            return {"array": {"each": types(value), **({"holds": holds} if holds else {})}}
        own = OWN_KEYS.get(page.resource, "")
        rows = [self.shape_of_object(page, row.inner, each) for each in value]
        holds = [each for each in rows if isinstance(each["object"].get(own), dict)]
        each = {"object": {inner.name: types([one[inner.name] for one in value]) for inner in row.inner}}
        return {"array": {"each": each, **({"holds": holds} if holds else {})}}


def types(values: list[Any]) -> str:
    """The JSON types of these values."""
    return " or ".join(sorted({TYPES[type(each)] for each in values}))


class NamedThings(Things):
    """Requests with names in the places of ids."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        super().__init__(checker=recorder)  # type: ignore[arg-type]  # only its method "call" is used
        self._mark = "录"

    def _root(self) -> Any:
        root = {"$": "depId:root"}
        self.recorder.call("department/list", keep={"depId:root": ["departments", 0, "depId"]})
        return root

    def one(self, key: str) -> Any:
        """The name of the thing that parameters of this name mean."""
        if key not in self.ids:
            page = dict(creators())[key]
            self.sent[key] = self.request(page)
            self.ids[key] = self.recorder.make(page, self.sent[key])  # type: ignore[assignment]
            if key in AFTERWARDS:
                self.recorder.call(AFTERWARDS[key], self.request(page_of(AFTERWARDS[key])))
        return self.ids[key]

    def value(self, page: Page, row: Row, turn: int) -> Any:
        """A good value of a parameter; the package stands once in the recording."""
        return {"$": "package"} if row.name in ("package", "file") else super().value(page, row, turn)


def live(recorder: Recorder, things: NamedThings, key: str, create: Page) -> None:
    """The life of one thing: created, shown, changed, shown, deleted, and not found."""
    pages = {page.verb: page for page in platform_pages() if page.resource == create.resource}
    thing = recorder.make(create, things.request(create))
    look(recorder, things, pages, key, thing)
    if "update" in pages:
        recorder.call(path_of(pages["update"]), things.request(pages["update"], 1, **{key: thing}))
        locked = {"filePassword": SAMPLES["filePassword"][1]} if key == "fileId" else {}
        recorder.call(path_of(pages["update"]), {key: thing, **locked})
        look(recorder, things, pages, key, thing)
    recorder.call(path_of(pages["delete"]), {key: thing})
    look(recorder, things, pages, key, thing)
    recorder.call(path_of(pages["delete"]), {key: thing}, "10501")
    recorder.call(path_of(create), {}, "10006")


def look(recorder: Recorder, things: NamedThings, pages: Mapping[str, Page], key: str, thing: Any) -> None:
    """List the things of a kind, and query this one where that can be done."""
    for verb in ("query", "list"):
        if verb in pages:
            names = {row.name for row in pages[verb].request}
            body = {key: thing, "resourceTypes": ["cpu", "memory"], "pageNum": 1, "pageSize": 100, "depId": things.ids["parentId"]}
            recorder.call(path_of(pages[verb]), {name: value for name, value in body.items() if name in names})


def lead_a_task(recorder: Recorder, things: NamedThings, create: Page) -> None:
    """A task that waits, is paused, goes on and is cancelled."""
    pages = {page.verb: page for page in platform_pages() if page.resource == "task"}
    task = recorder.make(create, things.request(create))
    for verb in ("pause", "resume", "cancel"):
        recorder.call(f"task/{verb}", {"taskId": task})
        look(recorder, things, pages, "taskId", task)
    recorder.call("task/resume", {"taskId": task}, "10101")
    recorder.call("task-log/query", {"taskId": task})
    recorder.call("video/query", {"taskId": task})


def lead(recorder: Recorder) -> None:
    """All that the client does."""
    admin = {"username": "admin", "password": {"$": "adminPassword"}}
    recorder.call("account/authenticate", {**admin, "password": "Wrong-passw0rd"}, "10004")
    recorder.call("account/authenticate", admin, keep={"token": ["token"]})
    things = NamedThings(recorder)
    for key, create in creators():
        if create.resource == "task":
            lead_a_task(recorder, things, create)
        else:
            live(recorder, things, key, create)
    recorder.call("robot-group/remove", things.request(page_of("robot-group/remove")))
    recorder.call("robot-group/list", {"pageNum": 1, "pageSize": 100})
    recorder.call("license/info")


def printed(value: Any, indent: str = "") -> str:
    """JSON for readers: what fits stands on one line."""
    line = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(line) <= WIDTH or not isinstance(value, dict | list):
        return line
    inside, (opening, closing) = f"{indent}  ", "{}" if isinstance(value, dict) else "[]"
    pairs = [(f"{json.dumps(key)}: ", each) for key, each in value.items()] if isinstance(value, dict) else [("", each) for each in value]
    return f"{opening}\n" + ",\n".join(f"{inside}{key}{printed(each, inside)}" for key, each in pairs) + f"\n{indent}{closing}"


def main() -> None:
    """Record, and tell how much."""
    with tempfile.TemporaryDirectory() as folder, application(Path(folder) / "data") as app:
        recorder = Recorder(AppClient(app))
        lead(recorder)
    missing = {page.path for page in platform_pages()} - {call["path"] for call in recorder.calls}
    recording = {"standard": "T/TSAC 002-2025", "headers": HEADERS, "values": recorder.values, "calls": recorder.calls}
    RECORDED.write_text(f"{printed(recording)}\n", encoding="utf-8")
    print(f"{len(recorder.calls)} calls of {72 - len(missing)} operations; never called: {sorted(missing)}")


if __name__ == "__main__":
    main()
