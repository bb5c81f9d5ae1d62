"""The jobs that workers and robots do. A job is a name and one id; it loads what it needs, and a second one for the same id does no harm."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import structlog
from sqlalchemy import select

from hub import connections
from hub.core import Hub
from hub.models import Robot, Task
from hub.tasks import lifecycle
from hub.tasks.lifecycle import Claim
from hub.tasks.recordings import fetch_recordings
from hub.tasks.running import TaskRun
from hub.tasks.vendor import find_task, start_task, watch_connection
from plugins.errors import HubError
from plugins.files import FileContent

log = structlog.get_logger(__name__)

LONGEST_REASON = 500


def run_task(hub: Hub, task_id: int, *, robot_id: int | None = None) -> None:
    """Run a native task to its end, as the robot that this process is."""
    if robot_id is None:
        raise ValueError("only a robot runs tasks")
    claim = lifecycle.claim(hub, task_id, state="running", lease=hub.settings.task_lease, robot_id=robot_id)
    if claim is None:
        log.info("nothing to start", task_id=task_id)
        return
    with structlog.contextvars.bound_contextvars(trace_id=claim.task.trace_id, task_id=task_id):
        with TaskRun(hub, claim) as run:
            outcome = _execute(hub, claim, run)
        ended = lifecycle.finish(hub, task_id, claim.run_key, **outcome)
        log.info("task ended", state=outcome["state"], reason=outcome.get("reason"), ours=ended)


def _execute(hub: Hub, claim: Claim, run: TaskRun) -> dict[str, Any]:
    try:
        answer = connections.ask(
            hub, claim.connection, "task_run", run_params(hub, claim), trace_id=claim.task.trace_id or "", actor=claim.task.actor or "", run=run
        )
        state = answer["taskState"]
        if state not in lifecycle.ENDED:
            raise HubError(f"适配器返回了未结束的状态 {state}")
        reason = run.hide(answer.get("reason") or "")[:LONGEST_REASON]
        return {"state": state, "reason": reason or None, "outputs": _shown(run, answer.get("outParameters") or [])}
    except HubError as error:
        run.log("error", error.message)
        return {"state": "failed", "reason": run.hide(error.message)[:LONGEST_REASON], "code": error.code}


def _shown(run: TaskRun, outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The output parameters without secrets that the run was told; the log says where there were any."""
    shown = [{**each, "value": run.hide(each["value"]) if isinstance(each.get("value"), str) else each.get("value")} for each in outputs]
    changed = [str(each["name"]) for each, before in zip(shown, outputs, strict=True) if each != before]
    if changed:
        run.log("warn", f"输出参数 {'、'.join(changed)} 含有租用的凭据或资产，已隐去")
    return shown


def run_params(hub: Hub, claim: Claim) -> dict[str, Any]:
    """What ``task_run`` is told."""
    task, package, robot = claim.task, claim.package, claim.robot
    content: FileContent | None = None
    if package is not None and package.digest:
        content = hub.store.get(package.digest, f"{package.name}-{package.version}.zip")
    return {
        "taskId": str(task.id),
        "processName": claim.process.name,
        "packageName": package.name if package else "",
        "packageVersion": package.version if package else "",
        "package": content,
        "packageDigest": package.digest if package else "",
        "inParameters": task.in_parameters,
        "logLevel": (robot.log_level if robot else None) or "info",
        "robotName": robot.name if robot else "",
        "robotId": str(robot.id) if robot else "",
        "maxRunTime": task.max_run_time or 0,
        "isRecord": task.is_record,
        "operator": task.actor or "",
        "desktop": _desktop(robot),
        "recording": {"rate": hub.settings.recording_fps, "quality": hub.settings.recording_quality},
        "timeZone": hub.settings.time_zone,
        "isAutoUnlockEnabled": bool(robot and robot.is_auto_unlock_enabled),
        "machineUsername": (robot.machine_username if robot else None) or "",
        "keepWorkFolders": hub.settings.keep_work_folders,
        "keepWorkDays": hub.settings.keep_work_days,
        "keepEnvironments": hub.settings.keep_environments,
        "pip": {"index_url": hub.settings.pip_index_url.get_secret_value(), "find_links": hub.settings.pip_find_links},
        "limits": limits_of(hub, (robot.limits if robot else None) or {}),
    }


def _desktop(robot: Robot | None) -> dict[str, int] | None:
    """The desktop that a robot is configured to have: none unless its size is given."""
    if robot is None or not robot.resolution_width or not robot.resolution_height:
        return None
    return {"width": robot.resolution_width, "height": robot.resolution_height, "depth": robot.resolution_depth or 24}


def limits_of(hub: Hub, of_robot: Mapping[str, Any]) -> dict[str, int]:
    """The bounds of packages, and of the processes of a task: the tighter of the settings' and the robot's; what has none is absent."""
    settings = hub.settings
    of_task = {
        "memory": (settings.task_memory_limit, of_robot.get("memory")),
        "cpu_seconds": (settings.task_cpu_limit, of_robot.get("cpuSeconds")),
        "file_size": (settings.task_file_limit, of_robot.get("fileSize")),
    }
    least = {name: min(filter(None, pair)) for name, pair in of_task.items() if any(pair)}
    return {"max_package": settings.max_package, "max_unpacked": settings.max_unpacked, **least}


def fail_broken(hub: Hub, task_id: int, reason: str) -> bool:
    """Fail the task of a run whose process died, if it is still counted as started."""
    return lifecycle.give_up(hub, task_id, lifecycle.STARTED, "failed", reason=reason)


def abandoned_by(hub: Hub, robot_id: int) -> list[int]:
    """The started tasks of a robot: when the robot's process has just begun, these are left by the one that died."""
    with hub.db.read() as session:
        return list(session.scalars(select(Task.id).where(lifecycle.IS_ACTIVE, Task.robot_id == robot_id, Task.state.in_(lifecycle.STARTED))))


JOBS: Mapping[str, Callable[..., None]] = MappingProxyType(
    {
        "run_task": run_task,
        "start_task": start_task,
        "find_task": find_task,
        "watch_connection": watch_connection,
        "fetch_recordings": fetch_recordings,
    }
)
