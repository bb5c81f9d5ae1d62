"""Assets (clause 6.2.13): typed values that processes use, encrypted at rest."""
from __future__ import annotations

import json
import re
from typing import Any

from sqlalchemy import select

from hub.call import Call
from hub.models import Asset, Department
from hub.paging import page
from hub.resource import move, refuse_taken, show, stamps, take_over
from hub.scope import find, within_department
from hub.services.robot import usable_by
from hub.serving import serves
from plugins.errors import InvalidInput
from plugins.operations import asset

TEXT, BOOLEAN, NUMBER, HASH = 0, 1, 2, 3
PURPOSE = "asset"
COLUMNS = {"assetName": "name", "dataType": "data_type", "isGlobal": "is_global", "remark": "remark"}
_NUMBER = re.compile(r"[+-]?(\d{1,100}(\.\d{0,100})?|\.\d{1,100})([eE][+-]?\d{1,3})?")


@serves(asset.asset_create)
def asset_create(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """The value must be of its type (erratum E44); who may use it is as for credentials (E65)."""
    home = find(call, Department, params["depId"])
    _refuse_taken(call, home.id, params["assetName"])
    value = checked_value(params["dataType"], params["assetValue"])
    row = Asset(department_id=home.id, sealed_value=call.hub.vault.seal(value, PURPOSE))
    take_over(row, params, COLUMNS)
    row.robots = usable_by(call, params["isGlobal"], params.get("robotIds"))
    call.session.add(row)
    call.session.flush()
    return {"assetId": row.id}


def checked_value(data_type: int, value: str) -> str:
    """The value as it is stored. Raises InvalidInput for one that is not of its type."""
    if data_type == BOOLEAN:
        if value.strip().lower() not in ("true", "false"):
            raise InvalidInput("assetValue 应为 true 或 false")
        return value.strip().lower()
    if data_type == NUMBER:
        if not _NUMBER.fullmatch(value.strip()):
            raise InvalidInput("assetValue 应为数值")
        return value.strip()
    if data_type == HASH:
        try:
            found = json.loads(value)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise InvalidInput("assetValue 应为 JSON 对象文本")
    return value


def _refuse_taken(call: Call, department_id: int, name: str, but: int | None = None) -> None:
    refuse_taken(call, Asset, f"资产 {name}", Asset.department_id == department_id, Asset.name == name, but=but)


@serves(asset.asset_update)
def asset_update(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Changes what was sent; a new type needs the present value, or the new one, to be of it."""
    row = find(call, Asset, params["assetId"])
    move(call, row, params)
    take_over(row, params, COLUMNS)
    _refuse_taken(call, row.department_id, row.name, but=row.id)
    if "assetValue" in params or "dataType" in params:
        value = params["assetValue"] if "assetValue" in params else call.hub.vault.open(row.sealed_value, PURPOSE)
        row.sealed_value = call.hub.vault.seal(checked_value(row.data_type, value), PURPOSE)
    if "isGlobal" in params or "robotIds" in params:
        row.robots = usable_by(call, row.is_global, params.get("robotIds", row.robots))
    return {}


@serves(asset.asset_delete)
def asset_delete(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """The value stays readable by id, as the query of deleted things shows them (erratum E22)."""
    find(call, Asset, params["assetId"]).is_deleted = True
    return {}


@serves(asset.asset_query)
def asset_query(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """One asset with its value."""
    row = find(call, Asset, params["assetId"], deleted=True)
    return {
        **show(row, COLUMNS),
        "assetId": row.id,
        "assetValue": call.hub.vault.open(row.sealed_value, PURPOSE),
        "robotIds": row.robots,
        "depId": row.department_id,
        **stamps(row),
    }


@serves(asset.asset_list)
def asset_list(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """The assets of a department and those below it."""
    statement = within_department(select(Asset), Asset, call, params.get("depId"), params.get("includeChildren") is False)
    sortable = {"assetName": Asset.name, "assetId": Asset.id}
    rows, paging = page(call, statement, Asset, params, search=(Asset.name, Asset.remark), sortable=sortable)
    return {"assets": [{"assetId": row.id, "assetName": row.name, "depId": row.department_id, "isDeleted": row.is_deleted} for row in rows], **paging}
