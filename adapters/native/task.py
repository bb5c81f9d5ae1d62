"""Runs one task here and now (hook ``task_run``)."""
from __future__ import annotations

import logging
import os
import shutil
import uuid
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from adapters.native import environments
from adapters.native.archive import Limits
from adapters.native.desktop import Desktop, open_desktop
from adapters.native.environments import Environment
from adapters.native.leftovers import RunNote, reap_leftovers
from adapters.native.limits import Bounds, of_disk
from adapters.native.logs import TaskLog
from adapters.native.manifest import Manifest, command_line
from adapters.native.outputs import clean, read_outputs
from adapters.native.requirements import requirements_of
from adapters.native.runner import Ending, Execution, Step
from adapters.native.services import Services
from adapters.native.unlocking import lock_after_dead_runs, unlocked
from adapters.native.workspace import Workspace, manifest_of, prune, unpacked
from plugins import ConfigurationError, Context, HubError, Run, codes, hookimpl

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
    of ended tasks whose work folders stay, ``keepWorkDays`` for how long; ``limits`` bounds package and processes, ``pip`` says where
    requirements come from, ``keepEnvironments`` how many environments stay.
    """
    if ctx.run is None or ctx.folder is None:
        raise ConfigurationError("task_run needs a run and a folder")
    base = ctx.folder.absolute()
    reap_leftovers(base)
    lock_after_dead_runs(base)
    task = _Task(ctx.run, base, params)
    try:
        outputs, ending = task.carry_out()
    except HubError as error:
        outputs, ending = [], Ending("failed", clean(error.message))
    except OSError as error:
        logger.exception("task %s cannot be run", params["taskId"])
        outputs, ending = [], Ending("failed", f"机器人本机出错：{of_disk(error)}")
    finally:
        task.close()
    if ending.state == "failed":
        task.log.tell("error", f"任务失败：{ending.reason}")
    return {"taskState": ending.state, "outParameters": outputs, "reason": ending.reason}


class _Task:
    """One task, with what was made for it and has to go again."""

    def __init__(self, run: Run, base: Path, params: dict[str, Any]) -> None:
        self._run = run
        self._base = base
        self._params = params
        self._note = RunNote(base, uuid.uuid4().hex)
        self._space: Workspace | None = None
        self._execution: Execution | None = None
        self._environment: Environment | None = None
        self._services: Services | None = None
        self._desktop: Desktop | None = None
        self.log = TaskLog(run, params.get("logLevel"))

    def carry_out(self) -> tuple[list[dict[str, str]], Ending]:
        """Prepare, install what is required, run. Raises HubError and OSError where that cannot be done."""
        space, package, manifest = _prepare(self._base, self._note, self._params)
        self._space = space
        bounds = Bounds.of({name: (self._params.get("limits") or {}).get(name) for name in Bounds.__dataclass_fields__})
        needs = requirements_of(package, manifest)
        self._execution = execution = Execution(self._run, self._note.run_id, space, self.log, float(self._params.get("maxRunTime") or 0))
        if needs is not None:
            self._environment = Environment(self._base, needs)
            ending = self._install(execution, space, self._environment)
            if ending is not None:
                return [], ending
        command = command_line(manifest, space.work, space.robot, self.log.level, self._environment)
        self._services = Services(self._run, space)
        self._desktop = self._open_desktop(execution, space, manifest)
        variables = self._variables(space) | {"RPA_SERVICES": str(self._services.path)}
        if self._environment is not None:
            variables |= self._environment.variables(variables)
        is_python = manifest.kind != "command"
        step = Step(command, variables, manifest.limits.least(bounds), self._services, is_python)
        # What runs on a display of its own needs nobody's desktop.
        with unlocked(self._base, self._run, self._note.run_id, self._params) if self._desktop is None else nullcontext():
            ending = execution.carry_out(step, self._note)
        return _with_outputs(space, ending, self.log)

    def _install(self, execution: Execution, space: Workspace, environment: Environment) -> Ending | None:
        """Have the environment, building it where it is not there. How the run has ended, where it has."""
        while not environment.enter():
            command, of_pip = environment.order(space, self._params.get("pip") or {})
            variables = self._variables(space) | of_pip
            ending = execution.carry_out(Step(command, variables, is_python=True, title="安装依赖失败"), self._note)
            environment.ordered(space)
            if ending.state != "succeeded":
                return ending
        return None

    def _open_desktop(self, execution: Execution, space: Workspace, manifest: Manifest) -> Desktop | None:
        desktop = open_desktop(self._run, self._note.run_id, self._base, space.run, self.log, self._params, wanted=manifest.desktop)
        if desktop is not None:
            execution.show(desktop)
        return desktop

    def _variables(self, space: Workspace) -> dict[str, str]:
        return _environment(self._params, self._note.run_id, space, self.log.level, self._desktop)

    def close(self) -> None:
        """Let go of everything, and tidy up after this task and older ones."""
        if self._desktop is not None:
            self._desktop.close()
        if self._execution is None or not self._execution.left:
            self._note.remove()  # Else it stays, so that the next run tries again to end what is left.
        if self._services is not None:
            self._services.close()
        if self._environment is not None:
            self._environment.leave()
            environments.prune(self._base, int(self._params.get("keepEnvironments", environments.KEEP)))
        if self._space is not None:
            self._space.close()
            prune(self._base, int(self._params.get("keepWorkFolders", KEEP_WORK_FOLDERS)), float(self._params.get("keepWorkDays") or 0))


def _prepare(base: Path, note: RunNote, params: dict[str, Any]) -> tuple[Workspace, Path, Manifest]:
    """Unpack the package and make the task's work folder. Raises HubError for a bad package and for a disk that does not take it."""
    try:
        note.write()
        package = unpacked(base, params.get("package"), params.get("packageDigest") or "", Limits.of(params.get("limits")))
        manifest = manifest_of(package)
        inputs = manifest.inputs(params.get("inParameters") or [])
        return Workspace.create(base, str(params["taskId"]), note.run_id, package, inputs), package, manifest
    except (OSError, shutil.Error) as error:
        logger.exception("the work folder of task %s cannot be made", params["taskId"])
        raise HubError(f"机器人本机无法准备工作目录：{of_disk(error)}", code=codes.FILE_NOT_SAVED) from error


def _environment(params: dict[str, Any], run_id: str, space: Workspace, level: str, desktop: Desktop | None) -> dict[str, str]:
    """The environment of a task, built up from nothing: the hub's own settings and secrets are not for the processes."""
    passed_on = {name: value for name, value in os.environ.items() if name in PASSED_ON or name.startswith("LC_")}
    if desktop is not None:
        passed_on.pop("WAYLAND_DISPLAY", None)  # Else programs would appear on the machine's own desktop.
        passed_on |= desktop.environment
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
        "RPA_TRANSFERS": str(space.transfers),
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
