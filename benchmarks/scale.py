"""(d) What a call costs beside a million tasks, and beside a thousand; (e) what each step of the pipeline costs, beside the bare route.

Both in this process, through the dispatch that every caller takes, on SQLite: the network and the web server are measured in (b).
"""
from __future__ import annotations

import base64
import io
import secrets
import time
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import insert, text

from benchmarks.bare_web import create_app as bare_app
from config.settings import load
from hub import auth, rights
from hub.bootstrap import initialise
from hub.call import Caller, Source
from hub.calllog import CallLog, Noted
from hub.core import Hub
from hub.database import now
from hub.dispatch import Dispatcher
from hub.models import Task
from hub.redis_server import RedisServer

FEW = 1_000
PAGE = 100
REPEATS = 15
STEPS = 400
PASSWORD = secrets.token_urlsafe(16) + "-aA1"


def measure(folder: Path, rows: int) -> dict[str, Any]:
    """The milliseconds of each call at a thousand tasks and at so many, and the microseconds of each step. The deep page is half way."""
    settings = load(data=folder, admin_password=PASSWORD, rate_limit_client=0, rate_limit_ip=0, rate_limit_operation=0)
    initialise(settings)
    hub = Hub(settings)
    with RedisServer(settings):
        place = _Place(hub)
        few = place.calls(FEW)
        many = place.calls(rows)
        steps = place.steps()
        hub.calls.close()
    hub.db.dispose()
    deep = many["task/list, deep page"] / many["task/list, first page"]
    first = many["task/list, first page"] / few["task/list, first page"]
    return {
        "rows": rows,
        "few": few,
        "many": many,
        "deep_ratio": round(deep, 2),
        "size_ratio": round(first, 2),
        "goals": {"deep_ratio": "at most 2", "size_ratio": "at most 2"},
        "steps": steps,
    }


class _Place:
    """A hub with one process and more and more tasks."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._dispatcher = Dispatcher(hub)
        self._caller = Caller("admin", "/", 1, 1, frozenset({"*"}))
        process = {"depId": 1, "robotGroupId": 1, "isRecord": False}
        self._process_id = [self._call("process_create", processName=name, **process)["processId"] for name in ("估值核对", "清算对账")][1]
        self._package()

    def _call(self, operation: str, **params: Any) -> dict[str, Any]:
        answer = self._dispatcher.call(self._dispatcher.catalogue[operation], params, caller=self._caller)
        if answer.code.value != "00000":
            raise RuntimeError(f"{operation}: {answer.code} {answer.message}")
        return answer.data

    def _package(self) -> None:
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            archive.writestr("main.py", "print(1)\n")
        sent = base64.b64encode(content.getvalue()).decode()
        package = self._call("package_create", packageName="p", packageVersion="1", depId=1, package=sent)["packageId"]
        self._call("process_activate_package_version", processId=self._process_id, packageId=package)

    def calls(self, count: int) -> dict[str, float]:
        """Milliseconds of each call, the median of some, when there are so many tasks."""
        self._fill(count)
        wanted: dict[str, tuple[str, dict[str, Any]]] = {
            "task/query": ("task_query", {"taskId": count // 2}),
            "task/list, first page": ("task_list", {}),
            "task/list, deep page": ("task_list", {"pageNum": count // PAGE // 2}),
            "task/list, keyword": ("task_list", {"keyword": "清算"}),
            "robot/list": ("robot_list", {}),
            "task/create": ("task_create", {"processId": self._process_id, "priority": 1, "isRecord": False}),
        }
        return {name: round(_milliseconds(partial(self._call, operation, **params)), 2) for name, (operation, params) in wanted.items()}

    def _fill(self, count: int) -> None:
        """Ended tasks, doubled by the database until there are enough."""
        moment = now()
        row = {"department_id": 1, "connection_id": 1, "state": "succeeded", "started_at": moment, "stopped_at": moment}
        with self._hub.db.write() as session:
            present = session.execute(text("SELECT count(*) FROM task")).scalar_one()
            if not present:
                rows = [{**row, "process_id": self._process_id - index % 2} for index in range(100)]
                session.execute(insert(Task), rows)
                present = len(rows)
            columns = ", ".join(column.name for column in Task.__table__.columns if column.name not in ("id", "reference", "run_key"))
            while present < count:
                added = min(present, count - present)
                # Our own column names and a number: nothing here comes from outside.
                session.execute(text(f"INSERT INTO task ({columns}) SELECT {columns} FROM task ORDER BY id LIMIT {added}"))  # noqa: S608
                present += added
        with self._hub.db.write() as session:
            session.execute(text("ANALYZE"))

    def steps(self) -> dict[str, dict[str, float]]:
        """Microseconds of each step of a call, and their share of the bare route's."""
        hub, client = self._hub, bare_app(self._hub.settings).test_client()
        token = self._token()
        caller = auth.caller_of(hub, token, "127.0.0.1")
        operation = self._dispatcher.catalogue["task_query"]
        source = Source(kind="http", client_ip="127.0.0.1", base_url="http://127.0.0.1/")
        limits = [("ip:127.0.0.1", 10**6), ("client:admin", 10**6), ("client:admin:task_query", 10**6)]
        permission = rights.permission_of(operation)
        bare = _microseconds(lambda: client.post("/task", json={"taskId": 1}))
        found = {
            "bare route": bare,
            "authentication": _microseconds(lambda: auth.caller_of(hub, token, "127.0.0.1")),
            "rights": _microseconds(lambda: rights.allows(caller.permissions, permission)),
            "limits": _microseconds(lambda: hub.limiter.check(limits)),
            "call log": self._call_log(operation, source),
        }
        return {name: {"microseconds": round(each, 1), "of_bare_route": round(each / bare, 3)} for name, each in found.items()}

    def _token(self) -> str:
        source = Source(kind="http", client_ip="127.0.0.1", base_url="http://127.0.0.1/")
        params = {"username": "admin", "password": PASSWORD}
        return str(self._dispatcher.call(self._dispatcher.catalogue["account_authenticate"], params, source=source).data["token"])

    def _call_log(self, operation: Any, source: Source) -> float:
        """What a call adds to the call log: all of the writing, spread over the calls of some batches."""
        collected = _Collected(self._hub)
        self._hub.calls.close()
        self._hub.__dict__["calls"] = collected
        for _ in range(STEPS):
            self._dispatcher.call(operation, {"taskId": 1}, caller=self._caller, source=source)
        began = time.perf_counter()
        collected.write_all()
        return (time.perf_counter() - began) / STEPS * 1e6


class _Collected(CallLog):
    """A call log that is written when it is told to."""

    def note(self, noted: Noted) -> None:
        """Only keep it."""
        self._waiting.append(noted)

    def write_all(self) -> None:
        """Write it, as the thread of the call log does."""
        self.flush()


def _milliseconds(call: Callable[[], object]) -> float:
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return median(times) * 1000


def _microseconds(call: Callable[[], object]) -> float:
    for _ in range(STEPS // 10):
        call()
    began = time.perf_counter()
    for _ in range(STEPS):
        call()
    return (time.perf_counter() - began) / STEPS * 1e6
