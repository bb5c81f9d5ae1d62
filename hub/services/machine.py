"""Machines (clause 6.2.9)."""
from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select

from hub.bootstrap import machine_name
from hub.call import Call
from hub.connections import NATIVE
from hub.database import now
from hub.models import Connection, Machine, Robot
from hub.paging import page
from hub.resource import dates, refuse_blank, refuse_taken, stamps, take_over
from hub.scope import find
from hub.serving import serves
from plugins import codes
from plugins.errors import Conflict
from plugins.operations import machine


@serves(machine.machine_create)
def machine_create(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Machine names are unique: a robot finds its machine by them."""
    _refuse_taken(call, params["machineName"])
    row = Machine(name=params["machineName"], remark=params.get("remark"))
    call.session.add(row)
    call.session.flush()
    return {"machineId": row.id}


def _refuse_taken(call: Call, name: str, but: int | None = None) -> None:
    refuse_taken(call, Machine, f"计算机名 {name}", Machine.name == name, but=but)


@serves(machine.machine_update)
def machine_update(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """A machine on which robots are online keeps its name (10503): by its name they know that they belong there, and would stop."""
    refuse_blank(params, "machineName")
    row = find(call, Machine, params["machineId"])
    name = params.get("machineName", row.name)
    if name != row.name:
        fresh = Robot.seen_at > now() - timedelta(seconds=call.hub.settings.robot_timeout)
        online = select(Robot.id).where(Robot.machine_id == row.id, Robot.is_deleted.is_(False), fresh).limit(1)
        if call.session.scalar(online) is not None:
            raise Conflict("计算机上有在线的机器人，不能改名", code=codes.IN_USE)
        _refuse_taken(call, name, but=row.id)
    take_over(row, params, {"machineName": "name", "remark": "remark"})
    return {}


@serves(machine.machine_delete)
def machine_delete(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """A machine that robots belong to stays (10503)."""
    row = find(call, Machine, params["machineId"])
    if call.session.scalar(select(Robot.id).where(Robot.machine_id == row.id, Robot.is_deleted.is_(False)).limit(1)) is not None:
        raise Conflict("计算机上还有机器人，请先删除机器人", code=codes.IN_USE)
    row.is_deleted = True
    return {}


@serves(machine.machine_query)
def machine_query(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Live figures of this machine; of another one the last that its host has told, with their time; of one without any its name."""
    row = find(call, Machine, params["machineId"], deleted=True)
    types = params.get("resourceTypes") or []
    figures, measured_at = dict(row.figures or {}), row.figures_at
    if row.name == machine_name(call.hub.settings) and not row.is_deleted:
        native = call.session.scalars(select(Connection).where(Connection.adapter == NATIVE)).one()
        figures, measured_at = call.ask(native, "machine_query", {"machineId": row.name, "resourceTypes": types}), now()
    # Of a machine without figures its name is all that there is to tell, whatever was asked for.
    wanted = types if figures else []
    info = {name: value for name, value in {**figures.get("resourceInfo", {}), "machineName": row.name}.items() if not wanted or name in wanted}
    detail = {name: value for name, value in figures.get("resourceDetail", {}).items() if not types or name.startswith(tuple(types))}
    return {
        "machineId": row.id,
        "machineName": row.name,
        "resourceInfo": info,
        "resourceDetail": detail,
        "resourceTime": measured_at,
        "isDeleted": row.is_deleted,
        **stamps(row),
    }


@serves(machine.machine_list)
def machine_list(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """All machines; they belong to no department."""
    sortable = {"machineId": Machine.id, "machineName": Machine.name}
    rows, paging = page(call, select(Machine), Machine, params, search=(Machine.name, Machine.remark), sortable=sortable)
    machines = [{"machineId": row.id, "machineName": row.name, "remark": row.remark, "isDeleted": row.is_deleted, **dates(row)} for row in rows]
    return {"machines": machines, **paging}
