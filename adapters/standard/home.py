"""Where things are put at a platform: the department and the robot group that the connection names, else the platform's first ones."""
from __future__ import annotations

from typing import Any

from adapters.standard.client import ask_all
from adapters.standard.declared import declared
from adapters.standard.form import chosen
from plugins import Context, NotFound
from plugins.operations.department import department_list
from plugins.operations.robot_group import robot_group_list


def department(ctx: Context) -> str:
    """The reference of the department. Raises NotFound where the account sees none."""
    named = chosen(ctx.connection, "department", "")
    return named or _first(ask_all(ctx, declared(department_list), {}).get("departments"), "depId", "部门")


def robot_group(ctx: Context) -> str:
    """The reference of the robot group. Raises NotFound where the account sees none."""
    named = chosen(ctx.connection, "robot_group", "")
    return named or _first(ask_all(ctx, declared(robot_group_list), {}).get("robotGroups"), "robotGroupId", "机器人组")


def _first(rows: Any, name: str, title: str) -> str:
    for row in rows or []:
        if row.get(name):
            return str(row[name])
    raise NotFound(f"对方平台上没有{title}，请在连接选项中指定")
