"""Triggers: what is refused when they are saved, what is shown, and what their deletion does."""
from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import select, update

from config.settings import Settings
from hub.call import Caller
from hub.core import Hub
from hub.database import now
from hub.dispatch import Dispatcher
from hub.models import Connection, Process, Robot, Task, TaskLog, Trigger
from tests.hub.conftest import Api

GROUP, ROBOTS = 1, [1, 2]


@pytest.fixture
def process_id(api: Api) -> int:
    """A process of the default group."""
    return api("process_create", processName="对账", depId=1, robotGroupId=GROUP, isRecord=True)["processId"]


@pytest.fixture
def create(api: Api, process_id: int) -> Callable[..., Any]:
    """Creates a trigger; what is not given is as plain as can be. ``_code`` gives the result code instead."""

    def make(*, _by: Api | None = None, _code: bool = False, **params: Any) -> Any:
        plain = {
            "triggerName": f"调度 {len(made)}", "depId": 1, "processId": process_id, "assignType": 1, "isRecord": False,
            "cronExpression": "0 9 * * 1-5", "isDefineCalendar": False,
        }  # fmt: skip
        made.append(1)
        given = {name: value for name, value in {**plain, **params}.items() if value is not None}
        return (_by or api).code("trigger_create", **given) if _code else (_by or api)("trigger_create", **given)

    made: list[int] = []
    return make


def calendar(api: Api, *days: str, name: str = "交易日历", **more: Any) -> int:
    return api("calendar_create", calendarName=name, nonWorkingDays=list(days), **more)["calendarId"]


def test_a_trigger_is_shown_as_it_was_created(api: Api, create: Callable[..., Any]) -> None:
    given = {
        "triggerName": "日终对账", "description": "收盘后", "isActivated": True, "priority": 0, "assignType": 2, "robotIds": [2, 1],
        "robotGroupId": GROUP, "inParameters": [{"name": "day", "value": "T-1"}], "isRecord": False, "isWarn": True, "warnType": 1,
        "cronExpression": "0 30 15 ? * MON-FRI", "isDefineCalendar": True, "calendarId": calendar(api, "2027-01-01"), "timeZone": "UTC+8",
        "maxRunTime": 3600, "maxWaitingTime": 60, "triggerType": "cron", "dayShift": "next", "misfire": "all", "misfireGrace": 600,
        "overlap": "skip", "minItems": 1, "maxTasks": 5, "adapterPolicy": "any",
    }  # fmt: skip
    created = create(**given)
    shown = api("trigger_query", triggerId=created["triggerId"])
    assert {name: shown[name] for name in given} == given
    assert shown["depId"] == 1
    assert shown["warnTypes"] == [1]
    assert shown["isDeleted"] is False
    assert shown["cronDescription"] == created["cronDescription"] == "每周一至周五 15:30"
    assert len(shown["nextFireTimes"]) == 5
    assert all(each.endswith("15:30:00") for each in shown["nextFireTimes"])


def test_what_is_left_open_is_shown_as_it_is_in_force(api: Api, create: Callable[..., Any]) -> None:
    shown = api("trigger_query", triggerId=create(isRecord=None)["triggerId"])
    assert shown["isActivated"] is True
    assert shown["priority"] == 1
    assert shown["isRecord"] is True  # as its process
    assert shown["timeZone"] == "Asia/Shanghai"
    assert shown["isWarn"] is False
    assert (shown["triggerType"], shown["dayShift"], shown["misfire"], shown["overlap"]) == ("cron", "skip", "run-once", "queue")
    assert shown["robotIds"] == shown["inParameters"] == []
    assert shown["robotGroupId"] is None


def test_an_alarm_without_a_way_goes_by_mail_and_several_ways_are_taken(api: Api, create: Callable[..., Any]) -> None:
    assert api("trigger_query", triggerId=create(isWarn=True)["triggerId"])["warnType"] == 0
    several = api("trigger_query", triggerId=create(isWarn=True, warnType=[2, 1, 2])["triggerId"])
    assert (several["warnType"], several["warnTypes"]) == (2, [2, 1])


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"cronExpression": "0 9 * * 8"}, "10007"),
        ({"cronExpression": "0 0 31 2 *"}, "10007"),  # never
        ({"cronExpression": "0 0 9 1 1 ? 2020"}, "10007"),  # never again
        ({"cronExpression": None}, "10006"),
        ({"cronExpression": ""}, "10005"),
        ({"timeZone": "Mars/Olympus"}, "10007"),
        ({"isDefineCalendar": True}, "10006"),
        ({"isDefineCalendar": True, "calendarId": 999}, "10501"),
        ({"calendarId": 999}, "10501"),
        ({"processId": 999}, "10501"),
        ({"depId": 999}, "10501"),
        ({"packageId": 999}, "10501"),
        ({"robotGroupId": 999}, "10501"),
        ({"assignType": 2}, "10006"),
        ({"assignType": 2, "robotIds": []}, "10006"),
        ({"assignType": 2, "robotIds": [1, 999]}, "10501"),
        ({"assignType": 3}, "10007"),
        ({"triggerType": "queue", "cronExpression": None}, "10006"),
        ({"triggerType": "queue", "queueId": 999}, "10501"),
        ({"triggerType": "sometimes"}, "10007"),
        ({"inParameters": [{"name": "a", "value": "1"}, {"name": "a", "value": "2"}]}, "10007"),
        ({"priority": 3}, "10007"),
        ({"warnType": 3}, "10007"),
        ({"misfireGrace": -1}, "10007"),
        ({"minItems": 0}, "10007"),
        ({"maxRunTime": -1}, "10007"),
        ({"dayShift": "later"}, "10007"),
        ({"triggerName": " "}, "10005"),
        ({"triggerName": "x" * 129}, "10007"),
    ],
)
def test_what_could_not_fire_is_refused_and_nothing_is_stored(api: Api, create: Callable[..., Any], params: dict[str, Any], code: str) -> None:
    assert create(_code=True, **params) == code
    assert api("trigger_list")["total"] == 0


def test_the_refusal_of_an_expression_says_which_field_and_why(api: Api, create: Callable[..., Any], process_id: int) -> None:
    answer = api.answer(
        "trigger_create", triggerName="x", depId=1, processId=process_id, assignType=1, isRecord=False, isDefineCalendar=False,
        cronExpression="0 0 9 ? * 8",
    )  # fmt: skip
    assert "第 6 个字段（星期）中的“8”不正确：取值应为 1 至 7" in answer.message


def test_six_fields_are_never_read_as_unix_cron(create: Callable[..., Any]) -> None:
    assert create(cronExpression="0 0 9 * * 1")["cronDescription"] == "每周日 09:00"
    assert create(cronExpression="0 9 * * 1")["cronDescription"] == "每周一 09:00"


def test_next_fires_follow_zone_and_calendar(api: Api, create: Callable[..., Any]) -> None:
    today = now().astimezone(UTC).date()
    closed = [str(today + timedelta(days=each)) for each in range(1, 4)]
    calendar_id = calendar(api, *closed)
    skipped = create(cronExpression="0 4 * * *", timeZone="UTC", isDefineCalendar=True, calendarId=calendar_id)["nextFireTimes"]
    assert all(each.endswith("12:00:00") for each in skipped)  # 04:00 UTC on the wire's clock
    assert not {each[:10] for each in skipped} & set(closed)
    held = calendar(api, "2027-01-01", name="已过期", coverEnd=str(today - timedelta(days=3)))
    assert create(isDefineCalendar=True, calendarId=held)["nextFireTimes"] == []
    assert len(create(isDefineCalendar=False, calendarId=held)["nextFireTimes"]) == 5


def test_an_inactive_trigger_has_no_next_fires(api: Api, create: Callable[..., Any]) -> None:
    trigger_id = create(isActivated=False)["triggerId"]
    assert api("trigger_query", triggerId=trigger_id)["nextFireTimes"] == []
    assert len(api("trigger_update", triggerId=trigger_id, isActivated=True)["nextFireTimes"]) == 5


def test_named_robots_must_belong_to_the_named_group(api: Api, create: Callable[..., Any]) -> None:
    other = api("robot_group_create", depId=1, robotGroupName="另一组")["robotGroupId"]
    api("robot_group_append", robotGroupId=other, robotIds=[1])
    assert create(_code=True, assignType=2, robotIds=[1, 2], robotGroupId=other) == "10007"
    assert create(_code=True, assignType=2, robotIds=[1], robotGroupId=other) == "00000"


def test_without_any_group_a_native_process_cannot_be_assigned(hub: Hub, api: Api, create: Callable[..., Any], process_id: int) -> None:
    with hub.db.write() as session:
        session.execute(update(Process).where(Process.id == process_id).values(robot_group_id=None))
    assert create(_code=True, assignType=1) == "10006"
    assert create(_code=True, assignType=0) == "10006"
    assert create(_code=True, assignType=1, robotGroupId=GROUP) == "00000"
    assert create(_code=True, assignType=2, robotIds=[1]) == "00000"


def test_robots_and_packages_of_another_platform_are_refused(hub: Hub, api: Api, create: Callable[..., Any]) -> None:
    with hub.db.write() as session:
        vendor = Connection(name="sema4", adapter="sema4", department_id=1)
        session.add(vendor)
        session.flush()
        robot = Robot(department_id=1, name="r", connection_id=vendor.id, reference="r")
        process = Process(department_id=1, name="p", connection_id=vendor.id, reference="p", in_parameters=[])
        session.add_all((robot, process))
        session.flush()
        robot_id, process_id = robot.id, process.id
    assert create(_code=True, assignType=2, robotIds=[robot_id]) == "10007"
    assert create(_code=True, processId=process_id) == "00000"  # a vendor's platform chooses its robots itself


def test_a_queue_trigger_needs_its_queue_and_no_expression(api: Api, create: Callable[..., Any]) -> None:
    queue_id = api("data_queue_create", depId=1, queueName="待处理")["queueId"]
    shown = api("trigger_query", triggerId=create(triggerType="queue", queueId=queue_id, cronExpression=None, minItems=10)["triggerId"])
    assert (shown["queueId"], shown["minItems"], shown["cronExpression"], shown["nextFireTimes"]) == (queue_id, 10, "", [])


def test_in_strict_mode_parameters_must_be_declared(hub: Hub, api: Api, process_id: int, new_settings: Callable[..., Settings]) -> None:
    with hub.db.write() as session:
        session.execute(update(Process).where(Process.id == process_id).values(in_parameters=[{"name": "day", "value": ""}]))
    given = {
        "triggerName": "严格", "depId": 1, "processId": process_id, "assignType": 1, "isRecord": False, "isDefineCalendar": False,
        "cronExpression": "0 9 * * *", "inParameters": [{"name": "dya", "value": "1"}],
    }  # fmt: skip
    strict = Api(Dispatcher(Hub(new_settings(strict=True))), Caller("admin", "/", 1, 1, frozenset({"*"})))
    assert strict.code("trigger_create", **given) == "10007"
    assert api.code("trigger_create", **given) == "00000"


def test_an_update_changes_what_was_sent_and_nothing_else(api: Api, create: Callable[..., Any]) -> None:
    trigger_id = create(assignType=2, robotIds=[2, 1], description="旧", maxRunTime=5)["triggerId"]
    before = api("trigger_query", triggerId=trigger_id)
    api("trigger_update", triggerId=trigger_id, description="新", priority=2)
    after = api("trigger_query", triggerId=trigger_id)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"description", "priority"} | ({"updateTime"} & changed)
    assert (after["description"], after["priority"], after["robotIds"]) == ("新", 2, [2, 1])
    api("trigger_update", triggerId=trigger_id, robotIds=[1])
    assert api("trigger_query", triggerId=trigger_id)["robotIds"] == [1]


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"cronExpression": "0 0 9 15 * 2"}, "10007"),
        ({"cronExpression": ""}, "10005"),
        ({"triggerName": ""}, "10005"),
        ({"timeZone": "nowhere"}, "10007"),
        ({"isDefineCalendar": True}, "10006"),
        ({"processId": 999}, "10501"),
        ({"calendarId": 999}, "10501"),
        ({"robotIds": []}, "10006"),
        ({"robotIds": [999]}, "10501"),
        ({"triggerType": "queue"}, "10006"),
        ({"depId": 999}, "10501"),
        ({"inParameters": [{"name": "a"}, {"name": "a"}]}, "10007"),
    ],
)
def test_a_refused_update_changes_nothing(api: Api, create: Callable[..., Any], params: dict[str, Any], code: str) -> None:
    trigger_id = create(assignType=2, robotIds=[1])["triggerId"]
    before = api("trigger_query", triggerId=trigger_id)
    assert api.code("trigger_update", triggerId=trigger_id, description="verändert", **params) == code
    assert api("trigger_query", triggerId=trigger_id) == before


def test_zero_takes_an_optional_reference_away(api: Api, create: Callable[..., Any]) -> None:
    trigger_id = create(robotGroupId=GROUP, calendarId=calendar(api, "2027-01-01"), timeZone="UTC")["triggerId"]
    api("trigger_update", triggerId=trigger_id, robotGroupId=0, calendarId=0, timeZone="")
    shown = api("trigger_query", triggerId=trigger_id)
    assert (shown["robotGroupId"], shown["calendarId"], shown["timeZone"]) == (None, None, "Asia/Shanghai")


def test_names_are_unique_within_a_department(api: Api, create: Callable[..., Any]) -> None:
    home = api("department_create", depName="分部", parentId=1)["depId"]
    first = create(triggerName="同名")["triggerId"]
    assert create(_code=True, triggerName="同名") == "10502"
    second = create(triggerName="同名", depId=home)["triggerId"]
    third = create(triggerName="别名")["triggerId"]
    assert api.code("trigger_update", triggerId=third, triggerName="同名") == "10502"
    assert api.code("trigger_update", triggerId=second, depId=1) == "10502"
    assert api.code("trigger_update", triggerId=first, triggerName="同名") == "00000"
    api("trigger_delete", triggerId=first)
    assert api.code("trigger_update", triggerId=third, triggerName="同名") == "00000"


def test_a_trigger_whose_process_or_calendar_is_gone_cannot_be_switched_on(hub: Hub, api: Api, create: Callable[..., Any], process_id: int) -> None:
    calendar_id = calendar(api, "2027-01-01")
    trigger_id = create(isActivated=False, isDefineCalendar=True, calendarId=calendar_id)["triggerId"]
    api("calendar_delete", calendarId=calendar_id)
    assert api.code("trigger_update", triggerId=trigger_id, isActivated=True) == "10504"
    assert api.code("trigger_update", triggerId=trigger_id, isActivated=True, isDefineCalendar=False) == "00000"
    api("trigger_update", triggerId=trigger_id, isActivated=False)
    with hub.db.write() as session:
        session.execute(update(Process).where(Process.id == process_id).values(is_deleted=True))
    assert api.code("trigger_update", triggerId=trigger_id, isActivated=True) == "10504"
    assert api.code("trigger_update", triggerId=trigger_id, description="only this") == "00000"


def test_a_trigger_that_fired_for_the_last_time_can_still_be_switched_off(hub: Hub, api: Api, create: Callable[..., Any]) -> None:
    trigger_id = create()["triggerId"]
    with hub.db.write() as session:
        session.execute(update(Trigger).where(Trigger.id == trigger_id).values(cron_expression="0 0 9 1 1 ? 2020"))
    assert api("trigger_query", triggerId=trigger_id)["nextFireTimes"] == []
    assert api.code("trigger_update", triggerId=trigger_id, isActivated=True) == "10007"
    assert api.code("trigger_update", triggerId=trigger_id, isActivated=False) == "00000"


def test_deletion_cancels_waiting_tasks_with_the_reason_and_lets_running_ones_finish(
    hub: Hub, api: Api, create: Callable[..., Any], process_id: int
) -> None:
    trigger_id, other_id = create(triggerName="夜间")["triggerId"], create()["triggerId"]
    with hub.db.write() as session:
        common = {"department_id": 1, "process_id": process_id, "connection_id": 1}
        queued = Task(**common, trigger_id=trigger_id)
        second = Task(**common, trigger_id=trigger_id)
        running = Task(**common, trigger_id=trigger_id, state="running", run_key="r", started_at=now())
        ended = Task(**common, trigger_id=trigger_id, state="succeeded")
        foreign = Task(**common, trigger_id=other_id)
        session.add_all((queued, second, running, ended, foreign))
        session.flush()
        ids = [each.id for each in (queued, second, running, ended, foreign)]
    assert sorted(api("trigger_delete", triggerId=trigger_id)["cancelledTaskIds"]) == ids[:2]
    with hub.db.read() as session:
        states = {task_id: state for task_id, state in session.execute(select(Task.id, Task.state))}  # noqa: C416 (rows, not pairs)
        assert [states[each] for each in ids] == ["cancelled", "cancelled", "running", "succeeded", "queued"]
        first = session.get_one(Task, ids[0])
        assert first.reason == "调度“夜间”已删除"
        assert first.stopped_at is not None
        assert list(session.scalars(select(TaskLog.message).where(TaskLog.task_id == ids[0]))) == ["调度“夜间”已删除"]
    shown = api("trigger_query", triggerId=trigger_id)
    assert (shown["isDeleted"], shown["isActivated"], shown["nextFireTimes"]) == (True, False, [])
    assert api.code("trigger_delete", triggerId=trigger_id) == "10501"
    assert api.code("trigger_update", triggerId=trigger_id, description="x") == "10501"


def test_lists_filter_search_and_leave_out_the_deleted(api: Api, create: Callable[..., Any]) -> None:
    home = api("department_create", depName="分部", parentId=1)["depId"]
    calendar_id = calendar(api, "2027-01-01")
    one = create(triggerName="早盘核对", robotGroupId=GROUP)["triggerId"]
    two = create(triggerName="收盘清算", description="核对 100%", isActivated=False, calendarId=calendar_id)["triggerId"]
    three = create(triggerName="月报", depId=home)["triggerId"]

    def ids(**params: Any) -> list[int]:
        return [each["triggerId"] for each in api("trigger_list", **params)["triggers"]]

    assert ids() == [one, two, three]
    assert ids(isActivated=False) == [two]
    assert ids(depId=home) == [three]
    assert ids(depId=1, includeChildren=False) == [one, two]
    assert ids(keyword="核对") == [one, two]
    assert ids(keyword="100%") == [two]
    assert ids(calendarId=calendar_id) == [two]
    assert ids(robotGroupId=GROUP) == [one]
    assert ids(sort="-triggerId", pageSize=2) == [three, two]
    assert api.code("trigger_list", processId=999) == "10501"
    api("trigger_delete", triggerId=one)
    assert ids() == [two, three]
    assert ids(includeDeleted=True) == [one, two, three]


def test_a_department_sees_and_uses_only_its_own(api: Api, create: Callable[..., Any], process_id: int) -> None:
    own = api("department_create", depName="甲", parentId=1)["depId"]
    other = api("department_create", depName="乙", parentId=1)["depId"]
    group = api("robot_group_create", depId=own, robotGroupName="甲组")["robotGroupId"]
    process = api("process_create", processName="甲流程", depId=own, robotGroupId=group, isRecord=False)["processId"]
    queue = api("data_queue_create", depId=other, queueName="乙队列")["queueId"]
    foreign, mine = create(depId=other)["triggerId"], create(depId=own, processId=process)["triggerId"]
    somebody = api.within(own)
    assert [each["triggerId"] for each in somebody("trigger_list")["triggers"]] == [mine]
    for operation in ("trigger_query", "trigger_delete"):
        assert somebody.code(operation, triggerId=foreign) == "10501"
    assert somebody.code("trigger_update", triggerId=foreign, isActivated=False) == "10501"
    good = {"_by": somebody, "_code": True, "depId": own, "processId": process}
    assert create(**good) == "00000"
    for wrong in (
        {"depId": other}, {"processId": process_id}, {"robotGroupId": GROUP}, {"assignType": 2, "robotIds": [1]}, {"queueId": queue},
    ):  # fmt: skip
        assert create(**(good | wrong)) == "10501", wrong
        assert somebody.code("trigger_update", triggerId=mine, **wrong) == "10501", wrong


def test_moving_needs_its_own_right(api: Api, create: Callable[..., Any]) -> None:
    home = api("department_create", depName="分部", parentId=1)["depId"]
    trigger_id = create()["triggerId"]
    assert api.within(1, "trigger:update").code("trigger_update", triggerId=trigger_id, depId=home) == "30001"
    assert api.within(1, "trigger:update", "trigger:move").code("trigger_update", triggerId=trigger_id, depId=home) == "00000"
    assert api("trigger_query", triggerId=trigger_id)["depId"] == home


def test_next_fires_are_in_the_future_and_in_the_wire_s_zone(create: Callable[..., Any]) -> None:
    found = create(cronExpression="0 0 0/1 * * ?", timeZone="America/New_York")["nextFireTimes"]
    moments = [datetime.fromisoformat(each).replace(tzinfo=UTC) - timedelta(hours=8) for each in found]
    assert now() < moments[0] <= now() + timedelta(hours=1, seconds=1)
    assert [b - a for a, b in pairwise(moments)] == [timedelta(hours=1)] * 4
