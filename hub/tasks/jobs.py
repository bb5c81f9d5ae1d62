"""The jobs that workers and robots do. A job is a name and one id; it loads what it needs, and a second one for the same id does no harm."""
from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import structlog
from sqlalchemy import select

from hub import connections
from hub.core import Hub
from hub.models import Task
from hub.tasks import lifecycle
from hub.tasks.lifecycle import Claim
from hub.tasks.running import TaskRun
from hub.tasks.vendor import find_task, start_task, watch_connection
from plugins.errors import HubError
from plugins.files import FileContent

log = structlog.get_logger(__name__)


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
        return {"state": state, "reason": answer.get("reason") or None, "outputs": answer.get("outParameters") or []}
    except HubError as error:
        run.log("error", error.message)
        return {"state": "failed", "reason": error.message, "code": error.code}


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
        "isAutoUnlockEnabled": bool(robot and robot.is_auto_unlock_enabled),
        "machineUsername": (robot.machine_username if robot else None) or "",
        "keepWorkFolders": hub.settings.keep_work_folders,
        "limits": {"max_package": hub.settings.max_package, "max_unpacked": hub.settings.max_unpacked},
    }


def fail_broken(hub: Hub, task_id: int, reason: str) -> bool:
    """Fail the task of a run whose process died, if it is still counted as started."""
    return lifecycle.give_up(hub, task_id, lifecycle.STARTED, "failed", reason=reason)


def abandoned_by(hub: Hub, robot_id: int) -> list[int]:
    """The started tasks of a robot: when the robot's process has just begun, these are left by the one that died."""
    with hub.db.read() as session:
        return list(session.scalars(select(Task.id).where(lifecycle.IS_ACTIVE, Task.robot_id == robot_id, Task.state.in_(lifecycle.STARTED))))


JOBS: Mapping[str, Callable[..., None]] = MappingProxyType(
    {"run_task": run_task, "start_task": start_task, "find_task": find_task, "watch_connection": watch_connection}
)
