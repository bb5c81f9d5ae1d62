"""Makes the things that the tests of services work on."""
from __future__ import annotations

import base64
import io
import itertools
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from hub.core import Hub
from hub.models import Connection, Task, TaskLog, Trigger
from hub.screens import recordings
from plugins import Adapter, FileContent
from plugins.manager import Adapters
from tests.hub.conftest import Api

PASSWORD = "Password-of-tests-1"
_number = itertools.count(1)


def some(title: str) -> str:
    """A name that no other thing has."""
    return f"{title}{next(_number)}"


def package_content(text: str = "print('hello')") -> str:
    """A process package in base64."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(zipfile.ZipInfo("main.py"), text)
    return base64.b64encode(content.getvalue()).decode()


def department(api: Api, parent_id: int = 1, name: str = "") -> int:
    """A new department."""
    return int(api("department_create", depName=name or some("部门"), parentId=parent_id)["depId"])


def employee(api: Api, department_id: int = 1, username: str = "") -> int:
    """A new user with PASSWORD."""
    name = username or some("user")
    return int(api("employee_create", employeeName=name, username=name, password=PASSWORD, depId=department_id)["employeeId"])


def sign_in(api: Api, username: str, password: str = PASSWORD) -> str:
    """The code of an attempt to sign in."""
    return api.code("account_authenticate", username=username, password=password)


def token_of(api: Api, username: str, password: str = PASSWORD) -> str:
    """A token of a user."""
    return str(api("account_authenticate", username=username, password=password)["token"])


def is_alive(api: Api, token: str) -> bool:
    """Whether a token still opens the hub."""
    operation = api.dispatcher.catalogue["department_list"]
    return api.dispatcher.call(operation, {}, token=token).code.value != "10001"


def package(api: Api, department_id: int = 1, content: str = "") -> int:
    """A new package."""
    given = {"packageName": some("包"), "packageVersion": "1", "depId": department_id, "package": content or package_content(some("# "))}
    return int(api("package_create", **given)["packageId"])


def process(api: Api, department_id: int = 1, group_id: int = 1, **changes: Any) -> int:
    """A new process with an active package."""
    given = {"processName": some("流程"), "depId": department_id, "robotGroupId": group_id, "isRecord": False, **changes}
    process_id = int(api("process_create", **given)["processId"])
    api("process_activate_package_version", processId=process_id, packageId=package(api, department_id))
    return process_id


def robot(api: Api, department_id: int = 1, **changes: Any) -> int:
    """A new robot on this machine."""
    given = {"depId": department_id, "robotName": some("机器人"), "robotType": 0, "machineId": 1, "machineName": "x", "machineUsername": "u"}
    return int(api("robot_create", **{**given, **changes})["robotId"])


def group(api: Api, department_id: int = 1, robots: tuple[int, ...] = ()) -> int:
    """A new robot group."""
    group_id = int(api("robot_group_create", depId=department_id, robotGroupName=some("组"))["robotGroupId"])
    if robots:
        api("robot_group_append", robotGroupId=group_id, robotIds=list(robots))
    return group_id


def platform(hub: Hub, module: object) -> int:
    """A connection to a vendor's platform whose adapter consists of ``module``; what that lacks, the platform cannot do. Gives its id."""
    needed = ("task_create", "task_cancel", "task_pause", "task_resume", "task_log_query", "machine_query", "video_query")
    cannot = {name: f"该平台没有 {name}" for name in needed if not hasattr(module, name)}
    acme = Adapter(name="acme", title="某平台", modules=(module,), cannot=cannot, needs_address=False)  # type: ignore[arg-type]
    hub.__dict__["adapters"] = Adapters([*(each.adapter for each in hub.adapters.values()), acme])
    with hub.db.write() as session:
        row = Connection(name="acme", adapter="acme", department_id=1)
        session.add(row)
        session.flush()
        return row.id


def imported(hub: Hub, model: type[Any], connection_id: int, **values: Any) -> int:
    """A thing of a vendor's platform, as an import makes it."""
    with hub.db.write() as session:
        row = model(department_id=1, connection_id=connection_id, **values)
        session.add(row)
        session.flush()
        return int(row.id)


def trigger(api: Api, process_id: int, department_id: int = 1, **changes: Any) -> int:
    """A new, active trigger that lets the process's own group run it every day."""
    given = {
        "triggerName": some("调度"),
        "depId": department_id,
        "processId": process_id,
        "assignType": 1,
        "isRecord": False,
        "cronExpression": "0 9 * * *",
        "isDefineCalendar": False,
    }
    return int(api("trigger_create", **{**given, **changes})["triggerId"])


def tasks(api: Api, process_id: int, count: int = 1, **changes: Any) -> list[int]:
    """New tasks, queued."""
    return list(api("task_create", processId=process_id, totalCount=count, priority=1, isRecord=False, **changes)["taskIds"])


def task_of(hub: Hub, task_id: int) -> Task:
    """A task's row."""
    with hub.db.read() as session:
        return session.get_one(Task, task_id)


def change_task(hub: Hub, task_id: int, **values: Any) -> None:
    """Write into a task's row, as its executor would."""
    with hub.db.write() as session:
        session.execute(update(Task).where(Task.id == task_id).values(**values))


def log_of(hub: Hub, task_id: int) -> list[str]:
    """The messages of a task's log."""
    with hub.db.read() as session:
        return list(session.scalars(select(TaskLog.message).where(TaskLog.task_id == task_id).order_by(TaskLog.seq)))


def is_active(hub: Hub, trigger_id: int) -> bool:
    """Whether a trigger is switched on."""
    with hub.db.read() as session:
        return session.get_one(Trigger, trigger_id).is_activated


FILM = b"a film" * 400_000


def recording(hub: Hub, task_id: int, key: str | None = None, content: bytes = FILM) -> int:
    """A stored recording of a task."""
    start = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    said = {"key": key, "part": 1, "display": {"width": 1280, "height": 720, "depth": 24}, "framesPerSecond": 5, "isOverlaid": True, "isInterrupted": False}
    return recordings.store(hub, task_id, recordings.Film(FileContent.of(content, "recording.mp4"), start, start + timedelta(minutes=1), said))
