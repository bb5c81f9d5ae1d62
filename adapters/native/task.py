"""Runs one task here and now (hook ``task_run``)."""
from __future__ import annotations

import logging
import os
import uuid
from pathlib import Path
from typing import Any

from adapters.native.archive import Limits
from adapters.native.leftovers import RunNote, reap_leftovers
from adapters.native.logs import TaskLog
from adapters.native.manifest import Manifest, command_line
from adapters.native.outputs import clean, read_outputs
from adapters.native.runner import Ending, Execution
from adapters.native.unlocking import lock_after_dead_runs, unlocked
from adapters.native.workspace import Workspace, manifest_of, prune, unpacked
from plugins import ConfigurationError, Context, HubError, codes, hookimpl

CHILD = Path(__file__).parent / "child"
KEEP_WORK_FOLDERS = 20
PASSED_ON = (
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "DISPLAY", "XAUTHORITY", "WAYLAND_DISPLAY", "XDG_RUNTIME_DIR",
    "DBUS_SESSION_BUS_ADDRESS", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "LD_LIBRARY_PATH",
)
logger = logging.getLogger(__name__)


@hookimpl
def task_run(ctx: Context, params: dict) -> dict:
    """Run the task's package in a process of its own, as docs/packages.md describes it, and return when all of it has ended.

    What is wrong with the package, its parameters or its result makes the task fail with a reason. ``keepWorkFolders`` is the number
    of ended tasks whose work folders stay.
    """
    if ctx.run is None or ctx.folder is None:
        raise ConfigurationError("task_run needs a run and a folder")
    base = ctx.folder.absolute()
    reap_leftovers(base)
    lock_after_dead_runs(base)
    log = TaskLog(ctx.run, params.get("logLevel"))
    note = RunNote(base, uuid.uuid4().hex)
    space: Workspace | None = None
    execution: Execution | None = None
    outputs: list[dict[str, str]] = []
    try:
        space, manifest = _prepare(base, note, params)
        execution = Execution(ctx.run, note.run_id, space, log, float(params.get("maxRunTime") or 0))
        command = command_line(manifest, space.work, space.robot, log.level)
        with unlocked(base, ctx.run, note.run_id, params):
            ending = execution.carry_out(command, _environment(params, note.run_id, space, log.level), note)
        outputs, ending = _with_outputs(space, ending, log)
    except HubError as error:
        ending = Ending("failed", clean(error.message))
    finally:
        if execution is None or not execution.left:
            note.remove()  # Else it stays, so that the next run tries again to end what is left.
        if space is not None:
            space.close()
            prune(base, int(params.get("keepWorkFolders", KEEP_WORK_FOLDERS)))
    if ending.state == "failed":
        log.tell("error", f"任务失败：{ending.reason}")
    return {"taskState": ending.state, "outParameters": outputs, "reason": ending.reason}


def _prepare(base: Path, note: RunNote, params: dict[str, Any]) -> tuple[Workspace, Manifest]:
    """Unpack the package and make the task's work folder. Raises HubError for a bad package and for a disk that does not take it."""
    try:
        note.write()
        package = unpacked(base, params.get("package"), params.get("packageDigest") or "", Limits.of(params.get("limits")))
        manifest = manifest_of(package)
        inputs = manifest.inputs(params.get("inParameters") or [])
        return Workspace.create(base, str(params["taskId"]), note.run_id, package, inputs), manifest
    except OSError as error:
        logger.exception("the work folder of task %s cannot be made", params["taskId"])
        raise HubError(f"机器人本机无法准备工作目录：{error.strerror or type(error).__name__}", code=codes.FILE_NOT_SAVED) from error


def _environment(params: dict[str, Any], run_id: str, space: Workspace, level: str) -> dict[str, str]:
    """The environment of a task, built up from nothing: the hub's own settings and secrets are not for the processes."""
    passed_on = {name: value for name, value in os.environ.items() if name in PASSED_ON or name.startswith("LC_")}
    return {
        "LANG": "C.UTF-8",
        **passed_on,
        "TMPDIR": str(space.tmp),
        "PYTHONPATH": str(CHILD),
        "PYTHONUNBUFFERED": "1",
        "PYTHONIOENCODING": "utf-8",
        "RPA_TASK_ID": str(params["taskId"]),
        "RPA_RUN_ID": run_id,
        "RPA_PROCESS_NAME": clean(str(params.get("processName") or "")),
        "RPA_ROBOT_NAME": clean(str(params.get("robotName") or "")),
        "RPA_LOG_LEVEL": level,
        "RPA_WORK_DIR": str(space.work),
        "RPA_INPUT": str(space.input),
        "RPA_OUTPUT": str(space.output),
        "RPA_EVENTS": str(space.events),
    }


def _with_outputs(space: Workspace, ending: Ending, log: TaskLog) -> tuple[list[dict[str, str]], Ending]:
    """The output parameters, and the ending in their light: a task whose results cannot be read has not succeeded."""
    try:
        return read_outputs(space.output), ending
    except HubError as error:
        if ending.state == "succeeded":
            return [], Ending("failed", error.reason)
        log.tell("warn", error.reason)
        return [], ending
