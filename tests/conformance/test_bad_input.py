"""Bad input at every operation: the printed code and HTTP status, nothing stored, and no secret anywhere in plain text."""
from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from pydantic import SecretStr
from sqlalchemy import select

from hub import audit
from hub.core import Hub
from hub.models import ApiCall, AuditEntry
from hub.models.base import Base
from hub.serving import full_catalogue
from plugins.fields import Printed, Record, Text
from plugins.operation import Operation
from tests.conformance.app_client import AppClient
from tests.conformance.bad_values import SURROGATE, WRONG, bad_requests, plausible
from tests.conformance.conftest import application
from tests.end_to_end.client import Client, Reply, assert_envelope
from tests.end_to_end.hub_process import PASSWORD

NOBODY = 999_999_999
MARK = "M4rked-Secret"
STATUS = {"10005": 400, "10006": 400, "10007": 400, "10301": 400, "10401": 400}
# What the hub writes down about calls, whatever becomes of them.
ABOUT_CALLS = {"api_call", "api_metric", "audit_entry", "audit_head"}
OPERATIONS = list(full_catalogue())
JSON = "application/json;charset=utf-8"

every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=[each.path for each in OPERATIONS])


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """A lenient application, which takes plain passwords as it comes."""
    with application(tmp_path_factory.mktemp("bad") / "data", login_failures=0, rate_limit_login=0) as made:
        yield made


@pytest.fixture(scope="module")
def admin(app: Flask) -> Client:
    """The administrator."""
    return AppClient(app).log_in("admin", PASSWORD)


@pytest.fixture(scope="module")
def robot(admin: Client) -> Client:
    """A robot."""
    assert isinstance(admin, AppClient)
    return admin.a_robot()


@pytest.fixture
def caller(operation: Operation, admin: Client, robot: Client) -> Client:
    """Whom the operation is for."""
    return robot if operation.side == "robot" else admin


@pytest.fixture
def unchanged(app: Flask) -> Iterator[None]:
    """Nothing is stored in the meantime."""
    hub: Hub = app.extensions["hub"]
    before = contents(hub)
    yield
    after = contents(hub)
    assert {name for name in after if after[name] != before[name]} == set()


def contents(hub: Hub) -> dict[str, Any]:
    """All rows of all tables but those about calls, and the names of all files but those of the database."""
    with hub.db.read() as session:
        tables = {
            table.name: sorted(map(repr, session.execute(select(table)).all())) for table in Base.metadata.sorted_tables if table.name not in ABOUT_CALLS
        }
    data = hub.settings.data
    files = sorted(str(path.relative_to(data)) for path in data.rglob("*") if path.is_file() and not path.name.startswith("hub.db"))
    return {**tables, "files": [name for name in files if not name.startswith("run/")]}


def refused(reply: Reply, code: str) -> str:
    """What is wrong with an answer that should be this refusal; nothing if it is."""
    try:
        assert assert_envelope(reply, code, STATUS[code]) == {}
    except AssertionError as error:
        return f"{code} expected, {str(error)[:300]}"
    return ""


BODIES: dict[str, tuple[bytes, str]] = {
    "a list": (b"[1]", JSON),
    "a text": (b'"text"', JSON),
    "a number": (b"5", JSON),
    "a flag": (b"true", JSON),
    "broken": (b'{"a": ', JSON),
    "two values": (b"{} {}", JSON),
    "not UTF-8": (b'{"a": "\xff\xfe"}', JSON),
    "an overlong NUL": (b'{"a": "\xc0\x80"}', JSON),
    "half a surrogate pair in UTF-8": (b'{"a": "\xed\xa0\x80"}', JSON),
    "UTF-16": ('{"a": "b"}'.encode("utf-16"), JSON),
    "a line break in a text": (b'{"a": "\n"}', JSON),
    "a key twice": (b'{"a": 1, "a": 2}', JSON),
    "a key twice, deep inside": (b'{"a": [{"b": {"c": 1, "c": 2}}]}', JSON),
    "10,000 arrays": (b'{"a": ' + b"[" * 10_000 + b"]" * 10_000 + b"}", JSON),
    "10,000 objects": (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, JSON),
    "a number without end": (b'{"a": 1e400}', JSON),
    "a number of 5,000 digits": (b'{"a": ' + b"9" * 5_000 + b"}", JSON),
    "NaN": (b'{"a": NaN}', JSON),
    "infinity": (b'{"a": -Infinity}', JSON),
    "another charset": (b"{}", "application/json; charset=gbk"),
    "no charset": (b"{}", "application/json; charset=klingon"),
    "another content type": (b"{}", "text/plain"),
    "XML": (b"<a/>", "application/xml"),
    "a form of its own": (b"a=1", "application/x-www-form-urlencoded"),
    "a broken form": (b"--x\r\nContent-Disposition: form-data\r\n\r\n", "multipart/form-data"),
}


@every_operation
@pytest.mark.usefixtures("unchanged")
def test_a_body_that_is_no_json_object(caller: Client, operation: Operation) -> None:
    wrong = {}
    for title, (body, content_type) in BODIES.items():
        reply = caller.send("POST", operation.path, body, {**caller.headers(), "content-type": content_type})
        wrong[title] = refused(reply, WRONG)
    assert {title: told for title, told in wrong.items() if told} == {}


@every_operation
@pytest.mark.usefixtures("unchanged")
def test_a_parameter_that_is_missing_or_of_a_wrong_type_form_length_or_range(app: Flask, caller: Client, operation: Operation) -> None:
    wrong = {}
    for title, params, code in bad_requests(operation.request()):
        reply = caller.send("POST", operation.path, json.dumps(params).encode(), caller.headers())
        wrong[title] = refused(reply, code)
    assert {title: told for title, told in wrong.items() if told} == {}
    app.extensions["hub"].calls.flush()


@every_operation
@pytest.mark.usefixtures("unchanged")
def test_parameters_with_strange_names_change_nothing(app: Flask, caller: Client, operation: Operation) -> None:
    bad = next(bad_requests(operation.request()), None)
    if bad is None:
        pytest.skip("takes no parameters, so that no request of it is a bad one")
    for name in (SURROGATE, "a\x00b", "x" * 10_000, "__class__", "", "\n", "颜色"):
        assert not refused(caller.post(operation.path, {name: 1, **bad[1]}), bad[2])
    app.extensions["hub"].calls.flush()


def ids_of(record: Record) -> list[str]:
    """The mandatory parameters that name a thing by its id."""
    return [name for name, each in record.fields.items() if type(each).__name__ == "Id" and isinstance(each, Printed) and each.required]


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if ids_of(each.request())], ids=lambda each: each.path)
@pytest.mark.usefixtures("unchanged")
def test_an_id_of_nothing(caller: Client, operation: Operation) -> None:
    base = plausible(operation.request())
    for name in ids_of(operation.request()):
        for nobody in (NOBODY, 2**53 - 1, 0):
            reply = caller.post(operation.path, {**base, name: nobody})
            expected = "20102" if reply.json["resultCode"] == "20102" else "10501"
            assert_envelope(reply, expected, {"20102": 400, "10501": 404}[expected])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("folderPath", each) for each in ("../x", "/a/../../etc", "..", "C:\\windows", "a\\..\\b", "/x\n", "//../x")),
        *(("fileName", each) for each in ("../x", "a/b", "..", "a\\b", "C:x", "\x1b[2J")),
    ],
)
@pytest.mark.usefixtures("unchanged")
def test_a_path_that_leads_out(admin: Client, name: str, value: str) -> None:
    base = {"depId": 1, "folderPath": "/", "fileName": "a.txt", "file": "QUJD"}
    assert not refused(admin.post("file/create", {**base, name: value}), WRONG)


@pytest.mark.usefixtures("unchanged")
def test_a_file_whose_own_name_leads_out_is_still_only_content(admin: Client) -> None:
    given = {"packageName": "../../x", "packageVersion": "1", "depId": 1}
    reply = admin.upload("package/create", given, {"package": ("../../../etc/passwd", b"no zip")})
    assert not refused(reply, WRONG)


def secrets_of(operation: Operation) -> list[str]:
    """The parameters that hold a secret."""
    return [name for name, each in operation.request().fields.items() if isinstance(each, Text) and each.secret]


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if secrets_of(each)], ids=lambda each: each.path)
@pytest.mark.usefixtures("unchanged")
def test_a_secret_in_a_bad_request_is_found_nowhere(app: Flask, caller: Client, operation: Operation, capfd: pytest.CaptureFixture[str]) -> None:
    base = plausible(operation.request())
    for name in secrets_of(operation):
        for strange in ([MARK], {"a": MARK}, {MARK: 1}, f"{MARK}\x00", f"{MARK}{SURROGATE}", MARK * 10_000, [[MARK]]):
            assert caller.post(operation.path, {**base, name: strange}).status == 400
        text = json.dumps({**base, name: MARK})
        for body in (text[:-1], text + "}", f'{{"{name}": "{MARK}", {text[1:]}', f"[{text}]"):
            assert caller.send("POST", operation.path, body.encode(), caller.headers()).status == 400
        assert caller.post(operation.path, {f"{name}x": MARK, "Password": MARK, "note": f"password={MARK}"}).status == 400
        assert caller.send("POST", operation.path, text.encode(), {**caller.headers(), "version": "2.0.0"}).status == 400
    hub: Hub = app.extensions["hub"]
    hub.calls.flush()
    assert places(hub.settings.data) == []
    told = capfd.readouterr()
    assert MARK not in told.out + told.err


def places(folder: Path) -> list[str]:
    """The files in which the marked secret stands, as it is or in base64."""
    marks = [MARK.encode(), base64.b64encode(MARK.encode())[:-4], MARK.encode().hex().encode()]
    return [str(path) for path in folder.rglob("*") if path.is_file() and any(mark in path.read_bytes() for mark in marks)]


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_what_cannot_be_stored_keeps_no_call_from_the_logs(request: pytest.FixtureRequest, tmp_path: Path, database: str) -> None:
    """Neither a database nor an encoder takes these characters; the requests that hold them are logged all the same, and so are others."""
    address = "" if database == "sqlite" else request.getfixturevalue("new_postgresql")()
    with application(tmp_path / "data", database_url=SecretStr(address)) as app:
        hub: Hub = app.extensions["hub"]
        admin = AppClient(app).log_in("admin", PASSWORD)
        bodies = (b'{"depName": "\\ud800", "parentId": 1}', b'{"depName": "a\\u0000", "parentId": 1}', b'{"\\ud800": "\\udfff", "x\\u0000": 1}')
        for body in (*bodies, b'{"depName": 5e-324, "parentId": 1e308}', b'{"depName": "a", "parentId": "x"}'):
            assert not refused(admin.send("POST", "/api/platform/department/create", body, admin.headers()), code_of(body))
        hub.calls.flush()
        with hub.db.read() as session:
            logged = session.scalars(select(ApiCall.result_code).where(ApiCall.operation == "department_create")).all()
            audited = session.scalars(select(AuditEntry.result_code).where(AuditEntry.operation == "department_create")).all()
        assert len(logged) == len(audited) == 5
        assert audit.seal_pending(hub) >= 5
        assert audit.verify(hub).is_whole


def code_of(body: bytes) -> str:
    """The code for one of the requests above: where the mandatory parameters are there, one of them is wrong."""
    return WRONG if b"depName" in body else "10006"
