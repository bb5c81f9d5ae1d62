"""Triggers (clause 6.2.6): checked, stored and shown. The scheduler fires them."""
from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, delete, select

from hub import affected, connections
from hub.call import Call
from hub.database import now
from hub.models import (
    Calendar,
    Connection,
    DataQueue,
    Department,
    Package,
    Process,
    Robot,
    RobotGroup,
    RobotGroupMember,
    Task,
    Trigger,
    TriggerRobot,
)
from hub.paging import page
from hub.resource import move, refuse_blank, refuse_taken, show, stamps, take_over
from hub.schedule.plan import plan_of
from hub.schedule.zones import zone_of
from hub.scope import find, visible, within_department
from hub.services.process import distinct
from hub.services.robot import NAMED_ROBOTS, all_visible
from hub.serving import serves
from plugins import codes
from plugins.errors import Conflict, InvalidInput
from plugins.operations import trigger

MAIL = 0
FIRES_SHOWN = 5
NAMES_SHOWN = 5

COLUMNS = {
    "depId": "department_id",
    "triggerName": "name",
    "description": "description",
    "isActivated": "is_activated",
    "triggerType": "type",
    "cronExpression": "cron_expression",
    "timeZone": "time_zone",
    "isDefineCalendar": "is_define_calendar",
    "calendarId": "calendar_id",
    "dayShift": "day_shift",
    "queueId": "queue_id",
    "minItems": "min_items",
    "maxTasks": "max_tasks",
    "misfire": "misfire",
    "misfireGrace": "misfire_grace",
    "overlap": "overlap",
    "processId": "process_id",
    "packageId": "package_id",
    "assignType": "assign_type",
    "robotGroupId": "robot_group_id",
    "adapterPolicy": "adapter_policy",
    "priority": "priority",
    "inParameters": "in_parameters",
    "isRecord": "is_record",
    "isWarn": "is_warn",
    "warnTypes": "warn_types",
    "maxRunTime": "max_run_time",
    "maxWaitingTime": "max_waiting_time",
}

# What the tables leave open: a new trigger is active, and the policies are those of errata E41 and E51.
DEFAULTS: Mapping[str, Any] = {
    "isActivated": True,
    "triggerType": "cron",
    "dayShift": "skip",
    "misfire": "run-once",
    "overlap": "queue",
    "priority": 1,
    "inParameters": [],
    "isWarn": False,
    "warnTypes": [],
}
SCHEDULE = {"triggerType", "cronExpression", "timeZone", "isActivated"}
SORTABLE = {"triggerId": Trigger.id, "triggerName": Trigger.name}
REFERENCES = {"calendarId": Calendar, "queueId": DataQueue, "packageId": Package, "robotGroupId": RobotGroup}


@serves(trigger.trigger_create)
def trigger_create(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Everything is checked here, so that a trigger which is stored can fire. Names are unique within a department."""
    row = Trigger()
    given = {**DEFAULTS, **params}
    _settle(call, row, given, robot_ids=given.get("robotIds") or [])
    call.session.add(row)
    call.session.flush()
    _name_robots(call, row, given.get("robotIds") or [])
    return {"triggerId": row.id, **_fires(call, row)}


@serves(trigger.trigger_update)
def trigger_update(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Only what is sent is changed and checked. An optional id of 0 takes the calendar, queue, package or group away again."""
    refuse_blank(params, "triggerName", "cronExpression")
    row = find(call, Trigger, params["triggerId"])
    robot_ids = params["robotIds"] if "robotIds" in params else robots_of(call, [row.id])[row.id]
    with call.session.no_autoflush:
        move(call, row, params)
        _settle(call, row, params, robot_ids)
        if params.get("isActivated"):
            _refuse_gone(call, row, robot_ids)
    if "robotIds" in params:
        _name_robots(call, row, robot_ids)
    return _fires(call, row)


@serves(trigger.trigger_delete)
def trigger_delete(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Tasks that wait are cancelled with the reason, running ones finish (erratum E77)."""
    row = find(call, Trigger, params["triggerId"])
    row.is_deleted, row.is_activated = True, False
    return {"cancelledTaskIds": affected.cancel_waiting(call, Task.trigger_id == row.id, f"调度“{row.name}”已删除")}


@serves(trigger.trigger_query)
def trigger_query(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """What the trigger leaves open is shown as it is in force: the deployment's zone, the process's recording."""
    row = find(call, Trigger, params["triggerId"], deleted=True)
    process = call.session.get_one(Process, row.process_id)
    connection = call.session.get_one(Connection, process.connection_id)
    return {
        **show(row, COLUMNS),
        "triggerId": row.id,
        "robotIds": robots_of(call, [row.id])[row.id],
        "isRecord": process.is_record if row.is_record is None else row.is_record,
        "warnType": row.warn_types[0] if row.warn_types else None,
        "timeZone": row.time_zone or call.hub.settings.time_zone,
        **_fires(call, row),
        **stamps(row, connection),
    }


@serves(trigger.trigger_list)
def trigger_list(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """By department, state, process, calendar and robot group."""
    statement = within_department(select(Trigger), Trigger, call, params.get("depId"), params.get("includeChildren") is False)
    if params.get("isActivated") is not None:
        statement = statement.where(Trigger.is_activated.is_(params["isActivated"]))
    filters: tuple[tuple[str, Any, Any], ...] = (
        ("processId", Process, Trigger.process_id),
        ("calendarId", Calendar, Trigger.calendar_id),
        ("robotGroupId", RobotGroup, Trigger.robot_group_id),
    )
    for name, model, column in filters:
        if params.get(name) is not None:
            statement = statement.where(column == find(call, model, params[name], deleted=True).id)
    rows, paging = page(call, statement, Trigger, params, search=(Trigger.name, Trigger.description), sortable=SORTABLE)
    triggers = [
        {
            "triggerId": row.id,
            "triggerName": row.name,
            "description": row.description,
            "isActivated": row.is_activated,
            "depId": row.department_id,
            "isDeleted": row.is_deleted,
        }
        for row in rows
    ]
    return {"triggers": triggers, **paging}


def robots_of(call: Call, trigger_ids: Iterable[int]) -> dict[int, list[int]]:
    """The robots that triggers name, in the order in which they were given; an empty list for a trigger that names none."""
    found: dict[int, list[int]] = defaultdict(list)
    statement = select(TriggerRobot.trigger_id, TriggerRobot.robot_id).where(TriggerRobot.trigger_id.in_(list(trigger_ids)))
    for trigger_id, robot_id in call.session.execute(statement.order_by(TriggerRobot.trigger_id, TriggerRobot.position)):
        found[trigger_id].append(robot_id)
    return found


def refuse_in_use(call: Call, condition: ColumnElement[bool]) -> None:
    """Raise Conflict (10503) when active triggers meet a condition. Those that the caller may not see are counted, not named."""
    used = select(Trigger.name).where(condition, _active()).order_by(Trigger.id)
    names = list(call.session.scalars(visible(used, Trigger, call)))
    count = len(names) if call.caller.scope == "/" else len(list(call.session.scalars(used)))
    if count:
        shown = f"：{'、'.join(names[:NAMES_SHOWN])}{'等' if count > len(names[:NAMES_SHOWN]) else ''}" if names else ""
        raise Conflict(f"有 {count} 个启用的调度正在使用{shown}", code=codes.IN_USE)


def _active() -> ColumnElement[bool]:
    return Trigger.is_activated.is_(True) & Trigger.is_deleted.is_(False)


def _settle(call: Call, row: Trigger, params: Mapping[str, Any], robot_ids: list[int]) -> None:
    """Take over the parameters and check all that they touch. ``robot_ids`` are those that the trigger then names."""
    values: dict[str, Any] = {name: None if name in REFERENCES and value == 0 else value for name, value in params.items()}
    if "inParameters" in values:
        values["inParameters"] = distinct(values["inParameters"])
    take_over(row, values, COLUMNS)
    row.time_zone = row.time_zone or None
    row.warn_types = list(dict.fromkeys(row.warn_types)) or ([MAIL] if row.is_warn else [])
    for name, model in {"depId": Department, "processId": Process, **REFERENCES}.items():
        if values.get(name) is not None:
            find(call, model, values[name])
    if {"depId", "triggerName"} & values.keys():
        same = (Trigger.department_id == row.department_id, Trigger.name == row.name)
        refuse_taken(call, Trigger, f"调度 {row.name}", *same, but=row.id)
    if values.keys() & (SCHEDULE | {"isDefineCalendar", "calendarId", "queueId"}):
        _check_schedule(call, row, values.keys())
    if values.keys() & {"processId", "packageId", "inParameters", "assignType", "robotIds", "robotGroupId"}:
        _check_work(call, row, robot_ids, values.keys())


def _check_schedule(call: Call, row: Trigger, touched: Collection[str]) -> None:
    if row.type == "cron" and not row.cron_expression:
        raise InvalidInput("缺少 cronExpression：定时调度必须提供 cron 表达式", code=codes.PARAMETER_MISSING)
    if row.type == "queue" and row.queue_id is None:
        raise InvalidInput("缺少 queueId：数据队列调度必须指定数据队列", code=codes.PARAMETER_MISSING)
    if row.is_define_calendar and row.calendar_id is None:
        raise InvalidInput("缺少 calendarId：启用自定义日历时必须指定日历", code=codes.PARAMETER_MISSING)
    if row.time_zone:
        zone_of(row.time_zone)
    if row.cron_expression and SCHEDULE & set(touched):
        plan = plan_of(row, None, call.hub.zone)
        if (row.is_activated or "cronExpression" in touched) and next(plan.fires(now()), None) is None:
            raise InvalidInput(f"cronExpression “{row.cron_expression}”（{plan.cron.description}）今后不会再触发")


def _check_work(call: Call, row: Trigger, robot_ids: list[int], touched: Collection[str]) -> None:
    """The process, and what runs it: package, parameters, robots (errata E43, E62)."""
    process = call.session.get_one(Process, row.process_id)
    if row.package_id is not None and {"packageId", "processId"} & set(touched):
        package = call.session.get_one(Package, row.package_id)
        if package.connection_id != process.connection_id:
            raise InvalidInput("packageId 指定的流程包与流程不属于同一平台")
    declared = {each["name"] for each in process.in_parameters}
    undeclared = [each["name"] for each in row.in_parameters if each["name"] not in declared]
    if call.hub.settings.strict and declared and undeclared and "inParameters" in touched:
        raise InvalidInput(f"inParameters 中有流程未声明的参数：{'、'.join(undeclared)[:200]}")
    if {"processId", "assignType", "robotIds", "robotGroupId"} & set(touched):
        _check_robots(call, row, process, robot_ids)


def _refuse_gone(call: Call, row: Trigger, robot_ids: list[int]) -> None:
    """A trigger whose process, calendar or robots were deleted while it was off cannot be switched on again."""
    used: dict[str, tuple[Any, int | None]] = {
        "流程": (Process, row.process_id),
        "流程包": (Package, row.package_id),
        "日历": (Calendar, row.calendar_id if row.is_define_calendar else None),
        "数据队列": (DataQueue, row.queue_id if row.type == "queue" else None),
        "机器人组": (RobotGroup, row.robot_group_id),
    }
    gone = [title for title, (model, key) in used.items() if key is not None and call.session.get_one(model, key).is_deleted]
    if robot_ids and call.session.scalar(select(Robot.id).where(Robot.id.in_(robot_ids), Robot.is_deleted.is_(True)).limit(1)):
        gone.append("机器人")
    if gone:
        raise Conflict(f"调度使用的{'、'.join(gone)}已删除，请先更换再启用")


def _check_robots(call: Call, row: Trigger, process: Process, robot_ids: list[int]) -> None:
    if row.assign_type == NAMED_ROBOTS and not robot_ids:
        raise InvalidInput("缺少 robotIds：assignType 为 2 时必须指定机器人", code=codes.PARAMETER_MISSING)
    if any(each.connection_id != process.connection_id for each in all_visible(call, robot_ids)):
        raise InvalidInput("robotIds 中有机器人与流程不属于同一平台")
    if row.robot_group_id is not None and robot_ids:
        members = select(RobotGroupMember.robot_id).where(RobotGroupMember.robot_group_id == row.robot_group_id)
        if set(robot_ids) - set(call.session.scalars(members)):
            raise InvalidInput("robotIds 中有机器人不属于 robotGroupId 指定的机器人组")
    if row.assign_type != NAMED_ROBOTS and row.robot_group_id is None and process.robot_group_id is None and _runs_here(call, process):
        raise InvalidInput("缺少 robotGroupId：流程未设置机器人组", code=codes.PARAMETER_MISSING)


def _runs_here(call: Call, process: Process) -> bool:
    """Whether robots of ours run the process; a vendor's platform chooses its robots itself."""
    connection = call.session.get_one(Connection, process.connection_id)
    return connections.runs_here(call.hub, connection)


def _name_robots(call: Call, row: Trigger, robot_ids: list[int]) -> None:
    call.session.execute(delete(TriggerRobot).where(TriggerRobot.trigger_id == row.id))
    distinct_ids = dict.fromkeys(robot_ids)
    call.session.add_all(
        TriggerRobot(trigger_id=row.id, robot_id=robot_id, position=position) for position, robot_id in enumerate(distinct_ids)
    )


def _fires(call: Call, row: Trigger) -> dict[str, Any]:
    """What the expression means, and when the trigger fires next."""
    if not row.cron_expression:
        return {"cronDescription": "", "nextFireTimes": []}
    calendar = call.session.get(Calendar, row.calendar_id) if row.calendar_id and row.is_define_calendar else None
    plan = plan_of(row, calendar, call.hub.zone)
    fires = islice(plan.fires(now()), FIRES_SHOWN) if row.is_activated and row.type == "cron" else ()
    return {"cronDescription": plan.cron.description, "nextFireTimes": list(fires)}
