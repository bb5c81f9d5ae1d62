"""A hub of the first version, with everything that it could hold, goes on with the present program."""
from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from pydantic import SecretStr
from sqlalchemy import JSON, column, insert, table

from config.settings import Settings
from hub.bootstrap import initialise, machine_name
from hub.call import Source
from hub.core import Hub
from hub.database import Database
from hub.dispatch import Dispatcher
from hub.migrations import alembic_config
from hub.models import RightsVersion
from hub.security import hash_password

PASSWORD = "Of-the-first-version-1"
AT = datetime(2026, 11, 1, tzinfo=UTC)
ENTITY = {"created_at": AT, "updated_at": AT, "is_deleted": False}


def first_version_rows(machine: str) -> dict[str, dict[str, Any]]:
    """One row of each table as the first version had them."""
    home = {"department_id": 1, **ENTITY}
    return {
        "department": {"name": "总部", "path": "/1/", **ENTITY},
        "employee": {"name": "管理员", "username": "admin", "password_hash": hash_password(PASSWORD), "is_locked": False, **home},
        "machine": {"name": machine, **ENTITY},
        "connection": {"name": "native", "adapter": "native", "address": "", "options": {}, "sealed_credentials": "", "version": "", **home},
        "robot": {"name": "机器人1", "type": 0, "machine_id": 1, "connection_id": 1, **home},
        "robot_group": {"name": "组", **home},
        "robot_group_member": {"robot_group_id": 1, "robot_id": 1},
        "package": {"name": "包", "version": "1", "digest": "0" * 64, "size": 1, "connection_id": 1, "reference": "r", **home},
        "process": {
            "name": "流程", "robot_group_id": 1, "is_record": False, "package_id": 1, "in_parameters": [], "connection_id": 1, **home,
        },
        "task": {
            "process_id": 1, "package_id": 1, "connection_id": 1, "robot_group_id": 1, "robot_id": 1, "state": "succeeded",
            "create_mode": 2, "priority": 1, "is_record": False, "in_parameters": [], "out_parameters": [{"name": "n", "value": "7"}],
            "queued_at": AT, "started_at": AT, "stopped_at": AT, **home,
        },
        "task_log": {"task_id": 1, "seq": 1, "logged_at": AT, "level": "info", "message": "第一行"},
        "access_token": {"digest": "d" * 64, "employee_id": 1, "created_at": AT, "expires_at": AT},
        "outbox": {"job": "run_task", "subject_id": 1, "queues": ["group-1-1"], "created_at": AT},
    }  # fmt: skip


@pytest.fixture(params=["sqlite", "postgresql"])
def hub(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hub]:
    """A hub over a database that the first version made."""
    address = "" if request.param == "sqlite" else request.getfixturevalue("new_postgresql")()
    settings = Settings(data=tmp_path / "data", database_url=SecretStr(address))
    settings.data.mkdir()
    db = Database(settings.database)
    command.upgrade(alembic_config(db), "0001")
    with db.write() as session:
        for name, row in first_version_rows(machine_name(settings)).items():
            kinds = (column(key, JSON) if isinstance(value, (list, dict)) else column(key) for key, value in row.items())
            session.execute(insert(table(name, *kinds)).values(**row))
    db.dispose()
    assert initialise(settings) is None
    made = Hub(settings)
    yield made
    made.db.dispose()


def test_a_user_of_the_first_version_logs_in_and_may_do_what_it_could(hub: Hub) -> None:
    dispatcher = Dispatcher(hub)
    source = Source(kind="http", client_ip="127.0.0.1", base_url="http://127.0.0.1/")
    call = lambda name, token=None, **params: dispatcher.call(dispatcher.catalogue[name], params, token=token, source=source)  # noqa: E731
    token = call("account_authenticate", username="admin", password=PASSWORD).data["token"]
    task = call("task_query", token, taskId=1)
    assert task.code.value == "00000", task.message
    assert task.data["taskStatus"] == "0"
    assert task.data["outParameters"] == [{"name": "n", "value": "7"}]
    assert [line["message"] for line in call("task_log_query", token, taskId=1).data["logs"]] == ["第一行"]
    assert [row["robotName"] for row in call("robot_list", token).data["robots"]] == ["机器人1"]
    made = call("department_create", token, depName="新部门", parentId=1)
    assert made.code.value == "00000", made.message


def test_a_second_start_changes_no_rights(hub: Hub) -> None:
    def number() -> int:
        with hub.db.read() as session:
            return session.get_one(RightsVersion, 1).number

    before = number()
    assert initialise(hub.settings) is None
    assert number() == before
