"""Things that are made on a vendor's platform: which one they go to, that they are made there first, and what comes back from imports."""
from __future__ import annotations

from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import func, select

from hub.core import Hub
from hub.models import Connection, Package, Process, Robot, Task
from hub.tasks.vendor import start_task
from plugins import VendorError, hookimpl
from tests.hub.conftest import Api
from tests.hub.services import making

ANSWERS: dict[str, dict[str, Any]] = {
    "package_create": {"packageId": "P-1"},
    "process_create": {"processId": "R-1"},
    "process_activate_package_version": {},
    "task_create": {"taskIds": ["T-1"]},
    "connection_import": {"processes": [{"processId": "R-1", "processName": "流程"}], "packages": [{"packageId": "P-1", "packageName": "p"}]},
}


@pytest.fixture
def told() -> list[tuple[str, dict[str, Any]]]:
    """What the platform was told."""
    return []


def module(told: list[tuple[str, dict[str, Any]]], **answers: Any) -> ModuleType:
    """A platform's adapter that notes what it is told."""

    def implementation(name: str, answer: Any) -> Any:
        def carry_out(ctx: Any, params: dict[str, Any]) -> dict[str, Any]:
            told.append((name, params))
            if isinstance(answer, Exception):
                raise answer
            return dict(answer)

        carry_out.__name__ = name
        return hookimpl(carry_out)

    made = ModuleType("platform")
    made.__dict__.update({name: implementation(name, answer) for name, answer in answers.items()})
    return made


@pytest.fixture
def platform(hub: Hub, told: list[tuple[str, dict[str, Any]]]) -> int:
    """A platform on which others may make things."""
    return making.platform(hub, module(told, **ANSWERS))


def adapter_of(hub: Hub, model: type[Any], key: int) -> tuple[str, str | None]:
    """Where a thing lives, and its name there."""
    with hub.db.read() as session:
        row = session.get_one(model, key)
        return session.get_one(Connection, row.connection_id).name, row.reference


def make(api: Api, department_id: int = 1, group_id: int = 1, **changes: Any) -> SimpleNamespace:
    """A package and a process."""
    content = making.package_content(making.some("# "))
    package = {"packageName": making.some("包"), "packageVersion": "1", "depId": department_id, "package": content, **changes}
    process = {"processName": making.some("流程"), "depId": department_id, "robotGroupId": group_id, "isRecord": True, "remark": "月报", **changes}
    return SimpleNamespace(package=api("package_create", **package)["packageId"], process=api("process_create", **process)["processId"])


def test_a_named_platform_makes_them_first_and_gets_neither_our_ids_nor_our_words(
    api: Api, hub: Hub, platform: int, told: list[tuple[str, dict[str, Any]]]
) -> None:
    made = make(api, adapter="acme")
    assert adapter_of(hub, Package, made.package) == ("acme", "P-1")
    assert adapter_of(hub, Process, made.process) == ("acme", "R-1")
    api("process_activate_package_version", processId=made.process, packageId=made.package, inParameters=[{"name": "a", "value": "1"}])
    params = dict(told)
    assert params["package_create"].keys() == {"packageName", "packageVersion", "package", "limits"}
    assert {name: params["process_create"][name] for name in ("isRecord", "remark")} == {"isRecord": True, "remark": "月报"}
    assert not {"depId", "robotGroupId", "adapter"} & params["process_create"].keys()
    assert params["process_activate_package_version"] == {"processId": "R-1", "packageId": "P-1", "inParameters": [{"name": "a", "value": "1"}]}
    assert [row["activePackageId"] for row in api("process_list")["processes"] if row["processId"] == made.process] == [made.package]


def test_without_a_name_they_go_to_the_platform_of_the_group_then_of_the_department_then_to_our_robots(api: Api, hub: Hub, platform: int) -> None:
    child = making.department(api, making.department(api))
    plain = make(api, child)
    assert adapter_of(hub, Process, plain.process)[0] == adapter_of(hub, Package, plain.package)[0] == "native"
    bot = making.imported(hub, Robot, platform, name="远端", reference="bot-1")
    there = make(api, 1, making.group(api, 1, (bot,)))
    assert adapter_of(hub, Process, there.process)[0] == "acme"


def test_a_bound_department_sends_what_is_made_below_it_unless_a_nearer_one_is_bound(api: Api, hub: Hub, platform: int) -> None:
    upper = making.department(api)
    lower = making.department(api, upper)
    api("connection_bind", depId=upper, connectionId=platform)
    empty = making.group(api)
    given = {"depId": lower, "robotGroupId": empty, "isRecord": False}
    assert adapter_of(hub, Process, api("process_create", processName="甲", **given)["processId"])[0] == "acme"
    native = next(row["connectionId"] for row in api("connection_list")["connections"] if row["adapter"] == "native")
    api("connection_bind", depId=lower, connectionId=native)
    assert adapter_of(hub, Process, api("process_create", processName="乙", **given)["processId"])[0] == "native"
    bound = {row["connectionId"]: row["boundDepIds"] for row in api("connection_list")["connections"]}
    assert bound[platform] == [upper] and bound[native] == [lower]
    api("connection_bind", depId=lower)
    api("connection_bind", depId=upper)
    assert adapter_of(hub, Process, api("process_create", processName="丙", **given)["processId"])[0] == "native"
    api("connection_bind", depId=upper, connectionId=platform)
    api("connection_delete", connectionId=platform)
    assert adapter_of(hub, Process, api("process_create", processName="丁", **given)["processId"])[0] == "native"


def test_a_group_of_our_robots_goes_before_the_department(api: Api, hub: Hub, platform: int) -> None:
    api("connection_bind", depId=1, connectionId=platform)
    process_id = api("process_create", processName="己", depId=1, robotGroupId=1, isRecord=False)["processId"]
    assert adapter_of(hub, Process, process_id)[0] == "native"


def test_a_platform_that_cannot_or_that_refuses_leaves_nothing_behind(api: Api, hub: Hub, told: list[tuple[str, dict[str, Any]]]) -> None:
    making.platform(hub, module(told, process_create=VendorError("名称不合法")))
    process = {"processName": "戊", "depId": 1, "robotGroupId": 1, "isRecord": False, "adapter": "acme"}
    answer = api.answer("process_create", **process)
    assert answer.code.value == "20104" and "名称不合法" in answer.message
    package = {"packageName": "戊", "packageVersion": "1", "depId": 1, "package": making.package_content(), "adapter": "acme"}
    assert api.code("package_create", **package) == "20102"
    assert api.code("process_create", **{**process, "adapter": "nobody"}) == "10007"
    with hub.db.read() as session:
        assert session.scalar(select(func.count()).select_from(Process)) == session.scalar(select(func.count()).select_from(Package)) == 0


def test_a_connection_of_others_cannot_be_named_or_bound(api: Api, platform: int) -> None:
    home = making.department(api)
    somebody = api.within(home)
    process = {"processName": "庚", "depId": home, "robotGroupId": making.group(api, home), "isRecord": False}
    assert somebody.code("process_create", **process, adapter="acme") == "10007"
    assert somebody.code("connection_bind", depId=home, connectionId=platform) == "10501"
    assert somebody("process_create", **process, adapter="native")["processId"]


def test_an_import_keeps_what_the_platform_does_not_tell(api: Api, hub: Hub, platform: int) -> None:
    made = make(api, adapter="acme")
    api("process_activate_package_version", processId=made.process, packageId=made.package, inParameters=[{"name": "a", "value": "1"}])
    api("connection_import", connectionId=platform)
    (row,) = [each for each in api("process_list")["processes"] if each["processId"] == made.process]
    assert (row["processName"], row["activePackageId"], row["inParameters"]) == ("流程", made.package, [{"name": "a", "value": "1"}])


def test_a_process_whose_package_the_platform_does_not_tell_is_started_all_the_same(
    api: Api, hub: Hub, platform: int, told: list[tuple[str, dict[str, Any]]]
) -> None:
    process_id = making.imported(hub, Process, platform, name="无包", reference="R-2")
    bots = [making.imported(hub, Robot, platform, name=f"远端{number}", reference=f"bot-{number}") for number in (1, 2)]
    given = {"processId": process_id, "isRecord": True, "maxRunTime": 60, "maxWaitingTime": 30}
    (task_id,) = api("task_create", **given, robotIds=bots)["taskIds"]
    start_task(hub, task_id)
    sent = dict(told)["task_create"]
    assert (sent["processId"], sent["packageId"], sent["robotIds"], sent["isRecord"]) == ("R-2", None, ["bot-1", "bot-2"], True)
    assert (sent["maxRunTime"], sent["maxWaitingTime"], sent["key"]) == (60, 30, making.task_of(hub, task_id).run_key)
    assert api.code("task_create", **given, robotIds=[making.robot(api)]) == "10007"
    with hub.db.read() as session:
        assert session.scalar(select(func.count()).select_from(Task)) == 1
