"""A robot's settings as its own interface takes and shows them (Tables 123 and 124), with its local triggers and limits beside them."""
from __future__ import annotations

from typing import Any

from sqlalchemy import select

from hub.call import Call
from hub.database import now
from hub.models import Machine, Process, Robot
from hub.resource import take_over
from hub.robots import hotkeys, local_triggers
from hub.robots.interface import own_platform, own_robot
from hub.scope import find
from hub.services.process import distinct
from hub.services.robot import PURPOSE, refuse_busy
from hub.wire import open_password
from plugins import codes
from plugins.errors import InvalidInput, NotFound, Refused

COLUMNS = {
    "machineUsername": "machine_username",
    "desktopType": "desktop_type",
    "resolutionWidth": "resolution_width",
    "resolutionHeight": "resolution_height",
    "resolutionDepth": "resolution_depth",
    "isAutoUnlockEnabled": "is_auto_unlock_enabled",
    "logLevel": "log_level",
    "limits": "limits",
}
MOST_TRIGGERS = 200


def settings_of(row: Robot) -> dict[str, Any]:
    """The settings of a robot."""
    return {**{name: getattr(row, column) for name, column in COLUMNS.items()}, "schedules": row.schedules or []}


def take_over_settings(call: Call, given: dict[str, Any]) -> dict[str, Any]:
    """Change the settings of the calling robot that were sent; gives them as its platform would be told, the password in plain text.

    Raises InvalidInput for a local trigger that is wrong, NotFound for a process or a machine that is not there.
    """
    row = own_robot(call)
    told = dict(given)
    if "machinePassword" in given:
        told["machinePassword"] = password = given["machinePassword"] and open_password(call, given["machinePassword"], "machinePassword")
        row = own_robot(call)
        row.sealed_machine_password = call.hub.vault.seal(password, PURPOSE) if password else None
    if given.get("machineName"):
        _move(call, row, given["machineName"])
    if given.get("schedules") is not None:
        wanted, references = _triggers(call, given["schedules"])
        told["schedules"] = [{**each, "processId": references[each["processId"]]} for each in wanted]
        local_triggers.replace(call.hub, row, wanted, fires_here=own_platform(call) is None)
    take_over(row, given, COLUMNS)
    return told


def _move(call: Call, row: Robot, name: str) -> None:
    if own_platform(call) is None:
        # The secret of a robot lies on one machine. It must not open the others: whoever runs packages there is told by the platform alone.
        here = call.session.get(Machine, row.machine_id) if row.machine_id else None
        if here is None or here.name != name:
            raise Refused("机器人不能自行更换计算机，应在平台上更新机器人", code=codes.NO_PERMISSION)
        return
    machine_id = call.session.scalar(select(Machine.id).where(Machine.name == name, Machine.is_deleted.is_(False)))
    if machine_id is None:
        raise NotFound(f"计算机 {name}")
    if machine_id != row.machine_id:
        refuse_busy(row)
        row.machine_id = machine_id


def _triggers(call: Call, given: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], dict[int, str | None]]:
    """The local triggers as they are stored, and the references of their processes."""
    names = [each["name"] for each in given]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidInput(f"本地触发器名称重复：{'、'.join(twice)[:200]}")
    if len(given) > MOST_TRIGGERS:
        raise InvalidInput(f"本地触发器不能超过 {MOST_TRIGGERS} 个")
    references = {each["processId"]: find(call, Process, each["processId"]).reference for each in given}
    return [_checked(each, call.hub.settings.time_zone) for each in given], references


def _checked(each: dict[str, Any], zone: str) -> dict[str, Any]:
    kind = each.get("type") or "cron"
    field = "hotkey" if kind == "hotkey" else "cronExpression"
    if not (each.get(field) or "").strip():
        raise InvalidInput(f"本地触发器 {each['name']} 缺少 {field}", code=codes.PARAMETER_MISSING)
    if kind == "hotkey":
        hotkeys.parse(each["hotkey"])
    if kind == "cron" and next(local_triggers.plan_of(each["cronExpression"], each.get("timeZone") or zone).fires(now()), None) is None:
        raise InvalidInput(f"本地触发器 {each['name']} 的 cronExpression 今后不会再触发")
    kept = {name: value for name, value in each.items() if value is not None}
    return {**kept, "type": kind, "isActivated": each.get("isActivated") is not False, "inParameters": distinct(each.get("inParameters") or [])}
