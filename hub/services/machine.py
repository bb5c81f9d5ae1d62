"""Machines (clause 6.2.9)."""
from __future__ import annotations

from typing import Any

from sqlalchemy import select

from hub.bootstrap import machine_name
from hub.call import Call
from hub.connections import NATIVE
from hub.models import Connection, Machine
from hub.paging import page
from hub.resource import refuse_taken, stamps
from hub.scope import find
from hub.serving import serves
from plugins.operations import machine


@serves(machine.machine_create)
def machine_create(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Machine names are unique: a robot finds its machine by them."""
    refuse_taken(call, Machine, f"计算机名 {params['machineName']}", Machine.name == params["machineName"])
    row = Machine(name=params["machineName"], remark=params.get("remark"))
    call.session.add(row)
    call.session.flush()
    return {"machineId": row.id}


@serves(machine.machine_query)
def machine_query(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Live figures of this machine; of another one, what the hub knows: its name."""
    row = find(call, Machine, params["machineId"], deleted=True)
    info: dict[str, Any] = {"machineName": row.name}
    if row.name == machine_name(call.hub.settings) and not row.is_deleted:
        native = call.session.scalars(select(Connection).where(Connection.adapter == NATIVE)).one()
        answer = call.ask(native, "machine_query", {"machineId": row.name, "resourceTypes": params.get("resourceTypes") or []})
        info = {**answer.get("resourceInfo", {})}
        if "machineName" in info:
            info["machineName"] = row.name
    return {"machineId": row.id, "machineName": row.name, "resourceInfo": info, "isDeleted": row.is_deleted, **stamps(row)}


@serves(machine.machine_list)
def machine_list(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """All machines; they belong to no department."""
    rows, paging = page(call, select(Machine), Machine, params, search=(Machine.name, Machine.remark))
    machines = [{"machineId": row.id, "machineName": row.name, "remark": row.remark, "isDeleted": row.is_deleted} for row in rows]
    return {"machines": machines, **paging}
