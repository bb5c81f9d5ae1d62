"""Data isolation of departments, users, packages, processes, robots, groups and tasks: a foreign id, wherever it stands, is not found."""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hub.core import Hub
from hub.models import Department, Employee, Package, Process, Robot, RobotGroup, Task, Trigger
from plugins.fields import Id, Items
from plugins.operation import Operation
from tests.hub.conftest import Api
from tests.hub.services import making

RESOURCES = ("department", "employee", "package", "process", "robot", "robot-group", "task", "task-log")
MODELS = (Department, Employee, Package, Process, Robot, RobotGroup, Task, Trigger)
KINDS = ("department", "employee", "package", "process", "robot", "robot_group", "task", "trigger")
MACHINE = {"machine": 1}  # Machines belong to no department.

# What an operation needs beside ids, and what changes something, so that it is looked up at all.
TEXTS: Mapping[str, Any] = {
    "depName": "新",
    "employeeName": "新",
    "username": "new-user",
    "password": making.PASSWORD,
    "packageName": "新",
    "packageVersion": "9",
    "package": making.package_content(),
    "processName": "新",
    "isRecord": False,
    "robotName": "新",
    "robotType": 0,
    "machineName": "新",
    "machineUsername": "u",
    "robotGroupName": "新",
    "priority": 1,
    "reason": "测试",
}


def everything(api: Api, name: str) -> dict[str, int]:
    """A department with one thing of each kind; the ids by kind."""
    home = making.department(api, name=name)
    robot_id = making.robot(api, home)
    group_id = making.group(api, home, (robot_id,))
    process_id = making.process(api, home, group_id)
    return {
        "department": home,
        "employee": making.employee(api, home),
        "robot": robot_id,
        "robot_group": group_id,
        "process": process_id,
        "package": making.package(api, home),
        "trigger": making.trigger(api, process_id, home, assignType=2, robotIds=[robot_id]),
        "task": making.tasks(api, process_id)[0],
        **MACHINE,
    }


def operations(api: Api) -> Iterator[Operation]:
    for each in api.dispatcher.catalogue:
        if each.side in ("platform", "ext") and each.path.split("/")[3] in RESOURCES and not each.public:
            yield each


def ids_of(operation: Operation) -> dict[str, tuple[str, bool]]:
    """The parameters that name things: their kind, and whether they are lists."""
    found = {}
    for name, field in operation.request().fields.items():
        inner = field.inner if isinstance(field, Items) else field
        if isinstance(inner, Id) and inner.kind in (*KINDS, *MACHINE):
            found[name] = (inner.kind, isinstance(field, Items))
    return found


def params_of(operation: Operation, own: dict[str, int], foreign: dict[str, int], at: str = "") -> dict[str, Any]:
    """Parameters that name own things everywhere but ``at`` one place. Optional ids are left out elsewhere."""
    fields = operation.request().fields
    params = {name: value for name, value in TEXTS.items() if name in fields and (fields[name].required or operation.path.endswith("/update"))}
    for name, (kind, is_list) in ids_of(operation).items():
        if fields[name].required or name == at:
            key = (foreign if name == at else own)[kind]
            params[name] = [key] if is_list else key
    return params


def snapshot(hub: Hub, home: int) -> list[tuple[Any, ...]]:
    """All that belongs to a department, with the time of its last change."""
    with hub.db.read() as session:
        rows = [row for model in MODELS for row in session.query(model).all()]
    owner = lambda row: row.id if isinstance(row, Department) else row.department_id  # noqa: E731
    return sorted((type(row).__name__, row.id, row.is_deleted, row.updated_at) for row in rows if owner(row) == home)


def test_a_foreign_id_is_not_found_wherever_it_stands_and_nothing_of_it_changes(api: Api, hub: Hub) -> None:
    own, foreign = everything(api, "甲"), everything(api, "乙")
    user = api.within(own["department"])
    before = snapshot(hub, foreign["department"])
    cases = [(each, name) for each in operations(api) for name, (kind, _) in ids_of(each).items() if kind in KINDS]
    assert len(cases) > 50
    codes = {f"{each.name} {name}": user.code(each.name, **params_of(each, own, foreign, name)) for each, name in cases}
    assert {case: code for case, code in codes.items() if code != "10501"} == {}
    assert snapshot(hub, foreign["department"]) == before


def test_the_same_calls_with_own_ids_find_everything(api: Api, hub: Hub) -> None:
    own: dict[str, int] = {}
    for each in operations(api):
        for name in ids_of(each) or [""]:
            own = own or everything(api, making.some("部门"))
            names = {key: making.some("新") for key in ("username", "depName", "packageName", "processName", "robotName", "robotGroupName")}
            params = params_of(each, own, own, name)
            params |= {key: value for key, value in names.items() if key in params}
            if each.name == "robot_update":
                del params["machineName"]
            assert api.within(own["department"]).code(each.name, **params) in ("00000", "10503", "10504", "11001"), (each.name, name)
            if each.path.endswith(("/delete", "/cancel")):
                own = {}


def test_lists_show_nothing_foreign(api: Api) -> None:
    own, foreign = everything(api, "甲"), everything(api, "乙")
    user = api.within(own["department"])
    seen = {
        "department": [row["depId"] for row in user("department_list")["departments"]],
        "employee": [row["employeeId"] for row in user("employee_list")["users"]],
        "package": [row["packageId"] for row in user("package_query", sort="-packageId")["packageList"]][:1],
        "process": [row["processId"] for row in user("process_list")["processes"]],
        "robot": [row["robotId"] for row in user("robot_list")["robots"]],
        "robot_group": [row["robotGroupId"] for row in user("robot_group_list")["robotGroups"]],
        "task": [row["taskId"] for row in user("task_list")["tasks"]],
    }
    assert seen == {kind: [own[kind]] for kind in seen}
    assert all(foreign[kind] not in ids for kind, ids in seen.items())
