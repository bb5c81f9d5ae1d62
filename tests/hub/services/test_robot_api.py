"""The robot interface on the hub (clause 6.3): what a robot makes is its own, and what it does is its own."""
from __future__ import annotations

import base64
from typing import Any

import pytest
from sqlalchemy import update

from hub.core import Hub
from hub.database import now
from hub.models import Robot, Task
from hub.tasks import lifecycle
from tests.hub.conftest import Api, Signed
from tests.hub.services import making


def robot_api(api: Api, robot_id: int) -> Signed:
    """The hub as a robot sees it."""
    secret = api("robot_secret_issue", robotId=robot_id)["secret"]
    anybody = Signed(api.dispatcher, api.caller)
    return Signed(api.dispatcher, api.caller, token=anybody("robot_api_authenticate", secret=secret)["token"])


@pytest.fixture
def robot_id(api: Api) -> int:
    return making.robot(api, robotName=making.some("夜班"))


@pytest.fixture
def robot(api: Api, robot_id: int) -> Signed:
    return robot_api(api, robot_id)


def made_on(robot: Signed, **activation: Any) -> tuple[int, int]:
    """A process with an active package, made at the robot's own interface: (process id, package id)."""
    content = making.package_content(making.some("# "))
    package = robot("robot_api_package_create", packageName=making.some("包"), packageVersion="1", package=content)["packageId"]
    process = robot("robot_api_process_create", processName=making.some("流程"), remark="本地")["processId"]
    robot("robot_api_process_activate_package_version", processId=process, packageId=package, **activation)
    return process, package


def test_what_is_made_on_a_robot_is_seen_there_and_nowhere_else(api: Api, robot: Signed) -> None:
    process, package = made_on(robot)
    other = robot_api(api, making.robot(api, robotName=making.some("别的")))
    assert [each["processId"] for each in robot("robot_api_process_list")["processes"]] == [process]
    shown = robot("robot_api_package_query")["packages"][0]
    assert shown["packageId"] == package and shown["packagePath"]
    for someone in (api, other):
        side = "robot_api_" if someone is other else ""
        assert process not in [each["processId"] for each in someone(f"{side}process_list")["processes"]]
        assert package not in [each["packageId"] for each in someone(f"{side}package_query")["packages"]]
        assert someone.code(f"{side}process_update", processId=process, processName="x") == "10501"
        assert someone.code(f"{side}package_delete", packageId=package) == "10501"
    assert api.code("task_create", processId=process, priority=1, isRecord=False) == "10501"


def test_two_robots_may_have_packages_and_processes_of_one_name(api: Api, robot: Signed) -> None:
    other = robot_api(api, making.robot(api, robotName=making.some("别的")))
    given = {"packageName": "同名", "packageVersion": "1", "package": making.package_content()}
    for each in (robot, other):
        each("robot_api_package_create", **given)
        each("robot_api_process_create", processName="同名")
        assert each.code("robot_api_package_create", **given) == "10502"
        assert each.code("robot_api_process_create", processName="同名") == "10502"
    api("package_create", depId=1, **given)


def test_a_task_of_the_robot_is_queued_for_it_alone_with_the_process_parameters(api: Api, hub: Hub, robot: Signed, robot_id: int) -> None:
    process, _ = made_on(robot, inParameters=[{"name": "a", "value": "1"}, {"name": "b", "value": "2"}])
    given = [{"name": "b", "value": "3"}]
    (task,) = robot("robot_api_task_create", processId=process, isRecord=False, priority=0, inParameters=given)["taskIds"]
    shown = robot("robot_api_task_query", taskId=task)
    assert (shown["processId"], shown["taskStatus"], shown["taskState"], shown["priority"]) == (process, 2, "queued", 0)
    assert shown["inParameters"] == [{"name": "a", "value": "1"}, {"name": "b", "value": "3"}]
    assert [each["taskId"] for each in robot("robot_api_task_list")["tasks"]] == [task]
    row = making.task_of(hub, task)
    assert (row.robots, row.robot_id, row.create_mode) == ([robot_id], robot_id, 1)
    assert api("task_query", taskId=task)["createMode"] == "robot"
    robot("robot_api_task_pause", taskId=task)
    assert robot("robot_api_task_query", taskId=task)["taskStatus"] == 4
    robot("robot_api_task_resume", taskId=task)
    robot("robot_api_task_cancel", taskId=task)
    assert robot.code("robot_api_task_cancel", taskId=task) == "10101"
    assert [each["message"] for each in robot("robot_api_task_log_query", taskId=task)["logs"]]
    assert robot("robot_api_video_query", taskId=str(task))["recordFileInfos"] == []


def test_a_robot_sees_the_platforms_tasks_that_it_ran_and_no_others(api: Api, hub: Hub, robot: Signed, robot_id: int) -> None:
    group = making.group(api, 1, (robot_id,))
    mine, others = making.tasks(api, making.process(api, 1, group), 2)
    making.change_task(hub, mine, robot_id=robot_id, state="running")
    assert [each["taskId"] for each in robot("robot_api_task_list")["tasks"]] == [mine]
    assert robot.code("robot_api_task_query", taskId=others) == "10501"
    assert robot.code("robot_api_task_cancel", taskId=others) == "10501"
    assert robot.code("robot_api_task_log_query", taskId=others) == "10501"


def test_packages_in_use_stay_and_processes_go_with_their_waiting_tasks(robot: Signed) -> None:
    process, package = made_on(robot)
    (task,) = robot("robot_api_task_create", processId=process, isRecord=False)["taskIds"]
    assert robot.code("robot_api_package_delete", packageId=package) == "10503"
    robot("robot_api_process_delete", processId=process)
    assert robot("robot_api_task_query", taskId=task)["taskStatus"] == 3
    robot("robot_api_package_delete", packageId=package)
    assert robot("robot_api_package_query")["packages"] == []
    assert robot("robot_api_package_query", includeDeleted=True)["packages"][0]["isDeleted"] is True


def test_files_of_a_robot_are_its_own(api: Api, robot: Signed) -> None:
    content = base64.b64encode(b"content").decode()
    file = robot("robot_api_file_create", file=content, folderPath="/a", fileName="x.csv")["fileId"]
    assert robot.code("robot_api_file_create", file=content, folderPath="/a", fileName="x.csv") == "10201"
    api("file_create", file=content, folderPath="/a", fileName="x.csv", depId=1)
    assert isinstance(file, str)
    shown = robot("robot_api_file_query", fileId=file)
    assert shown["fileName"] == "x.csv" and shown["url"]
    assert api.code("file_query", fileId=int(file)) == "10501"
    robot("robot_api_file_update", fileId=file, fileName="y.csv")
    assert [(each["fileName"], each["folderPath"]) for each in robot("robot_api_file_list")["files"]] == [("y.csv", "/a")]
    robot("robot_api_file_delete", fileId=file)
    assert robot("robot_api_file_list")["files"] == []


def test_settings_are_taken_over_and_shown_without_the_password(api: Api, hub: Hub, robot: Signed, robot_id: int) -> None:
    process, _ = made_on(robot)
    trigger = {"name": "每日", "cronExpression": "0 9 * * 1-5", "processId": process, "inParameters": [{"name": "a", "value": "1"}]}
    config = {
        "machineUsername": "rpa", "machinePassword": "S3cret-of-machine", "desktopType": 1, "resolutionWidth": 1600, "resolutionHeight": 900,
        "resolutionDepth": 24, "isAutoUnlockEnabled": True, "logLevel": "DEBUG", "schedules": [trigger], "limits": {"memory": 1 << 30},
    }  # fmt: skip
    robot("robot_api_config", robotConfig=config)
    info = robot("robot_api_query")["robotInfo"]
    assert (info["resolutionWidth"], info["logLevel"], info["machinePassword"]) == (1600, "debug", "")
    assert info["schedules"][0] | trigger == info["schedules"][0] and info["schedules"][0]["isActivated"] is True
    assert info["limits"]["memory"] == 1 << 30
    assert info["robotStatus"] == 2 and info["robotState"] == "offline"
    with hub.db.read() as session:
        sealed = session.get_one(Robot, robot_id).sealed_machine_password or ""
    assert hub.vault.open(sealed, "machine password") == "S3cret-of-machine"
    robot("robot_api_config", robotConfig={"remark": "x", "logLevel": "info"})
    after = robot("robot_api_query")["robotInfo"]
    assert after["resolutionWidth"] == 1600 and len(after["schedules"]) == 1


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"name": "a", "cronExpression": "0 0 30 2 *"}, "10007"),
        ({"name": "a"}, "10006"),
        ({"name": "a", "type": "hotkey"}, "10006"),
        ({"name": "a", "cronExpression": "0 9 * * *", "timeZone": "Mars/Olympus"}, "10007"),
        ({"name": "a", "cronExpression": "0 9 * * *", "processId": 999}, "10501"),
    ],
)
def test_a_wrong_local_trigger_is_refused_and_nothing_is_stored(robot: Signed, wrong: dict[str, Any], code: str) -> None:
    process, _ = made_on(robot)
    config = {"schedules": [{"processId": process, **wrong}], "logLevel": "error"}
    assert robot.code("robot_api_config", robotConfig=config) == code
    info = robot("robot_api_query")["robotInfo"]
    assert info["schedules"] == [] and info["logLevel"] != "error"


def test_two_local_triggers_of_one_name_are_refused(robot: Signed) -> None:
    process, _ = made_on(robot)
    each = {"name": "a", "cronExpression": "0 9 * * *", "processId": process}
    assert robot.code("robot_api_config", robotConfig={"schedules": [each, each]}) == "10007"


def test_start_and_stop_are_what_is_wanted_of_the_robot(api: Api, hub: Hub, robot: Signed, robot_id: int) -> None:
    for operation, is_stopped in (("robot_api_stop", True), ("robot_api_stop", True), ("robot_api_start", False), ("robot_api_start", False)):
        robot(operation)
        with hub.db.read() as session:
            assert session.get_one(Robot, robot_id).is_stopped is is_stopped
    api("robot_disable", robotId=robot_id)
    assert robot.code("robot_api_start") == "11001"
    process, _ = made_on(robot)
    assert robot.code("robot_api_task_create", processId=process, isRecord=False) == "11001"


def test_machine_and_licence_are_shown(api: Api, hub: Hub, robot: Signed) -> None:
    info = robot("robot_api_machine_query", resourceTypes=["memory", "IP"])["resourceInfo"]
    assert "GB/" in info["memory"] and info["ip"]
    shown = robot("robot_api_license_info")
    assert (shown["type"], shown["licenseExpirationTime"]) == ("robot-unattended", "9999-12-31 23:59:59")


def test_states_of_robots_say_what_keeps_them_from_working(api: Api, hub: Hub, robot_id: int) -> None:
    def become(**values: Any) -> str:
        with hub.db.write() as session:
            session.execute(update(Robot).where(Robot.id == robot_id).values(**values))
        shown = api("robot_query", robotId=robot_id)
        for name in ("robotState", "robotStatus"):
            assert robot_id in [each["robotId"] for each in api("robot_list", **{name: shown[name]})["robots"]]
        others = {"idle", "running", "offline", "disabled", "paused"} - {shown["robotState"]}
        assert not [state for state in others if robot_id in [each["robotId"] for each in api("robot_list", robotState=state)["robots"]]]
        return f"{shown['robotState']} {shown['robotStatus']}"

    assert become() == "offline 2"
    assert become(seen_at=now()) == "idle 0"
    assert become(is_paused=True) == "paused 2"
    assert become(task_id=77) == "running 1"
    assert become(task_id=None, is_paused=False, is_enabled=False) == "disabled 2"


def test_a_paused_stopped_or_disabled_robot_claims_no_task(api: Api, hub: Hub, robot_id: int) -> None:
    group = making.group(api, 1, (robot_id,))
    process = making.process(api, 1, group)
    for off, on in (("robot_pause", "robot_resume"), ("robot_stop", "robot_start"), ("robot_disable", "robot_enable")):
        (task,) = making.tasks(api, process)
        api(off, robotId=robot_id)
        assert lifecycle.claim(hub, task, state="running", lease=20, robot_id=robot_id) is None
        api(on, robotId=robot_id)
        claim = lifecycle.claim(hub, task, state="running", lease=20, robot_id=robot_id)
        assert claim is not None
        assert lifecycle.finish(hub, task, claim.run_key, "succeeded")


def test_a_robot_of_a_vendors_platform_is_told_through_its_adapter(api: Api, hub: Hub) -> None:
    told: list[tuple[str, dict[str, Any]]] = []

    class Platform:
        pass

    from plugins import hookimpl

    def answer(name: str, found: dict[str, Any]) -> Any:
        def implementation(ctx: Any, params: dict[str, Any]) -> dict[str, Any]:
            told.append((name, params))
            return found

        implementation.__name__ = name
        return hookimpl(implementation)

    answers: dict[str, dict[str, Any]] = {
        "robot_api_start": {}, "robot_api_stop": {}, "robot_api_config": {}, "robot_api_package_create": {"packageId": "P-1"},
        "robot_api_process_create": {"processId": "R-1"}, "robot_api_process_activate_package_version": {},
        "robot_api_query": {"robotInfo": {"robotStatus": 1, "machineName": "远端"}}, "robot_api_process_delete": {},
        "robot_api_machine_query": {"resourceInfo": {"ip": "10.0.0.7"}},
        "robot_api_license_info": {"type": "acme", "licenseExpirationTime": now()},
        "task_create": {"taskIds": ["T-1"]},
    }  # fmt: skip
    module = Platform()
    module.__dict__.update({name: answer(name, found) for name, found in answers.items()}, __name__="platform")
    connection_id = making.platform(hub, module)
    robot = robot_api(api, making.imported(hub, Robot, connection_id, name="远端机器人", reference="bot-9"))
    for name in ("robot_api_start", "robot_api_stop"):
        robot(name)
    process, _ = made_on(robot)
    robot("robot_api_config", robotConfig={"machinePassword": "p-w-1", "schedules": [{"name": "a", "cronExpression": "0 9 * * *", "processId": process}]})
    assert robot("robot_api_query")["robotInfo"] | {"robotStatus": 1, "machineName": "远端"} == robot("robot_api_query")["robotInfo"]
    assert robot("robot_api_machine_query")["resourceInfo"]["ip"] == "10.0.0.7"
    assert robot("robot_api_license_info")["type"] == "acme"
    (task,) = robot("robot_api_task_create", processId=process, isRecord=False)["taskIds"]
    row = making.task_of(hub, task)
    assert (row.connection_id, row.robots) == (connection_id, None) and row.robot_id is not None
    robot("robot_api_process_delete", processId=process)
    params = dict(told)
    assert all(each["robotId"] == "bot-9" for name, each in told if name != "task_create" and "delete" not in name and "package_create" not in name)
    assert params["robot_api_process_activate_package_version"]["processId"] == "R-1"
    assert params["robot_api_process_activate_package_version"]["packageId"] == "P-1"
    assert params["robot_api_config"]["robotConfig"]["schedules"][0]["processId"] == "R-1"
    assert params["robot_api_config"]["robotConfig"]["machinePassword"] == "p-w-1"
    assert params["robot_api_process_delete"]["processId"] == "R-1"
    with hub.db.read() as session:
        assert session.get_one(Task, task).state == "cancelled"
