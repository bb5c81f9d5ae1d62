"""Licences: their files, their counting, and robots whose licence has expired."""
from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import ValidationError

from config.settings import Settings
from hub.call import Caller
from hub.core import Hub
from hub.dispatch import Dispatcher
from hub.models import Connection, Robot
from hub.robots.worker import robot_queues
from hub.tasks.queues import IDLE
from tests.hub.conftest import Api
from tests.hub.services import making

PERPETUAL = "9999-12-31 23:59:59"
KEY = Ed25519PrivateKey.generate()
PUBLIC = KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def file_of(document: Any) -> str:
    return base64.b64encode(json.dumps(document, ensure_ascii=False).encode()).decode()


def plain(*lines: dict[str, Any], **more: Any) -> str:
    return file_of({"licenses": list(lines), **more})


def signed(*lines: dict[str, Any], key: Ed25519PrivateKey = KEY, **more: Any) -> dict[str, str]:
    payload = json.dumps({"licenses": list(lines), **more}).encode()
    return {
        "algorithm": "Ed25519", "payload": base64.b64encode(payload).decode(), "signature": base64.b64encode(key.sign(payload)).decode(),
    }  # fmt: skip


def line(type_: str = "robot-unattended", quantity: int = 10, until: str | None = "2099-01-01 00:00:00", **more: Any) -> dict[str, Any]:
    return {"type": type_, "quantity": quantity, **({"licenseExpirationTime": until} if until else {}), **more}


@pytest.fixture
def trusting(new_settings: Callable[..., Settings]) -> Api:
    """A hub that knows the public key of the signer."""
    hub = Hub(new_settings(licence_public_key=base64.b64encode(PUBLIC).decode()))
    return Api(Dispatcher(hub), Caller("admin", "/", 1, 1, frozenset({"*"})))


def vendor(hub: Hub, robots: int, name: str = "sema4", department: int = 1) -> int:
    with hub.db.write() as session:
        row = Connection(name=name, adapter="sema4", department_id=department)
        session.add(row)
        session.flush()
        session.add_all(Robot(department_id=department, name=f"v{number}", connection_id=row.id, reference=str(number)) for number in range(robots))
        return row.id


def rows(api: Api) -> list[tuple[Any, ...]]:
    found = api("license_info")["licenses"]
    assert all(each["usedQuantity"] == each["used_quantity"] for each in found)
    return [(each["type"], each["quantity"], each["used_quantity"], each["licenseExpirationTime"]) for each in found]


def test_native_robots_have_a_perpetual_licence_each(hub: Hub, api: Api) -> None:
    assert rows(api) == [("robot-unattended", 2, 2, PERPETUAL)]
    api("robot_create", depId=1, robotName="前台", robotType=1, machineId=1, machineName=hub.settings.machine_name or "m", machineUsername="u")
    assert rows(api) == [("robot-unattended", 2, 2, PERPETUAL), ("robot-attended", 1, 1, PERPETUAL)]


def test_vendor_licences_carry_the_vendor_s_name_and_count_its_robots(hub: Hub, api: Api) -> None:
    vendor(hub, robots=3)
    wanted = (("robot-unattended", 5, "2099-01-01 00:00:00"), ("designer", 2, PERPETUAL), ("robot-attended", 1, None))
    lines = [line(*each, connection="sema4") for each in wanted]
    assert len(api("license_import", file=plain(*lines))["licenseIds"]) == 3
    assert rows(api)[1:] == [
        ("sema4:robot-unattended", 5, 3, "2099-01-01 00:00:00"),
        ("sema4:designer", 2, None, PERPETUAL),
        ("sema4:robot-attended", 1, 0, PERPETUAL),
    ]


def test_used_seats_lie_on_the_licences_that_last_longest(hub: Hub, api: Api) -> None:
    vendor(hub, robots=8)
    lines = [
        line(quantity=5, until=until, connection="sema4") for until in ("2098-01-01 00:00:00", "2099-01-01 00:00:00", "2020-01-01 00:00:00")
    ]
    api("license_import", file=plain(*lines))
    assert [each[2] for each in rows(api)[1:]] == [3, 5, 0]


def test_what_is_used_beyond_the_licences_shows(hub: Hub, api: Api) -> None:
    vendor(hub, robots=8)
    api("license_import", file=plain(line(quantity=5, connection="sema4")))
    assert rows(api)[1:] == [("sema4:robot-unattended", 5, 8, "2099-01-01 00:00:00")]


def test_a_signed_file_is_verified(trusting: Api) -> None:
    answer = trusting("license_import", file=file_of(signed(line(), serial="S-1", issuer="厂商", holder="某证券", issueTime="2026-11-01 08:00:00")))
    assert (answer["serial"], answer["signature"]) == ("S-1", "verified")
    listed = trusting("license_list")["licenses"][0]
    assert (listed["signature"], listed["issuer"], listed["holder"], listed["issueTime"]) == ("verified", "厂商", "某证券", "2026-11-01 08:00:00")
    assert (listed["adapter"], listed["importedBy"], listed["isExpired"]) == ("native", "admin", False)


def test_the_key_may_be_given_as_in_a_pem_file(new_settings: Callable[..., Settings]) -> None:
    der = KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    hub = Hub(new_settings(licence_public_key=base64.b64encode(der).decode()))
    api = Api(Dispatcher(hub), Caller("admin", "/", 1, 1, frozenset({"*"})))
    assert api("license_import", file=file_of(signed(line())))["signature"] == "verified"


@pytest.mark.parametrize("value", ["not base64!", base64.b64encode(b"short").decode()])
def test_a_wrong_key_stops_the_start(value: str, tmp_path: Any) -> None:
    with pytest.raises(ValidationError, match="licence_public_key"):
        Settings(data=tmp_path, licence_public_key=value)


def changed(document: dict[str, str], **values: str) -> str:
    return file_of({**document, **values})


@pytest.mark.parametrize(
    "file",
    [
        changed(signed(line()), payload=signed(line(quantity=1000))["payload"]),
        changed(signed(line()), signature=base64.b64encode(bytes(64)).decode()),
        changed(signed(line()), signature="?"),
        changed(signed(line()), algorithm="HS256"),
        file_of(signed(line(), key=Ed25519PrivateKey.generate())),
        file_of({"payload": signed(line())["payload"], "licenses": [line()]}),
        file_of({"signature": "", **json.loads(base64.b64decode(plain(line())))}),
    ],
    ids=["other payload", "other signature", "no base64", "other algorithm", "other signer", "no signature", "no payload"],
)
def test_a_wrong_signature_is_refused_and_nothing_is_stored(trusting: Api, file: str) -> None:
    assert trusting.code("license_import", file=file) == "10007"
    assert trusting("license_list")["licenses"] == []


def test_a_signature_that_cannot_be_checked_is_refused(api: Api) -> None:
    refused = api.answer("license_import", file=file_of(signed(line())))
    assert (refused.code.value, "licence_public_key" in refused.message) == ("10007", True)


def test_a_plain_file_is_taken_and_marked(api: Api) -> None:
    assert api("license_import", file={"name": "许可.json", "content": plain(line())})["signature"] == "unsigned"
    assert api("license_list")["licenses"][0]["signature"] == "unsigned"


@pytest.mark.parametrize(
    "document",
    [
        "text", [], {}, {"licenses": []}, {"licenses": [{"type": "robot-unattended"}]}, {"licenses": [line(quantity=0)]},
        {"licenses": [line("Robot Unattended")]}, {"licenses": [line(until="some day")]}, {"licenses": [line(connection="nobody")]},
        {"licenses": "many"},
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_and_nothing_is_stored(api: Api, document: Any) -> None:
    assert api.code("license_import", file=file_of(document)) == "10007"
    assert api("license_list", includeDeleted=True)["total"] == 0


def test_a_file_that_is_no_json_or_too_large_is_refused(api: Api) -> None:
    assert api.code("license_import", file=base64.b64encode(b"\xff\xfe").decode()) == "10007"
    assert api.code("license_import", file=base64.b64encode(b" " * (1024**2 + 1)).decode()) == "10505"
    assert api.code("license_import") == "10006"


def test_a_file_counts_once_until_its_licences_are_deleted(api: Api) -> None:
    for file in (plain(line(), serial="S-1"), plain(line("designer"))):  # the second has no serial: its content names it
        imported = api("license_import", file=file)["licenseIds"]
        assert api.code("license_import", file=file) == "10502"
        api("license_delete", licenseId=imported[0])
        assert api.code("license_delete", licenseId=imported[0]) == "10501"
        assert api.code("license_import", file=file) == "00000"


def licensed(hub: Hub, robot_id: int) -> bool:
    """Whether the robot would take a task: it listens to queues."""
    return robot_queues(hub, robot_id) != [IDLE]


def test_a_robot_whose_licences_have_all_expired_is_refused(hub: Hub, api: Api) -> None:
    assert licensed(hub, 1)
    expired = api("license_import", file=plain(line(until="2020-01-01 00:00:00")))["licenseIds"][0]
    assert not licensed(hub, 1)
    assert rows(api) == [("robot-unattended", 10, 2, "2020-01-01 00:00:00")]
    api("license_import", file=plain(line(until="2099-01-01 00:00:00")))
    assert licensed(hub, 1)
    api("license_delete", licenseId=expired)
    assert licensed(hub, 1)


def test_a_licence_of_another_type_or_platform_does_not_matter(hub: Hub, api: Api) -> None:
    vendor(hub, robots=1)
    api("license_import", file=plain(line("robot-attended", until="2020-01-01 00:00:00"), line(until="2020-01-01 00:00:00", connection="sema4")))
    assert licensed(hub, 1)
    with hub.db.read() as session:
        foreign = session.query(Robot).where(Robot.reference == "0").one().id
    assert not licensed(hub, foreign)


def test_a_department_sees_the_licences_of_its_platforms(hub: Hub, api: Api) -> None:
    home = api("department_create", depName="分部", parentId=1)["depId"]
    vendor(hub, robots=1, name="rooted")
    vendor(hub, robots=1, name="own", department=home)
    api("license_import", file=plain(line(connection="rooted"), line(quantity=7, connection="own")))
    somebody = api.within(home)
    assert [each[:3] for each in rows(somebody)] == [("robot-unattended", 2, 2), ("sema4:robot-unattended", 7, 1)]
    assert [each["adapter"] for each in somebody("license_list")["licenses"]] == ["own"]
    rooted = next(each["licenseId"] for each in api("license_list")["licenses"] if each["adapter"] == "rooted")
    assert somebody.code("license_delete", licenseId=rooted) == "10501"
    assert somebody.code("license_import", file=plain(line(connection="rooted"))) == "10007"


def test_no_task_is_taken_for_robots_whose_licences_have_expired(api: Api) -> None:
    process_id = making.process(api)
    task = {"processId": process_id, "priority": 1, "isRecord": False}
    api("license_import", file=plain(line(until="2020-01-01 00:00:00")))
    assert api.code("task_create", **task) == "11002"
    assert api.code("task_create", **task, robotIds=[1]) == "11002"
    assert api("task_list")["tasks"] == []
    api("license_import", file=plain(line(until="2099-01-01 00:00:00")))
    assert len(api("task_create", **task)["taskIds"]) == 1
