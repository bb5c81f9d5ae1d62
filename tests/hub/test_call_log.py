"""The call log: every call once, with everything that clause 6.1.2.3 asks for, no secret in it, and none lost."""
from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.exc import OperationalError

from hub import calllog
from hub.call import ANONYMOUS, Source
from hub.calllog import CallLog, Noted, row_of
from hub.database import Database, now
from hub.models import ApiCall, ApiMetric
from hub.serving import full_catalogue
from plugins.fields import Items, Part, Record
from plugins.files import FileContent
from tests.end_to_end.hub_process import HubProcess
from tests.hub.conftest import ADMIN_PASSWORD, Signed

SECRET = "S3cret-of-the-log"


def rows(hub) -> list[ApiCall]:
    hub.calls.flush()
    with hub.db.read() as session:
        return list(session.scalars(select(ApiCall).order_by(ApiCall.id)))


def noted(operation: str = "department_list", request: Any = None, response: Any = None) -> Noted:
    found = full_catalogue()[operation]
    return Noted(now(), "t" * 32, operation, Source(), ANONYMOUS, found.request(), request, 200, "00000", "", found.response(), response or {}, 1.0)


def test_a_call_is_written_down_with_all_that_belongs_to_it(hub, anybody: Signed):
    admin = anybody.log_in("admin", ADMIN_PASSWORD)
    source = Source("http", "10.1.1.1", "https://hub.test/", "POST", "/api/platform/department/create", {"version": "1.0.0", "token": admin.token or ""})
    answer = admin.answer("department_create", source, depName="部", parentId=1)
    row = rows(hub)[-1]
    assert (row.source, row.client_ip, row.caller, row.department_id) == ("http", "10.1.1.1", "admin", 1)
    assert (row.operation, row.method, row.path) == ("department_create", "POST", "/api/platform/department/create")
    assert json.loads(row.headers) == {"version": "1.0.0", "token": "***"}
    assert json.loads(row.request) == {"depName": "部", "parentId": 1}
    assert (row.status, row.result_code, json.loads(row.response)) == (200, "00000", answer.data)
    assert len(row.trace_id) == 32 and row.duration > 0
    assert abs((now() - row.called_at).total_seconds()) < 30


@pytest.mark.parametrize(
    ("operation", "params", "token", "code"),
    [
        ("department_list", {}, None, "10001"),
        ("department_create", {"depName": "x"}, "admin", "10006"),
        ("department_create", {"depName": "x", "parentId": 10**6}, "admin", "10501"),
        ("account_authenticate", {"username": "nobody", "password": "x"}, None, "10003"),
    ],
)
def test_a_call_that_fails_is_written_down_too(hub, anybody, operation, params, token, code):
    client = anybody.log_in("admin", ADMIN_PASSWORD) if token else anybody
    client.answer(operation, **params)
    row = rows(hub)[-1]
    assert (row.operation, row.result_code, row.caller) == (operation, code, token or "anonymous")
    assert row.message


def secret_samples(schema: Record) -> Iterator[tuple[str, Any]]:
    """For each secret field of a schema, also inside others, a request that holds the secret there."""
    for name, field in schema.fields.items():
        if getattr(field, "secret", False):
            yield name, SECRET
        elif isinstance(field, Part):
            yield from ((name, {inner: value}) for inner, value in secret_samples(field.schema))
        elif isinstance(field, Items) and hasattr(field.inner, "schema"):
            yield from ((name, [{inner: value}]) for inner, value in secret_samples(field.inner.schema))


SECRETS = [
    (operation, side, name, value)
    for operation in full_catalogue()
    for side in ("request", "response")
    for name, value in secret_samples(getattr(operation, side)())
]


@pytest.mark.parametrize(("operation", "side", "name", "value"), SECRETS, ids=lambda each: getattr(each, "name", None) or str(each)[:20])
def test_no_secret_field_of_any_operation_is_written_down(operation, side, name, value):
    forms = [value, json.dumps(value), [value], {"a": value}, f" {SECRET} "]
    for form in forms:
        row = row_of(noted(operation.name, **{side: {name: form}}), 4096)
        assert SECRET not in json.dumps(row, default=str), form
        assert name in row[side]


def test_there_are_secret_fields_to_test():
    assert len(SECRETS) > 20
    assert {name for _, _, name, _ in SECRETS} >= {"password", "token", "credentialPassword", "clientSecret", "filePassword", "machinePassword"}


@pytest.mark.parametrize(
    "request_",
    [{"passwort": SECRET}, {"depId": {"inside": {"password": SECRET}}}, [SECRET], SECRET, {f"password={SECRET}": 1}, {"keyword": f"token={SECRET}"},
     {"x" * 10_000: SECRET}],
)  # fmt: skip
def test_what_is_in_the_wrong_place_is_not_written_down_either(request_):
    row = row_of(noted(request=request_), 4096)
    assert SECRET not in row["request"]
    assert len(row["request"]) < 5000


def test_unknown_fields_are_told_by_name():
    assert json.loads(row_of(noted(request={"depName": "x", "depId": 1}), 4096)["request"]) == {"depName": "***", "depId": 1}


def test_files_are_told_by_name_and_size():
    request = {"file": FileContent.of(b"12345", "a.txt"), "fileName": "a.txt"}
    assert json.loads(row_of(noted("file_create", request), 4096)["request"]) == {"file": {"name": "a.txt", "size": 5}, "fileName": "a.txt"}
    assert json.loads(row_of(noted("file_create", {"file": SECRET * 9}), 4096)["request"]) == {"file": {"size": len(SECRET) * 9}}


def test_long_bodies_are_cut_and_say_how_long_they_were():
    text = row_of(noted(request={"keyword": "长" * 9000}), 100)["request"]
    assert len(text) < 120 and text.endswith("(9014)")


def test_a_strange_call_does_not_keep_the_others_from_the_log(hub, api, monkeypatch):
    deep: Any = []
    for _ in range(50_000):
        deep = [deep]
    api.answer("department_list", keyword=deep)
    monkeypatch.setattr(calllog, "masked", lambda value, schema: 1 / 0 if value == {"keyword": "x"} else {})
    api("department_list", keyword="x")
    api("department_list")
    assert [row.operation for row in rows(hub)] == ["department_list"] * 3


def test_many_calls_are_written_in_few_transactions_each_once(hub):
    commits: list[int] = []
    event.listen(hub.db.engine, "commit", lambda _: commits.append(1))
    log = CallLog(hub)
    for number in range(1200):
        log._waiting.append(replace(noted(), trace_id=f"{number:032d}"))
    log.flush()
    assert len(commits) == 3
    assert [row.trace_id for row in rows(hub)] == [f"{number:032d}" for number in range(1200)]
    with hub.db.read() as session:
        assert session.scalar(select(func.sum(ApiMetric.calls))) == 1200


def test_calls_are_written_soon_without_anybody_asking(hub, api):
    api("department_list")
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with hub.db.read() as session:
            if session.scalar(select(func.count()).select_from(ApiCall)):
                return
        time.sleep(0.05)
    raise AssertionError("nothing was written")


def test_nothing_is_lost_or_written_twice_while_the_database_is_away(hub, api, monkeypatch):
    write = Database.write

    def away(self: Database) -> Any:
        raise OperationalError("select 1", {}, Exception("the database is away"))

    monkeypatch.setattr(Database, "write", away)
    for _ in range(3):
        api("department_list")
        hub.calls.flush()
    monkeypatch.setattr(Database, "write", write)
    api("robot_list")
    assert [row.operation for row in rows(hub)] == ["department_list"] * 3 + ["robot_list"]


def test_when_memory_is_at_stake_the_oldest_go(hub, monkeypatch):
    monkeypatch.setattr(calllog, "MOST_WAITING", 5)
    log = CallLog(hub)
    monkeypatch.setattr(log, "_write", lambda batch: (_ for _ in ()).throw(OperationalError("x", {}, Exception("away"))))
    for number in range(8):
        log._waiting.append(replace(noted(), trace_id=str(number)))
    log.flush()
    assert [each.trace_id for each in log._waiting] == ["3", "4", "5", "6", "7"]


def test_closing_writes_what_is_left_and_what_still_comes(hub, api):
    api("department_list")
    hub.calls.close()
    with hub.db.read() as session:
        assert session.scalar(select(func.count()).select_from(ApiCall)) == 1
    api("robot_list")
    with hub.db.read() as session:
        assert session.scalars(select(ApiCall.operation).order_by(ApiCall.id)).all() == ["department_list", "robot_list"]


def test_a_clean_stop_of_the_hub_loses_no_call(tmp_path: Path):
    process = HubProcess(tmp_path / "data", robots=0)
    with process:
        admin = process.admin()
        for _ in range(30):
            admin.call("department/list")
        assert process.stop() == 0, process.said()
    with sqlite3.connect(tmp_path / "data" / "hub.db") as database:
        counts = dict(database.execute("SELECT operation, count(*) FROM api_call GROUP BY operation"))
    database.close()
    assert counts == {"account_authenticate": 1, "department_list": 30}


def test_calls_are_seen_along_the_department_tree(hub, api):
    child = api("department_create", depName="分部", parentId=1)["depId"]
    part = api.within(child, name="部员")
    part("department_list")
    hub.calls.flush()
    assert [each["caller"] for each in part("api_log_list")["calls"]] == ["部员"]
    foreign = next(each["id"] for each in api("api_log_list")["calls"] if each["caller"] == "admin")
    assert part.code("api_log_query", id=foreign) == "10501"
