"""What a robot's own token must not do, and what must not happen to a robot: found by those who tried to break it."""
from __future__ import annotations

import pytest

from hub.core import Hub
from hub.models import Machine, Robot
from hub.robots import secrets
from tests.hub.conftest import Api
from tests.hub.services import making
from tests.hub.services.test_robot_api import made_on, robot_api


def test_a_robot_cannot_move_itself_to_another_machine(api: Api, hub: Hub) -> None:
    home, name = making.department(api), making.some("别人的计算机")
    api("machine_create", machineName=name)
    robot_id = making.robot(api, home)
    robot = robot_api(api, robot_id)
    for target in (name, "no-such-machine"):
        assert robot.code("robot_api_config", robotConfig={"machineName": target}) == "30001"
    with hub.db.read() as session:
        row = session.get_one(Robot, robot_id)
        own = session.get_one(Machine, row.machine_id).name
    robot("robot_api_config", robotConfig={"machineName": own, "logLevel": "warn"})


def test_a_robot_keeps_what_is_its_own_when_it_is_moved_to_another_department(api: Api) -> None:
    robot_id = making.robot(api, robotName=making.some("搬走"))
    robot = robot_api(api, robot_id)
    process, _ = made_on(robot)
    (task,) = robot("robot_api_task_create", processId=process, isRecord=False)["taskIds"]
    api("robot_update", robotId=robot_id, depId=making.department(api))
    assert [each["processId"] for each in robot("robot_api_process_list")["processes"]] == [process]
    assert robot("robot_api_task_query", taskId=task)["taskState"] == "queued"


def test_a_name_that_a_robot_uses_for_itself_is_free_on_the_platform(api: Api) -> None:
    robot = robot_api(api, making.robot(api, robotName=making.some("夜班")))
    robot("robot_api_process_create", processName="同名流程")
    api("process_create", processName="同名流程", depId=1, robotGroupId=1, isRecord=False)


def test_a_secret_that_is_configured_again_opens_again(api: Api, hub: Hub) -> None:
    robot_id = making.robot(api, robotName=making.some("夜班"))
    for given in ("the-first-of-two-secrets", "the-other-of-two-secrets", "the-first-of-two-secrets"):
        with hub.db.write() as session:
            secrets.end(session, robot_id)
            secrets.issue(session, robot_id, "test", given)
    with hub.db.read() as session:
        present = secrets.in_force(session, robot_id)
    assert present is not None and present.created_by == "test"


@pytest.mark.parametrize("way", ["sign", "ticket"])
def test_addresses_that_open_for_whoever_has_them_are_masked(way: str) -> None:
    from config.redaction import redact_text

    for text in (f"http://h/api/ext/recording/download/1?by=a&{way}=5my6-secret", f"http://h/vnc.html#path=session%3F{way}%3D5my6-secret"):
        assert "5my6" not in redact_text(text)


def test_power_over_a_machine_is_refused_to_whoever_cannot_see_all_of_its_robots(api: Api) -> None:
    home = making.department(api)
    making.robot(api, home)
    mine = api.within(home)
    assert mine.code("machine_reboot", machineId=1, reason="x", dryRun=True) == "30001"
    assert mine.code("machine_shutdown", machineId=1, reason="x", force=True, timeout=0) == "30001"
