"""After a life with many secrets, none of them is found in plain text: not in the database, the logs, Redis, nor in any answer.

Every operation that takes a secret stands in ``CARRIERS`` with what makes a good call of it; a test finds the ones that are missing. Each is
sent a secret of its own in every way that callers send one, rightly and wrongly: as ciphertext, as plain text, with a wrong type, in broken
JSON, under a misspelt name, without a token, with an idempotency key.
"""
from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote_to_bytes, urlsplit

import pytest
from pytest_httpserver import HTTPServer

from hub.serving import full_catalogue, handlers
from plugins.crypto.public_key import PublicKey
from plugins.fields import Items, Part, Record
from tests.end_to_end.client import Client, Reply, full, until
from tests.end_to_end.hub_process import PASSWORD, HubProcess

FILE = ("data.txt", b"nothing secret")
# Stands in all secrets that are made here.
MARK = "-marker-of-tests-1"
# It is random, so its digest tells nothing about it and is what is stored.
TOKEN = "token of admin"


@dataclass
class World:
    """A running hub, and everything that was said to it and by it."""

    hub: HubProcess
    vendor: str
    url: str
    secrets: dict[str, str] = field(default_factory=dict)
    answers: list[tuple[str, bytes]] = field(default_factory=list)
    robot_token: str = ""
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def secret(self, told: str) -> str:
        """A new secret, which a password policy takes and which is found again wherever it stands."""
        # A key goes into a header, which takes ASCII only.
        made = f"Se{uuid.uuid4().hex[:20]}{MARK}" + ("" if "api_key" in told else "-密")
        self.secrets[made] = told
        return made

    def name(self) -> str:
        """A name that nothing has yet."""
        return f"n{next(self.numbers)}"

    def client(self, token: str = "") -> Recording:
        """A caller whose answers are kept."""
        return Recording(self.url, token, self)



class Recording(Client):
    """A client that keeps every answer."""

    def __init__(self, url: str, token: str, world: World) -> None:
        super().__init__(url, token)
        self.world = world

    def send(self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Reply:
        """Send just this, and keep what comes back."""
        reply = super().send(method, path, body, headers)
        self.world.answers.append((path, reply.body + json.dumps(dict(reply.headers)).encode("utf-8")))
        return reply


Params = dict[str, Any]


@dataclass(frozen=True)
class Carrier:
    """An operation that takes secrets. ``others`` makes the rest of a good call, anew for each; ``afterwards`` are told the id that it made."""

    path: str
    secrets: tuple[str, ...]
    others: Callable[[World, Client], Params]
    made: str = ""
    afterwards: tuple[str, ...] = ()
    good: str = "00000"
    upload: bool = False
    inside: str = ""
    encrypted: bool = True
    by_robot: bool = False

    def params(self, world: World, admin: Client, values: Mapping[str, Any]) -> Params:
        """A whole call."""
        return {**self.others(world, admin), **({self.inside: dict(values)} if self.inside else values)}


def an_employee(world: World, admin: Client) -> tuple[int, str, str]:
    username, password = world.name(), world.secret("password of a user to be changed")
    params = {"employeeName": "名", "username": username, "password": password, "depId": 1}
    return int(admin.call("employee/create", params)["employeeId"]), username, password


def a_credential(world: World, admin: Client) -> int:
    params = {"credentialName": world.name(), "credentialUsername": "u", "isGlobal": True, "depId": 1}
    return int(admin.call("credential/create", {**params, "credentialPassword": world.secret("of a credential to be changed")})["credentialId"])


def an_asset(world: World, admin: Client) -> int:
    params = {"assetName": world.name(), "assetValue": "x", "dataType": 0, "isGlobal": True, "depId": 1}
    return int(admin.call("asset/create", params)["assetId"])


def a_robot(world: World) -> Params:
    return {"depId": 1, "robotName": world.name(), "robotType": 0, "machineId": 1, "machineName": "m", "machineUsername": "u"}


def a_file(world: World, admin: Client, **more: str) -> int:
    reply = admin.upload("file/create", {"depId": 1, "folderPath": "/", "fileName": world.name(), **more}, {"file": FILE})
    return int(reply.json["data"]["fileId"])


def a_robot_caller(world: World) -> Recording:
    """A robot whose answers are kept."""
    return world.client(world.robot_token)


def a_robots_file(world: World, **more: str) -> int:
    reply = a_robot_caller(world).upload("/api/robot/file/create", {"folderPath": "/", "fileName": world.name(), **more}, {"file": FILE})
    return int(reply.json["data"]["fileId"])


def changed_password(world: World, admin: Client) -> Params:
    _, username, password = an_employee(world, admin)
    return {"username": username, "oldPassword": password}


CARRIERS = (
    Carrier("account/authenticate", ("password",), lambda world, admin: {"username": "admin"}, good="10004"),
    Carrier("account/authenticate", ("password",), lambda world, admin: {"username": world.name()}, good="10003"),
    Carrier(
        "employee/create", ("password",), lambda world, admin: {"employeeName": "名", "username": world.name(), "depId": 1},
        made="employeeId", afterwards=("employee/query", "employee/delete"),
    ),
    Carrier("employee/update", ("password",), lambda world, admin: {"employeeId": an_employee(world, admin)[0]}),
    Carrier("/api/ext/employee/reset-password", ("password",), lambda world, admin: {"employeeId": an_employee(world, admin)[0]}),
    Carrier("/api/ext/employee/change-password", ("newPassword",), changed_password),
    Carrier("/api/ext/employee/change-password", ("oldPassword", "newPassword"), lambda world, admin: {"username": world.name()}, good="10003"),
    Carrier("robot/create", ("machinePassword",), lambda world, admin: a_robot(world), made="robotId", afterwards=("robot/query",)),
    Carrier(
        "robot/update", ("machinePassword",),
        lambda world, admin: {"robotId": admin.call("robot/create", a_robot(world))["robotId"]}, afterwards=("robot/list",),
    ),
    Carrier(
        "credential/create", ("credentialPassword",),
        lambda world, admin: {"credentialName": world.name(), "credentialUsername": "u", "isGlobal": True, "depId": 1},
        made="credentialId", afterwards=("credential/query", "credential/delete"),
    ),
    Carrier(
        "credential/update", ("credentialPassword",), lambda world, admin: {"credentialId": a_credential(world, admin)},
        afterwards=("credential/list",),
    ),
    # These are for robots with a running task.
    Carrier("/api/ext/file/read", ("filePassword",), lambda world, admin: {"taskId": 1, "filePath": "/x"}, good="10501", by_robot=True),
    Carrier(
        "/api/ext/file/write", ("filePassword",),
        lambda world, admin: {"taskId": 1, "filePath": "/x", "file": base64.b64encode(FILE[1]).decode()}, good="10501", by_robot=True,
    ),
    # Of assets the standard wants no ciphertext, but they may well be secrets.
    Carrier(
        "asset/create", ("assetValue",), lambda world, admin: {"assetName": world.name(), "dataType": 0, "isGlobal": True, "depId": 1},
        made="assetId", afterwards=("asset/delete",), encrypted=False,
    ),
    Carrier(
        "asset/update", ("assetValue",), lambda world, admin: {"assetId": an_asset(world, admin)}, afterwards=("asset/list",), encrypted=False,
    ),
    Carrier(
        "file/create", ("filePassword",), lambda world, admin: {"depId": 1, "folderPath": "/", "fileName": world.name()},
        made="fileId", afterwards=("file/query",), upload=True,
    ),
    Carrier("file/update", ("filePassword", "newFilePassword"), lambda world, admin: {"fileId": a_file(world, admin)}),
    Carrier(
        "file/query", ("filePassword",),
        lambda world, admin: {"fileId": a_file(world, admin, filePassword=world.secret("of a file to be asked for"))}, good="10203",
    ),
    Carrier(
        "/api/ext/connection/create", ("api_key",),
        lambda world, admin: {"connectionName": world.name(), "adapter": "sema4", "address": world.vendor},
        made="connectionId", afterwards=("/api/ext/connection/check", "/api/ext/connection/delete"), inside="credentials",
    ),
    Carrier("/api/ext/credential/rotate", ("credentialPassword",), lambda world, admin: {"credentialId": a_credential(world, admin)}),
    Carrier("/api/robot/authenticate", ("secret",), lambda world, admin: {}, good="10004"),
    Carrier("/api/robot/config", ("machinePassword",), lambda world, admin: {}, inside="robotConfig", afterwards=("/api/robot/query",), by_robot=True),
    Carrier(
        "/api/robot/file/create", ("filePassword",), lambda world, admin: {"folderPath": "/", "fileName": world.name()},
        made="fileId", afterwards=("/api/robot/file/query",), upload=True, by_robot=True,
    ),
    Carrier(
        "/api/robot/file/update", ("filePassword",), lambda world, admin: {"fileId": a_robots_file(world), "folderPath": "/"}, by_robot=True,
    ),
    Carrier(
        "/api/robot/file/query", ("filePassword",),
        lambda world, admin: {"fileId": a_robots_file(world, filePassword=world.secret("of a robot's file"))}, good="10203", by_robot=True,
    ),
)  # fmt: skip
IDS = [f"{each.path} {each.good}" for each in CARRIERS]
# What carries secrets under another name than its parameter's.
PARAMETERS = {"api_key": "credentials"}
# Holds once and for seconds.
PASSING = {"verificationCode"}


def served() -> dict[str, set[str]]:
    """The operations that the hub answers, by address, and their parameters that are secrets."""
    known = handlers()
    return {each.path: set(secret_fields(each.request())) for each in full_catalogue() if each.name in known}


def secret_fields(schema: Record) -> Iterator[str]:
    """The names of a request's secret parameters, at any depth."""
    for name, each in schema.fields.items():
        if getattr(each, "secret", False) and name not in PASSING:
            yield name
        inner = each.inner if isinstance(each, Items) else each
        if isinstance(inner, Part):
            yield from secret_fields(inner.schema)


def test_every_operation_that_takes_a_secret_is_tried() -> None:
    tried: dict[str, set[str]] = {}
    for each in CARRIERS:
        tried.setdefault(full(each.path), set()).update(PARAMETERS.get(name, name) for name in each.secrets)
    missing = {path: names - tried.get(path, set()) for path, names in served().items() if names - tried.get(path, set())}
    assert not missing, f"to be added to CARRIERS: {missing}"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A hub that takes plain text from this machine, and a vendor platform to connect to."""
    with HTTPServer(host="127.0.0.1") as vendor:
        vendor.expect_request("/config").respond_with_json({"version": "2.17.0", "auth_enabled": False})
        with HubProcess(tmp_path_factory.mktemp("secrets") / "data", rate_limit_login=0) as hub:
            yield World(hub, vendor.url_for("/").rstrip("/"), hub.url)


@pytest.fixture(scope="module")
def admin(world: World) -> Recording:
    """The administrator."""
    known = world.hub.admin()  # before the failed logins of the tests lock the account
    token = known.token
    world.secrets[token] = TOKEN
    world.robot_token = known.as_robot(known.call("/api/ext/robot/secret/issue", {"robotId": 2})["secret"]).token
    world.secrets[world.robot_token] = TOKEN
    world.secrets[PASSWORD] = "password of admin"
    return world.client(token)


@pytest.mark.parametrize("carrier", CARRIERS, ids=IDS)
def test_secrets_are_sent_in_every_way(carrier: Carrier, world: World, admin: Recording) -> None:
    if full(carrier.path) not in served():
        pytest.skip("the hub does not answer this operation yet")
    key = PublicKey.read(admin.call("/api/ext/crypto/public-key")["publicKey"])
    caller = a_robot_caller(world) if carrier.by_robot else admin

    def new(way: str, form: Callable[[str], Any] = str) -> Params:
        values = {name: form(world.secret(f"{carrier.path} {name} {way}")) for name in carrier.secrets}
        return carrier.params(world, admin, values)

    def sealed(secret: str) -> str:
        return key.encrypt(secret.encode())

    def wrapped(secret: str) -> str:
        return sealed(json.dumps({"password": secret, "nonce": uuid.uuid4().hex, "ts": time.time()}))

    for way, form in {"ciphertext": sealed, "wrapped": wrapped, "plain": str}.items():
        data = said(caller, carrier, new(way, form), carrier.good)
        for path in carrier.afterwards:
            caller.call(path, {carrier.made: data[carrier.made]} if carrier.made else {})
    spoilt = new("changed ciphertext", lambda secret: sealed(secret)[:-1] + "x")
    assert not carrier.encrypted or said(caller, carrier, spoilt, None) != {"resultCode": "00000"}
    for way, form in {"list": lambda each: [each], "object": lambda each: {"x": each, each: 1}, "too long": lambda each: each * 400}.items():
        caller.post(carrier.path, new(way, form))
    caller.post(carrier.path, {f"{name}s": world.secret("under a misspelt name") for name in carrier.secrets})
    body = json.dumps(new("in broken JSON")).encode()
    caller.send("POST", full(carrier.path), body[:-1], caller.headers())
    caller.send("POST", full(carrier.path), body, {**caller.headers(), "content-type": "text/plain"})
    world.client().post(carrier.path, new("without a token"))
    twice = json.dumps(new("with an idempotency key")).encode()
    for _ in range(2):
        caller.send("POST", full(carrier.path), twice, {**caller.headers(), "Idempotency-Key": uuid.uuid4().hex[:8]})


def said(admin: Recording, carrier: Carrier, params: Params, code: str | None) -> Params:
    """Call; with a file where the operation takes one. Gives the data; asserts the code unless it is None."""
    if carrier.upload:
        reply = admin.upload(carrier.path, params, {"file": FILE})
    else:
        reply = admin.post(carrier.path, params)
    answer: Params = reply.json
    assert code is None or answer["resultCode"] == code, f"{carrier.path}: {answer}"
    return dict(answer["data"]) if code else {"resultCode": answer["resultCode"]}


def test_values_that_may_be_shown_are_encrypted_where_they_are_kept(world: World, admin: Recording) -> None:
    """Assets and the contents of files: whoever may see them does, but not by reading the disk."""
    asset, content = (world.secret(f"{kind} at rest") for kind in ("asset", "content of a file"))
    shown = Client(world.url, admin.token)
    made = shown.call("asset/create", {"assetName": "a", "assetValue": asset, "dataType": 0, "isGlobal": True, "depId": 1})
    assert shown.call("asset/query", made)["assetValue"] == asset
    reply = admin.upload("file/create", {"depId": 1, "folderPath": "/", "fileName": "secret"}, {"file": ("x.txt", content.encode() * 50)})
    address = urlsplit(shown.call("file/query", reply.json["data"])["url"])
    assert shown.send("GET", f"{address.path}?{address.query}").body == content.encode() * 50


def test_no_answer_holds_a_secret(world: World, admin: Recording) -> None:
    for path in ("/api/ext/api-log/list", "/api/ext/audit-log/list", "employee/list", "robot/list", "credential/list", "file/list"):
        for page in range(1, 4):
            admin.post(path, {"pageSize": 1000, "pageNum": page})
    assert len(world.answers) > 100
    told = [f"{path}: {what}" for path, body in world.answers for what in found_in(body, world.secrets)]
    assert told == []


def test_nothing_on_the_disk_and_in_the_memory_of_redis_holds_a_secret(world: World, admin: Recording) -> None:
    """While the hub runs, and again after it has stopped and written everything."""
    logged = f"marker-{uuid.uuid4().hex}"
    admin.post("department/list", {"keyword": logged})
    until(lambda: logged.encode() in b"".join(content for _, content in kept(world.hub)), 10, "the call log to be written")
    assert [f"{path}: {what}" for path, content in kept(world.hub) for what in found_in(content, world.secrets)] == []
    lines = [" ".join(process.cmdline()) for process in world.hub.tree()]
    assert not any(secret in line for line in lines for secret in world.secrets)
    master = (world.hub.data / "master.key").read_text().strip()

    assert world.hub.stop() == 0, world.hub.said()
    files = list(kept(world.hub))
    assert {"hub.db", "hub.log", "redis.log"} <= {path.name for path, _ in files}
    assert any(path.parent.parent.name == "redis" or path.suffix == ".aof" for path, _ in files), "no dump of Redis to look at"
    assert [f"{path}: {what}" for path, content in files for what in found_in(content, {**world.secrets, master: "master key"})] == []


def kept(hub: HubProcess) -> Iterator[tuple[Path, bytes]]:
    """Every file that the hub keeps, but the one with the master key; and what it has printed."""
    yield hub.output, hub.output.read_bytes()
    for path in sorted(hub.data.rglob("*")):
        if path.is_file() and path.name != "master.key":
            yield path, path.read_bytes()


def found_in(content: bytes, secrets: Mapping[str, str]) -> list[str]:
    """What is said of the secrets that stand in these bytes, in any form that a program would write them in."""
    readable = content + unquote_to_bytes(content)
    marked = any(form in readable for form in forms(MARK))
    numbers = set(re.findall(rb"(?<![0-9a-f])[0-9a-f]{32,128}(?![0-9a-f])", readable))
    return [
        told
        for secret, told in secrets.items()
        if ((marked or MARK not in secret) and any(form in readable for form in forms(secret)))
        or (told != TOKEN and not numbers.isdisjoint(digests(secret)))
    ]


def forms(secret: str) -> Iterator[bytes]:
    """A secret as it is, escaped as in JSON and in addresses, in hexadecimal digits, and in base64 at any offset."""
    plain = secret.encode()
    yield plain
    # What is in ASCII alone is enough to use it: escapes of the rest may be written in many ways.
    yield re.split("[^ -~]", secret)[0].encode()
    yield quote(secret, safe="").encode()
    yield json.dumps(secret)[1:-1].encode()
    yield plain.hex().encode()
    for offset in range(3):
        encoded = base64.b64encode(bytes(offset) + plain)
        yield encoded[-(-offset * 4 // 3) : len(encoded) - 4]


def digests(secret: str) -> Iterator[bytes]:
    """Its digests without a key or salt, from which a short secret can be guessed."""
    for digest in (hashlib.md5, hashlib.sha1, hashlib.sha256):
        yield digest(secret.encode()).hexdigest().encode()


def test_the_search_finds_what_it_looks_for() -> None:
    """Without this, a search that finds nothing would prove nothing."""
    secret = f"Se0123456789abcdefghij{MARK}-密"
    for content in (
        secret.encode(), json.dumps({"a": secret}).encode(), quote(secret).encode(), secret.encode().hex().encode(), repr(secret).encode(),
        *(base64.b64encode(b"x" * before + secret.encode() + b"more") for before in range(4)), hashlib.sha256(secret.encode()).hexdigest().encode(),
    ):  # fmt: skip
        assert found_in(b"before " + content + b" after", {secret: "it"}) == ["it"], content
    assert found_in(f"Se0123456789abcdefghi{MARK}-密".encode(), {secret: "it"}) == []
