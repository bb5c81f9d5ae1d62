"""Data isolation: a user of one department sees nothing of another, whichever operation asks."""
from __future__ import annotations

import base64
import io
import zipfile
from dataclasses import dataclass, field
from typing import Any

import pytest

from hub.call import SYSTEM
from hub.core import Hub
from hub.dispatch import Answer, Dispatcher

PASSWORD = "Password-of-tests-1"


@dataclass
class User:
    """Calls as the holder of a token; knows the ids of the things of the own department."""

    dispatcher: Dispatcher
    token: str
    ids: dict[str, int] = field(default_factory=dict)

    def answer(self, operation: str, **params: Any) -> Answer:
        """The answer, whatever it is."""
        return self.dispatcher.call(self.dispatcher.catalogue[operation], params, token=self.token)

    def __call__(self, operation: str, **params: Any) -> dict[str, Any]:
        answer = self.answer(operation, **params)
        assert answer.code.value == "00000", f"{operation}: {answer.message}"
        return answer.data


def package() -> str:
    """A process package in base64."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("main.py", "")
    return base64.b64encode(content.getvalue()).decode()


def department_with_everything(dispatcher: Dispatcher, name: str) -> User:
    """A new department with one thing of each kind, made by the hub itself, and a user of it."""

    def call(operation: str, **params: Any) -> dict[str, Any]:
        answer = dispatcher.call(dispatcher.catalogue[operation], params, caller=SYSTEM)
        assert answer.code.value == "00000", f"{operation}: {answer.message}"
        return answer.data

    ids = {"depId": call("department_create", depName=name, parentId=1)["depId"]}
    dep_id = ids["depId"]
    ids["childId"] = call("department_create", depName=f"{name}下级", parentId=dep_id)["depId"]
    ids["employeeId"] = call("employee_create", employeeName=name, username=name, password=PASSWORD, depId=dep_id)["employeeId"]
    robot = {"robotName": name, "robotType": 0, "machineId": 1, "machineName": "x", "machineUsername": "x", "depId": dep_id}
    ids["robotId"] = call("robot_create", **robot)["robotId"]
    ids["robotGroupId"] = call("robot_group_create", depId=dep_id, robotGroupName=name)["robotGroupId"]
    call("robot_group_append", robotGroupId=ids["robotGroupId"], robotIds=[ids["robotId"]])
    ids["packageId"] = call("package_create", packageName=name, packageVersion="1", depId=dep_id, package=package())["packageId"]
    ids["processId"] = call("process_create", processName=name, depId=dep_id, robotGroupId=ids["robotGroupId"], isRecord=False)["processId"]
    call("process_activate_package_version", processId=ids["processId"], packageId=ids["packageId"])
    ids["taskId"] = call("task_create", processId=ids["processId"], priority=1, isRecord=False)["taskIds"][0]
    token = call("account_authenticate", username=name, password=PASSWORD)["token"]
    return User(dispatcher, token, ids)


@pytest.fixture
def users(hub: Hub) -> tuple[User, User]:
    """A user of department A and one of department B."""
    dispatcher = Dispatcher(hub)
    return department_with_everything(dispatcher, "甲部"), department_with_everything(dispatcher, "乙部")


LISTS = {
    "department_list": ("departments", "depId"),
    "employee_list": ("users", "employeeId"),
    "robot_list": ("robots", "robotId"),
    "robot_group_list": ("robotGroups", "robotGroupId"),
    "package_query": ("packageList", "packageId"),
    "process_list": ("processes", "processId"),
    "task_list": ("tasks", "taskId"),
}


def test_lists_show_the_own_department_and_nothing_else(users: tuple[User, User]) -> None:
    for user in users:
        for operation, (key, id_name) in LISTS.items():
            data = user(operation)
            expected = [user.ids["depId"], user.ids["childId"]] if operation == "department_list" else [user.ids[id_name]]
            assert [row[id_name] for row in data[key]] == expected, operation
            assert data["total"] == len(expected), operation


def test_a_foreign_department_cannot_be_listed(users: tuple[User, User]) -> None:
    one, other = users
    for operation in LISTS:
        assert one.answer(operation, depId=other.ids["depId"]).code.value == "10501", operation
        assert one.answer(operation, depId=1).code.value == "10501", operation


def test_a_foreign_thing_is_as_unknown_as_one_that_is_not_there(users: tuple[User, User]) -> None:
    one, other = users
    for operation, name in (
        ("employee_query", "employeeId"), ("robot_query", "robotId"), ("task_query", "taskId"), ("task_cancel", "taskId"), ("task_log_query", "taskId"),
    ):  # fmt: skip
        foreign, absent = one.answer(operation, **{name: other.ids[name]}), one.answer(operation, **{name: 10**9})
        assert (foreign.code.value, absent.code.value) == ("10501", "10501"), operation
        assert foreign.message.replace(str(other.ids[name]), "") == absent.message.replace(str(10**9), ""), operation
    assert other("task_query", taskId=other.ids["taskId"])["taskState"] == "queued"


def test_nothing_is_made_in_or_from_a_foreign_department(users: tuple[User, User]) -> None:
    one, other = users
    foreign = other.ids
    attempts: list[tuple[str, dict[str, Any]]] = [
        ("package_create", {"packageName": "x", "packageVersion": "1", "depId": foreign["depId"], "package": package()}),
        ("process_create", {"processName": "x", "depId": foreign["depId"], "robotGroupId": one.ids["robotGroupId"], "isRecord": False}),
        ("process_create", {"processName": "x", "depId": one.ids["depId"], "robotGroupId": foreign["robotGroupId"], "isRecord": False}),
        ("process_activate_package_version", {"processId": foreign["processId"], "packageId": one.ids["packageId"]}),
        ("process_activate_package_version", {"processId": one.ids["processId"], "packageId": foreign["packageId"]}),
        ("task_create", {"processId": foreign["processId"], "priority": 1, "isRecord": False}),
        ("task_create", {"processId": one.ids["processId"], "robotIds": [foreign["robotId"]], "priority": 1, "isRecord": False}),
        ("task_create", {"processId": one.ids["processId"], "robotGroupId": foreign["robotGroupId"], "priority": 1, "isRecord": False}),
        ("robot_group_append", {"robotGroupId": foreign["robotGroupId"], "robotIds": [one.ids["robotId"]]}),
        ("robot_group_append", {"robotGroupId": one.ids["robotGroupId"], "robotIds": [foreign["robotId"]]}),
    ]
    for operation, params in attempts:
        assert one.answer(operation, **params).code.value == "10501", (operation, params)
    assert other("process_list")["processes"][0]["activePackageId"] == foreign["packageId"]
    assert other("robot_group_list")["robotGroups"][0]["robotIds"] == [foreign["robotId"]]


def test_a_department_sees_those_below_it(users: tuple[User, User]) -> None:
    one, _ = users
    below = one.answer("package_create", packageName="x", packageVersion="1", depId=one.ids["childId"], package=package())
    assert below.code.value == "00000"
    assert below.data["packageId"] in {row["packageId"] for row in one("package_query")["packageList"]}
    exact = one("package_query", depId=one.ids["depId"], includeChildren=False)["packageList"]
    assert [row["packageId"] for row in exact] == [one.ids["packageId"]]
