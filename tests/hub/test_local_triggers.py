"""Triggers of a robot's own fire without a platform, each due fire once (F016)."""
from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from hub.core import Hub
from hub.models import Robot, Task
from hub.robots import local_triggers
from tests.hub.conftest import Api
from tests.hub.services import making
from tests.hub.services.test_robot_api import made_on, robot_api

START = datetime(2026, 11, 20, 0, 0, tzinfo=UTC)  # 08:00 in Shanghai


@pytest.fixture
def set_up(api: Api, hub: Hub) -> Callable[..., int]:
    """A robot with these local triggers, as if they had been set at START; gives its id."""

    def make(*triggers: dict[str, Any]) -> int:
        robot_id = making.robot(api, robotName=making.some("夜班"))
        robot = robot_api(api, robot_id)
        process, _ = made_on(robot)
        robot("robot_api_config", robotConfig={"schedules": [{"processId": process, **each} for each in triggers]})
        with hub.db.write() as session:
            row = session.get_one(Robot, robot_id)
            row.schedules = [{**each, "since": START.isoformat()} for each in row.schedules or []]
            row.schedules_due_at = local_triggers.next_due(hub, row.schedules, START)
        return robot_id

    return make


def fire(hub: Hub, api: Api, moment: datetime) -> int:
    return local_triggers.fire_due(hub, api.dispatcher, moment)


def tasks_of(hub: Hub, robot_id: int) -> list[Task]:
    with hub.db.read() as session:
        return list(session.scalars(select(Task).where(Task.robot_id == robot_id).order_by(Task.id)))


NINE = {"name": "九点", "cronExpression": "0 9 * * *", "inParameters": [{"name": "a", "value": "1"}], "priority": 0}


def test_a_due_trigger_makes_one_task_with_its_parameters(api: Api, hub: Hub, set_up: Callable[..., int]) -> None:
    robot_id = set_up(NINE)
    assert fire(hub, api, START + timedelta(minutes=59)) == 0
    assert fire(hub, api, START + timedelta(minutes=60)) == 1
    assert fire(hub, api, START + timedelta(minutes=61)) == 0
    (task,) = tasks_of(hub, robot_id)
    assert (task.in_parameters, task.priority, task.create_mode, task.actor) == ([{"name": "a", "value": "1"}], 0, 1, f"robot-{robot_id}")
    assert fire(hub, api, START + timedelta(days=1, hours=1)) == 1
    assert len(tasks_of(hub, robot_id)) == 2


def test_a_fire_that_two_schedulers_see_makes_one_task(api: Api, hub: Hub, set_up: Callable[..., int]) -> None:
    robot_id = set_up(NINE)
    due = START + timedelta(hours=1)
    for _ in range(3):
        with hub.db.write() as session:  # as if the scheduler before had died between the fire and the note of it
            session.execute(update(Robot).where(Robot.id == robot_id).values(schedules_due_at=due))
        fire(hub, api, due + timedelta(seconds=1))
    assert len(tasks_of(hub, robot_id)) == 1


def test_of_several_missed_fires_the_last_is_made_good(api: Api, hub: Hub, set_up: Callable[..., int]) -> None:
    robot_id = set_up({"name": "每分钟", "cronExpression": "* * * * *"}, NINE)
    assert fire(hub, api, START + timedelta(hours=2)) == 2
    assert len(tasks_of(hub, robot_id)) == 2
    assert fire(hub, api, START + timedelta(hours=2, minutes=1)) == 1


def test_what_was_due_more_than_a_day_ago_is_not_run(api: Api, hub: Hub, set_up: Callable[..., int]) -> None:
    robot_id = set_up({"name": "一次", "cronExpression": "0 9 20 11 *"})
    assert fire(hub, api, START + timedelta(days=2)) == 0
    assert tasks_of(hub, robot_id) == []


def test_a_trigger_that_is_off_or_waits_for_a_key_does_not_fire_by_the_clock(api: Api, hub: Hub, set_up: Callable[..., int]) -> None:
    robot_id = set_up({**NINE, "isActivated": False}, {"name": "键", "type": "hotkey", "hotkey": "<ctrl>+r"})
    assert fire(hub, api, START + timedelta(days=1)) == 0
    with hub.db.read() as session:
        assert session.get_one(Robot, robot_id).schedules_due_at is None


def test_a_trigger_fires_in_its_own_zone(api: Api, hub: Hub, set_up: Callable[..., int]) -> None:
    set_up({**NINE, "timeZone": "UTC"})
    assert fire(hub, api, START + timedelta(hours=2)) == 0
    assert fire(hub, api, START + timedelta(hours=9)) == 1


def test_a_trigger_whose_process_is_gone_holds_up_no_other(api: Api, hub: Hub, set_up: Callable[..., int]) -> None:
    robot_id = set_up({**NINE, "name": "坏"}, NINE)
    with hub.db.write() as session:
        row = session.get_one(Robot, robot_id)
        row.schedules = [{**row.schedules[0], "processId": 999_999}, row.schedules[1]]
    assert fire(hub, api, START + timedelta(hours=1)) == 1
    assert fire(hub, api, START + timedelta(hours=1, minutes=1)) == 0


def due(hub: Hub, robot_id: int, moment: datetime) -> None:
    """Have a robot's triggers be as they are since long, and one of them due at a moment."""
    with hub.db.write() as session:
        row = session.get_one(Robot, robot_id)
        row.schedules = [{**each, "since": START.isoformat()} for each in row.schedules or []]
        row.schedules_due_at = moment


def test_a_fire_that_is_due_while_the_triggers_are_set_again_is_not_lost(api: Api, hub: Hub) -> None:
    robot_id = making.robot(api, robotName=making.some("夜班"))
    robot = robot_api(api, robot_id)
    process, _ = made_on(robot)
    each = {"name": "每分钟", "cronExpression": "* * * * *", "processId": process}
    robot("robot_api_config", robotConfig={"schedules": [each]})
    now = datetime.now(UTC)
    due(hub, robot_id, now.replace(second=0, microsecond=0))
    robot("robot_api_config", robotConfig={"schedules": [each, {**each, "name": "新"}]})
    assert fire(hub, api, now) == 1, "the new one was not there when the other was due"
    assert fire(hub, api, now) == 0


def test_a_changed_trigger_does_not_fire_for_what_was_due_before(api: Api, hub: Hub) -> None:
    robot_id = making.robot(api, robotName=making.some("夜班"))
    robot = robot_api(api, robot_id)
    process, _ = made_on(robot)
    each = {"name": "每分钟", "cronExpression": "* * * * *", "processId": process}
    robot("robot_api_config", robotConfig={"schedules": [each]})
    now = datetime.now(UTC)
    due(hub, robot_id, now.replace(second=0, microsecond=0))
    robot("robot_api_config", robotConfig={"schedules": [{**each, "priority": 2}]})
    assert fire(hub, api, now) == 0
