"""The check of a connection, and the import of what its peer has."""
from __future__ import annotations

from typing import Any

from adapters.standard import package, process
from adapters.standard.client import ask, ask_all, info
from adapters.standard.codes import ROBOTS
from adapters.standard.declared import declared
from adapters.standard.form import DEFAULT_ZONE, Form, chosen, is_robot
from plugins import Context, VendorError, hookimpl
from plugins.operations.robot import robot_list
from plugins.operations.robot_api_robot import robot_api_query

__all__ = ["Form", "connection_check", "connection_import"]

ITSELF = "self"


@hookimpl
def connection_check(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    """Sign in and read something small; the product and its version where the peer tells them."""
    if is_robot(ctx.connection):
        robot = ask(ctx, declared(robot_api_query), {})
        own_version = robot.get("robotInfo", {}).get("robotVersion", "")
    else:
        ask(ctx, declared(robot_list), {"pageNum": 1, "pageSize": 1})
        own_version = ""
    about = info(ctx)
    zone = chosen(ctx.connection, "time_zone", DEFAULT_ZONE)
    if about.get("timeZone") not in (None, "", zone):
        raise VendorError(f"对方的时区是 {str(about['timeZone'])[:64]}，连接选项 time_zone 是 {zone}")
    return {
        "product": "T/TSAC 002-2025 机器人" if is_robot(ctx.connection) else "T/TSAC 002-2025 管理平台",
        "version": str(about.get("productVersion") or own_version or about.get("interfaceVersion") or ""),
    }


@hookimpl
def connection_import(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    """All packages, processes and robots that the connection's account sees; of a robot, itself and what it has."""
    packages = package.package_query(ctx, {}).get("packageList", [])
    return {
        "packages": [_some(row, "packageId", "packageName", "packageVersion") for row in packages if row.get("packageId")],
        "processes": [_process(row) for row in process.process_list(ctx, {}).get("processes", []) if row.get("processId")],
        "robots": [_itself(ctx)] if is_robot(ctx.connection) else _robots(ctx),
    }


def _process(row: dict[str, Any]) -> dict[str, Any]:
    """Its package and its parameters where the peer tells them: neither stands in the standard's tables."""
    found = _some(row, "processId", "processName", "remark", "inParameters")
    return found | ({"packageId": row["activePackageId"]} if row.get("activePackageId") else {})


def _robots(ctx: Context) -> list[dict[str, Any]]:
    rows = ask_all(ctx, declared(robot_list), {}).get("robots", [])
    return [_some(row, "robotId", "robotName") | _status(row) for row in rows if row.get("robotId")]


def _itself(ctx: Context) -> dict[str, Any]:
    """The robot that the peer is. One that tells no id is known as what it is: the only one of its connection."""
    found = ask(ctx, declared(robot_api_query), {})
    about = found.get("robotInfo", {})
    name = found.get("robotName") or about.get("machineName") or ctx.connection.name
    return {"robotId": found.get("robotId") or ITSELF, "robotName": name, **_status(about)}


def _status(row: dict[str, Any]) -> dict[str, Any]:
    return {"robotStatus": int(ROBOTS(row["robotStatus"]))} if "robotStatus" in row else {}


def _some(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: row[name] for name in names if name in row}
