"""T/TSAC 002-2025 as a client: another platform that speaks the standard (clause 6.2), or a single robot that does (clause 6.3)."""
from __future__ import annotations

from adapters.standard import connection, machine, package, process, robot, robot_api, robot_group, task, task_log, video
from adapters.standard import license as licences
from adapters.standard.support import CANNOT
from plugins import Adapter

ADAPTER = Adapter(
    name="standard",
    title="T/TSAC 002-2025 平台或机器人",
    modules=(connection, package, process, task, task_log, video, machine, robot, robot_group, licences, robot_api),
    form=connection.Form,
    cannot=CANNOT,
    certainty="confirmed",
    source="T/TSAC 002-2025，以本产品的平台和独立机器人逐项验证；其他厂商的实现按勘误从宽读取",
)
