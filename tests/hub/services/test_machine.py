"""Machines: named, and kept as long as robots belong to them."""
from __future__ import annotations

from sqlalchemy import update

from hub.core import Hub
from hub.database import now
from hub.models import Robot
from tests.hub.conftest import Api
from tests.hub.services import making


def machine(api: Api, name: str) -> int:
    return int(api("machine_create", machineName=name)["machineId"])


def test_an_update_changes_what_was_sent(api: Api) -> None:
    one = machine(api, "m1")
    machine(api, "m2")
    api("machine_update", machineId=one, remark="机房")
    assert api("machine_query", machineId=one)["machineName"] == "m1"
    assert api.code("machine_update", machineId=one, machineName="m2") == "10502"
    assert api.code("machine_update", machineId=one, machineName="") == "10005"
    api("machine_update", machineId=one, machineName="m3")
    row = next(each for each in api("machine_list")["machines"] if each["machineId"] == one)
    assert (row["machineName"], row["remark"], row["isDeleted"]) == ("m3", "机房", False)


def test_a_machine_with_robots_stays(api: Api) -> None:
    one = machine(api, "m1")
    robot_id = making.robot(api, machineId=one)
    assert api.code("machine_delete", machineId=one) == "10503"
    api("robot_delete", robotId=robot_id)
    api("machine_delete", machineId=one)
    assert api("machine_query", machineId=one)["isDeleted"] is True
    for operation, params in (
        ("machine_delete", {}),
        ("machine_update", {"remark": "x"}),
        ("robot_create", {"depId": 1, "robotName": "x", "robotType": 0, "machineName": "m1", "machineUsername": "u"}),
    ):
        assert api.code(operation, machineId=one, **params) == "10501", operation
    machine(api, "m1")


def test_a_machine_keeps_its_name_while_robots_are_online_on_it(api: Api, hub: Hub) -> None:
    with hub.db.write() as session:
        session.execute(update(Robot).where(Robot.id == 1).values(seen_at=now()))
    assert api.code("machine_update", machineId=1, machineName="other") == "10503"
    api("machine_update", machineId=1, remark="在线")
    with hub.db.write() as session:
        session.execute(update(Robot).values(seen_at=None))
    api("machine_update", machineId=1, machineName="other")


def test_machines_are_sorted_as_asked(api: Api) -> None:
    for name in ("~b", "~a", "~c"):
        machine(api, name)
    names = [row["machineName"] for row in api("machine_list", sort="-machineName", keyword="~")["machines"]]
    assert names == ["~c", "~b", "~a"]
