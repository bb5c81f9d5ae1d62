"""Tickets for the desktop of a robot's running task (X11; clause 5.3): to look at it, or to take keyboard and mouse as well."""
from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import quote

import redis

from hub import connections
from hub.call import Call
from hub.database import now
from hub.extensions.recording import running, shown
from hub.models import Connection, Machine, Robot
from hub.scope import find
from hub.screens import desktop
from hub.screens.desktop import Ticket
from plugins import codes
from plugins.errors import HubError, NotSupported
from plugins.fields import Flag, Id, Moment, Record, Text
from plugins.operation import operation


class RobotDesktopRequest(Record):
    """A robot that runs a task."""

    robotId = Id("机器人 ID", kind="robot", required=True)


class RobotDesktopResult(Record):
    """A ticket. It opens one session, within a minute."""

    robotId = Id("机器人 ID", kind="robot")
    taskId = Id("任务 ID", kind="task")
    url = Text("浏览器打开的地址（含一次性票据）", longest=4096)
    webSocketUrl = Text("VNC over WebSocket 地址（含一次性票据）", longest=4096)
    isViewOnly = Flag("是否只能查看")
    expireTime = Moment("票据失效时间，格式为 yyyy-MM-dd HH:mm:ss")


@operation(
    "X11", "/api/ext/robot/remote-desktop", clause="X11", title="查看机器人远程桌面",
    request=RobotDesktopRequest, response=RobotDesktopResult, hook=False,
)
def robot_remote_desktop(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Give a ticket to look at the desktop of a robot's running task. Begin and end of the session go to the audit log."""
    return _ticket(call, params["robotId"], may_control=False)


@operation(
    "X11", "/api/ext/robot/remote-control", clause="X11", title="操作机器人远程桌面",
    request=RobotDesktopRequest, response=RobotDesktopResult, hook=False,
)
def robot_remote_control(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Give a ticket to use the desktop of a robot's running task, keyboard and mouse included. Takes a permission of its own."""
    return _ticket(call, params["robotId"], may_control=True)


def _ticket(call: Call, robot_id: int, *, may_control: bool) -> dict[str, Any]:
    robot = find(call, Robot, robot_id)
    connection = call.session.get_one(Connection, robot.connection_id)
    if not connections.adapter_of(call.hub, connection).implements("desktop_find"):
        raise NotSupported("该平台的机器人不提供远程桌面")
    if robot.task_id is None:
        raise HubError("机器人没有正在运行的任务，没有可连接的桌面", code=codes.ROBOT_STATE)
    task = running(call, robot.task_id)
    state = shown(call, task)
    if not state.has_display:
        raise HubError(state.reason, code=codes.ROBOT_STATE)
    machine = call.session.get(Machine, robot.machine_id) if robot.machine_id else None
    ticket = Ticket(
        robot.id, task.id, task.run_key or "", connection.id, robot.department_id, call.caller.name, call.source.client_ip, call.trace_id, may_control,
        call.caller.token,
    )
    try:
        address = desktop.address_of(call.hub, machine.name if machine else "", call.base_url)
        if address is None:
            raise NotSupported(desktop.MISSING_HERE)
        secret = desktop.issue(call.hub, ticket)
    except redis.RedisError as error:
        raise HubError("Redis 暂不可用") from error
    call.audit["taskId"] = task.id
    path = f"session?ticket={secret}"
    options = f"autoconnect=true&resize=scale&view_only={'false' if may_control else 'true'}&path={quote(path, safe='')}"
    return {
        "robotId": robot.id,
        "taskId": task.id,
        "url": f"{address}/vnc.html#{options}",
        "webSocketUrl": f"{address.replace('http', 'ws', 1)}/{path}",
        "isViewOnly": not may_control,
        "expireTime": now() + timedelta(seconds=desktop.TICKET_TTL),
    }
