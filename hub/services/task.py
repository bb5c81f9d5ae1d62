"""Tasks (clause 6.2.7)."""
from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, String, bindparam, cast, func, select

from hub import connections
from hub.call import Call
from hub.licences import unlicensed
from hub.models import Connection, Department, Package, Process, Recording, Robot, RobotGroup, RobotGroupMember, Task, Trigger
from hub.paging import page, through
from hub.scope import find, find_all, within_department
from hub.services.process import distinct
from hub.serving import serves
from hub.tasks import lifecycle, queues
from plugins import codes
from plugins.errors import Conflict, InvalidInput, NotFound, Refused
from plugins.normalise import TASK_STATUS, task_status
from plugins.operations import robot_api_task, task

MEDIUM = 1
CREATE_MODES = {0: "platform", 1: "robot", 2: "api"}
STATES = (*lifecycle.ACTIVE, *lifecycle.ENDED)
REASONS_SHOWN = 1024


@serves(task.task_create)
def task_create(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Writes the tasks and their outbox entries in one transaction; they start after it."""
    process = find(call, Process, params["processId"])
    connection, is_home_deleted = call.session.execute(
        select(Connection, Department.is_deleted)
        .join(Department, Department.id == process.department_id)
        .where(Connection.id == process.connection_id)
    ).one()
    if is_home_deleted:
        raise Conflict("流程所属部门已删除")
    runs_here = connections.runs_here(call.hub, connection)
    package = _package(call, process, params.get("packageId"), runs_here)
    group_id, robot_ids = _robots(call, process, params) if runs_here else _robots_there(call, process, params)
    count = params.get("totalCount") or 1
    if count > call.hub.settings.task_count_limit:
        raise InvalidInput(f"totalCount 不能超过 {call.hub.settings.task_count_limit}")
    in_parameters = _merged(process.in_parameters, distinct(params.get("inParameters") or []))
    if params.get("dryRun"):
        return {"taskIds": []}
    rows = [
        Task(
            department_id=process.department_id,
            process_id=process.id,
            package_id=package.id if package else None,
            connection_id=process.connection_id,
            robot_group_id=group_id,
            robots=robot_ids,
            robot_id=call.caller.robot_id,
            priority=MEDIUM if params.get("priority") is None else params["priority"],
            is_record=process.is_record if params.get("isRecord") is None else params["isRecord"],
            is_warn=params.get("isWarn"),
            warn_type=params.get("warnType"),
            in_parameters=in_parameters,
            max_run_time=params.get("maxRunTime"),
            max_waiting_time=params.get("maxWaitingTime"),
            create_mode=create_mode(call),
            actor=call.caller.name,
            trace_id=call.trace_id,
        )
        for _ in range(count)
    ]
    call.session.add_all(rows)
    call.session.flush()
    for row in rows:
        call.enqueue("run_task" if runs_here else "start_task", row.id, queues.queues_of(row, runs_here))
    return {"taskIds": [row.id for row in rows]}


def create_mode(call: Call) -> int:
    """Where a task comes from: the platform's console (0), a robot's own interface (1), or a caller of the API (2)."""
    if call.caller.robot_id is not None:
        return 1
    return 0 if call.source.kind == "console" else 2


def _package(call: Call, process: Process, package_id: int | None, runs_here: bool) -> Package | None:
    """The version to run: the one asked for, else the active one. What is active on a vendor's platform, the hub need not know."""
    chosen = package_id or process.package_id
    if chosen is None and not runs_here:
        return None
    if chosen is None:
        raise Conflict("流程尚未激活流程包版本")
    package = find(call, Package, chosen)
    if package.connection_id != process.connection_id:
        raise InvalidInput("流程包与流程不属于同一平台")
    return package


def _robots(call: Call, process: Process, params: dict[str, Any]) -> tuple[int | None, list[int] | None]:
    """Which group runs the tasks and, where the caller names robots, which of it (erratum E43)."""
    group_id = params.get("robotGroupId")
    named = list(dict.fromkeys(params.get("robotIds") or []))
    if group_id is not None:
        find(call, RobotGroup, group_id)
    elif not named:
        group_id = process.robot_group_id
    if named:
        robots = list(find_all(call, Robot, named))
        if group_id is not None and set(named) - {each.id for each in _members(call, group_id)}:
            raise InvalidInput("robotIds 中存在不属于机器人组的机器人")
    elif group_id is None:
        raise Conflict("流程未设置机器人组", code=codes.ROBOT_STATE)
    else:
        robots = _members(call, group_id)
    if not robots:
        raise Conflict("机器人组中没有机器人", code=codes.ROBOT_STATE)
    refuse_unusable(call, robots)
    return group_id, named or None


def _robots_there(call: Call, process: Process, params: dict[str, Any]) -> tuple[int | None, list[int] | None]:
    """The robots of the vendor's platform that may run the task: those that the caller names, or that the group has there.

    A process must have some group, though it be one of other robots; where it has none there and the task names none, the platform chooses.
    """
    robots = find_all(call, Robot, params.get("robotIds") or [])
    if any(each.connection_id != process.connection_id for each in robots):
        raise InvalidInput("robotIds 中存在不属于流程所在平台的机器人")
    group_id = params.get("robotGroupId")
    if group_id is not None:
        find(call, RobotGroup, group_id)
    elif not robots:
        group_id = process.robot_group_id
    if group_id is None:
        return None, [each.id for each in robots] or None
    members = {each.id for each in _members(call, group_id) if each.connection_id == process.connection_id}
    if {each.id for each in robots} - members:
        raise InvalidInput("robotIds 中存在不属于机器人组的机器人")
    if not members and params.get("robotGroupId") is not None:
        raise Conflict("机器人组中没有流程所在平台的机器人", code=codes.ROBOT_STATE)
    return (group_id if members else None), [each.id for each in robots] or sorted(members) or None


def refuse_unusable(call: Call, robots: list[Robot]) -> None:
    """Raise where none of the robots may work: 11001 when all are disabled, 11002 when the licences of the others have expired.

    One that is offline, stopped or paused takes the task later.
    """
    enabled = [each for each in robots if each.is_enabled]
    if not enabled:
        raise Conflict("机器人均已停用", code=codes.ROBOT_STATE)
    if len(unlicensed(call.session, enabled)) == len(enabled):
        raise Refused(code=codes.ROBOT_LICENCE)


def _members(call: Call, group_id: int) -> list[Robot]:
    members = select(RobotGroupMember.robot_id).where(RobotGroupMember.robot_group_id == group_id)
    return list(call.session.scalars(select(Robot).where(Robot.id.in_(members), Robot.is_deleted.is_(False))))


def _merged(defaults: list[dict[str, Any]], given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The process's parameters, overridden by name (erratum E62)."""
    values = {each["name"]: each["value"] for each in (*defaults, *given)}
    return [{"name": name, "value": value} for name, value in values.items()]


# The ids as one text: both databases can put them together, and most tasks have none.
_RECORDINGS = (
    select(func.aggregate_strings(cast(Recording.id, String), ","))
    .where(Recording.task_id == Task.id, Recording.is_deleted.is_(False))
    .scalar_subquery()
)

# Written once: callers ask this again and again while they wait for a task.
_TASK = (
    select(
        Task.__table__,
        Process.name.label("process_name"),
        Package.version.label("package_version"),
        Connection.name.label("connection_name"),
        Department.path.label("department_path"),
        _RECORDINGS.label("recordings"),
    )
    .join(Process, Process.id == Task.process_id)
    .join(Connection, Connection.id == Task.connection_id)
    .join(Department, Department.id == Task.department_id)
    .outerjoin(Package, Package.id == Task.package_id)
    .where(Task.id == bindparam("task_id"))
)


@serves(task.task_query, robot_api_task.robot_api_task_query)
def task_query(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """One task, from its row: the truth about it."""
    with call.hub.db.rows() as connection:
        row = connection.execute(_TASK, {"task_id": params["taskId"]}).first()
    own = call.caller.robot_id
    if row is None or (row.robot_id != own if own is not None else not row.department_path.startswith(call.caller.scope)):
        raise NotFound(f"task {params['taskId']}")
    return {
        **_progress(row),
        "taskId": row.id,
        "createModeType": 0 if row.trigger_id else row.create_mode,
        "createMode": "trigger" if row.trigger_id else CREATE_MODES[row.create_mode],
        "depId": row.department_id,
        "robotId": row.robot_id,
        "processId": row.process_id,
        "processName": row.process_name,
        "triggerId": row.trigger_id,
        "taskStatus": task_status(row.state),
        "isRecord": row.is_record,
        "recordFileIds": sorted(map(int, row.recordings.split(","))) if row.recordings else [],
        "isWarn": row.is_warn,
        "warnType": row.warn_type,
        "inParameters": row.in_parameters,
        "outParameters": row.out_parameters,
        "priority": row.priority,
        "startTime": row.started_at,
        "stopTime": row.stopped_at,
        "maxRunTime": row.max_run_time,
        "maxWaitingTime": row.max_waiting_time,
        "packageVersion": row.package_version,
        "adapter": row.connection_name,
        "vendorId": row.reference,
        "updateTime": row.updated_at,
    }


@serves(task.task_list, robot_api_task.robot_api_task_list)
def task_list(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Tasks by department, process and start; a range leaves out those that have not started (erratum E76)."""
    statement = within_department(select(Task), Task, call, params.get("depId"), params.get("includeChildren") is False)
    if params.get("processId") is not None:
        statement = statement.where(Task.process_id == find(call, Process, params["processId"], deleted=True).id)
    if params.get("robotId") is not None:
        statement = statement.where(Task.robot_id == find(call, Robot, params["robotId"], deleted=True).id)
    if params.get("triggerId") is not None:
        statement = statement.where(Task.trigger_id == find(call, Trigger, params["triggerId"], deleted=True).id)
    if params.get("taskState"):
        statement = _in_states(statement, [params["taskState"]])
    if params.get("taskStatus") is not None:
        statement = _in_states(statement, [state for state in STATES if TASK_STATUS[state] == params["taskStatus"]])
    statement = _started_between(statement, params.get("runningStartTimeRange_startTime"), params.get("runningStartTimeRange_endTime"))
    keyword = (params.get("keyword") or "").strip()
    if keyword:
        statement = statement.where(Task.process_id.in_(select(Process.id).where(Process.name.icontains(keyword, autoescape=True))))
    sortable = {"taskId": Task.id, "createTime": Task.id, "startTime": Task.started_at, "priority": Task.priority}
    rows, paging = page(call, statement, Task, params, sortable=sortable)
    versions, recordings = _versions(call, rows), _recordings(call, rows)
    tasks = [
        {
            **_progress(row),
            "taskId": row.id,
            "depId": row.department_id,
            "robotId": row.robot_id,
            "processId": row.process_id,
            "taskStatus": task_status(row.state),
            "isRecord": row.is_record,
            "startTime": row.started_at,
            "endTime": row.stopped_at,
            "packageVersion": versions.get(row.package_id or 0),
            "recordFileIds": recordings.get(row.id, []),
        }
        for row in rows
    ]
    return {"tasks": tasks, **paging}


def _versions(call: Call, rows: list[Task]) -> dict[int, str]:
    """The versions of the packages that tasks run, by the package's id."""
    ids = {row.package_id for row in rows if row.package_id is not None}
    found = select(Package.id, Package.version).where(Package.id.in_(ids))
    return dict(call.session.execute(found).all()) if ids else {}


def _recordings(call: Call, rows: list[Task]) -> dict[int, list[int]]:
    """The ids of the recordings of tasks, by the task's id."""
    found = select(Recording.task_id, Recording.id).where(Recording.task_id.in_([row.id for row in rows]), Recording.is_deleted.is_(False))
    ids: dict[int, list[int]] = {}
    for task_id, recording_id in call.session.execute(found.order_by(Recording.id)).all() if rows else ():
        ids.setdefault(task_id, []).append(recording_id)
    return ids


def _in_states(statement: Select[Any], states: list[str]) -> Select[Any]:
    """Restricted to tasks in these states; those that have not ended are few, and have an index of their own."""
    if set(states) <= set(lifecycle.ACTIVE):
        statement = statement.where(lifecycle.IS_ACTIVE)
    return statement.where(Task.state.in_(states))


def _started_between(statement: Select[Any], start: datetime | None, end: datetime | None) -> Select[Any]:
    if start is not None:
        statement = statement.where(Task.started_at >= start)
    if end is not None:
        statement = statement.where(Task.started_at <= through(end))
    return statement


def _progress(row: Task | Row[Any]) -> dict[str, Any]:
    return {
        "taskState": row.state,
        "progress": None if row.progress is None else round(row.progress),
        "step": row.step,
        "reason": (row.reason or "")[:REASONS_SHOWN],
        "createTime": row.created_at,
        "actor": row.actor,
    }
