"""Processes (clause 6.2.5)."""
from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, select

from hub import affected, connections
from hub.binding import platform_of
from hub.call import Call
from hub.models import Department, Package, Process, RobotGroup, Task, Trigger
from hub.paging import page
from hub.resource import ask_platform, dates, move, platform_names, refuse_blank, refuse_taken, show, take_over
from hub.scope import find, within_department
from hub.serving import serves
from plugins.errors import InvalidInput
from plugins.operations import process

OWNERS = {"businessOwner": "business_owner", "devOwner": "dev_owner", "opsOwner": "ops_owner"}
COLUMNS = {"processName": "name", "remark": "remark", "isRecord": "is_record", **OWNERS}


@serves(process.process_create)
def process_create(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """A process of the native robots, or of a vendor's platform that lets others make some; it is made there first then."""
    home = find(call, Department, params["depId"])
    group = find(call, RobotGroup, params["robotGroupId"])
    _refuse_taken(call, home.id, params["processName"])
    platform = platform_of(call, params, home, group)
    reference = None
    if not connections.runs_here(call.hub, platform):
        told = {name: params[name] for name in COLUMNS if params.get(name) is not None}
        reference = str(call.ask(platform, "process_create", told)["processId"])
        _refuse_taken(call, home.id, params["processName"])
    row = Process(department_id=home.id, connection_id=platform.id, robot_group_id=group.id, reference=reference)
    take_over(row, params, COLUMNS)
    call.session.add(row)
    call.session.flush()
    return {"processId": row.id}


def _refuse_taken(call: Call, department_id: int, name: str, but: int | None = None) -> None:
    refuse_taken(call, Process, f"流程 {name}", *_same(department_id, name), but=but)


def _same(department_id: int, name: str) -> tuple[ColumnElement[bool], ...]:
    return Process.department_id == department_id, Process.local_robot_id.is_(None), Process.name == name


@serves(process.process_update)
def process_update(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Changes what was sent; queued and running tasks keep what they were made with.

    The name and the remark of an imported process are its platform's: where that cannot be told, the next import brings them back.
    """
    refuse_blank(params, "processName")
    row = find(call, Process, params["processId"])
    told: dict[str, Any] = {name: params[name] for name in ("processName", "remark") if name in params}
    if told and ask_platform(call, row, "process_update", {"processId": row.reference, **told}):
        row = find(call, Process, params["processId"])
    if params.get("robotGroupId") is not None:
        row.robot_group_id = find(call, RobotGroup, params["robotGroupId"]).id
    with call.session.no_autoflush:
        take_over(row, params, COLUMNS)
        move(call, row, params)
        if {"processName", "depId"} & params.keys():
            _refuse_taken(call, row.department_id, row.name, but=row.id)
    return {}


@serves(process.process_delete)
def process_delete(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Its triggers are switched off and its waiting tasks cancelled; what runs finishes (errata E63, E77).

    An imported process comes back with the next import, as long as its platform has it.
    """
    return remove(call, params["processId"], "process_delete", only_tell=bool(params.get("dryRun")))


def remove(call: Call, process_id: int, operation: str, *, only_tell: bool = False) -> dict[str, Any]:
    """Delete a process, at its platform first by ``operation``; gives what process/delete answers."""
    row = find(call, Process, process_id)
    if not only_tell:
        if ask_platform(call, row, operation, {"processId": row.reference}):
            row = find(call, Process, process_id)
        row.is_deleted = True
    triggers = affected.switch_off(call, Trigger.process_id == row.id, only_tell=only_tell)
    tasks = affected.cancel_waiting(call, Task.process_id == row.id, f"流程“{row.name}”已删除", only_tell=only_tell)
    return {"affectedTriggerIds": triggers, "cancelledTaskIds": tasks}


@serves(process.process_activate_package_version)
def process_activate_package_version(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """From now on the process runs this package, with these parameters where a task names no others. Running tasks keep theirs."""
    row, chosen = _pair(call, params)
    told = {"processId": row.reference, "packageId": chosen.reference}
    given = {"inParameters": distinct(params["inParameters"])} if params.get("inParameters") is not None else {}
    ask_platform(call, row, "process_activate_package_version", {**told, **given})
    return activate(call, params)


def activate(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Note which package a process runs."""
    row, chosen = _pair(call, params)
    row.package_id = chosen.id
    if params.get("inParameters") is not None:
        row.in_parameters = distinct(params["inParameters"])
    return {}


def _pair(call: Call, params: dict[str, Any]) -> tuple[Process, Package]:
    row, chosen = find(call, Process, params["processId"]), find(call, Package, params["packageId"])
    if chosen.connection_id != row.connection_id:
        raise InvalidInput("流程包与流程不属于同一平台")
    return row, chosen


@serves(process.process_list)
def process_list(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """The processes of a department and those below it, of all platforms."""
    statement = within_department(select(Process), Process, call, params.get("depId"), params.get("includeChildren") is False)
    sortable = {"processId": Process.id, "processName": Process.name, "depId": Process.department_id, "robotGroupId": Process.robot_group_id}
    rows, paging = page(call, statement, Process, params, search=(Process.name, Process.remark), sortable=sortable)
    platforms = platform_names(call, rows)
    processes = [
        {
            **show(row, COLUMNS),
            "processId": row.id,
            "depId": row.department_id,
            "robotGroupId": row.robot_group_id,
            "activePackageId": row.package_id,
            "inParameters": row.in_parameters,
            "adapter": platforms[row.connection_id],
            **dates(row),
        }
        for row in rows
    ]
    return {"processes": processes, **paging}


def distinct(parameters: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The parameters, refused when a name stands twice (erratum E62)."""
    names = [each["name"] for each in parameters]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidInput(f"参数名重复：{'、'.join(twice)[:200]}")
    return [{"name": each["name"], "value": each.get("value", "")} for each in parameters]
