"""Ends the runs of a robot that was killed: neither its processes nor their children may go on working.

Three nets, one under the other. The kernel kills a run's first process together with the robot (``tree.start``). A guard, a shell that
waits on a pipe from the robot, starts this module when the pipe breaks. What escaped both is found by the robot's next run, through
the notes of live runs in the robot's folder.
"""
from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil

from adapters.native.display import mark_of
from adapters.native.tree import CLOCK_SLACK, GONE, LEFTOVER_GRACE, MARK, ProcessTree
from adapters.native.workspace import Workspace

RUNS = "runs"
WAIT_FOR_ROBOT = 'read -r _ || exec "$0" "$@"'
logger = logging.getLogger(__name__)


class RunNote:
    """The note, in the runtime's folder, that a run is alive. Says whose it is and what its processes are known by."""

    def __init__(self, folder: Path, run_id: str) -> None:
        self.folder = folder
        self.run_id = run_id
        self.path = folder / RUNS / f"{run_id}.json"

    def write(self, leader: int | None = None) -> None:
        """Write the note: before anything of the run exists, and again when the number of its first process is known."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        owner = {"owner": os.getpid(), "ownerStart": psutil.Process().create_time()}
        note = {"runId": self.run_id, "machine": socket.gethostname(), "boot": boot_id(), **owner, "leader": leader}
        if leader is not None:
            note["leaderStart"] = psutil.Process(leader).create_time()
        draft = self.path.with_suffix(".part")
        draft.write_text(json.dumps(note), encoding="utf-8")
        draft.replace(self.path)

    def remove(self) -> None:
        """The run has ended and nothing of it is left."""
        self.path.unlink(missing_ok=True)


class Guard:
    """A shell that lives beside a run, in its own session, and ends the run's processes when this process dies."""

    def __init__(self, folder: Path, run_id: str) -> None:
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "PYTHONPATH": os.pathsep.join(os.path.abspath(entry) for entry in sys.path),
            MARK: f"guard-{run_id}",
        }
        self._shell = subprocess.Popen(
            ["/bin/sh", "-c", WAIT_FOR_ROBOT, sys.executable, "-m", __name__, str(folder), run_id],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment, cwd="/", start_new_session=True,
        )

    def dismiss(self) -> None:
        """The run has ended: let the shell end as well."""
        self._shell.communicate(b"\n")


def reap_leftovers(folder: Path) -> int:
    """End the runs in the robot's ``folder`` whose robot is dead. Gives the number of processes ended.

    Live runs are left alone, and so are those of other machines that share the folder: nothing can be known of their processes here.
    """
    ended = 0
    for path in sorted((folder / RUNS).glob("*.json")):
        note = _read(path)
        if note is not None and note["machine"] == socket.gethostname() and not process_lives(note):
            ended += end_run(folder, note)
    return ended


def end_run(folder: Path, note: dict[str, Any]) -> int:
    """End all processes of the noted run; once none is left, tidy its folder and remove the note. Gives their number."""
    leader = note.get("leader") if note["boot"] == boot_id() else None
    start = _start_of(leader) if leader is not None else None
    if start is not None and abs(start - note["leaderStart"]) > CLOCK_SLACK:
        leader = None  # Its number was given to another process since.
    ended = ProcessTree(note["runId"], leader, 0.0).end(grace=LEFTOVER_GRACE)
    served = ProcessTree(mark_of(note["runId"]), None, 0.0).end(grace=LEFTOVER_GRACE)
    if served.left:
        logger.error("processes %s that served the display of run %s cannot be ended", served.left, note["runId"])
    if ended.found:
        logger.warning("ended %d processes of run %s, whose robot was killed", ended.found, note["runId"])
    if ended.left:
        logger.error("processes %s of run %s cannot be ended", ended.left, note["runId"])
        return ended.found
    space = Workspace.of_run(folder, note["runId"])
    if space is not None:
        space.close()
    RunNote(folder, note["runId"]).remove()
    return ended.found


def _read(path: Path) -> dict[str, Any] | None:
    """The note, None when its run has ended just now."""
    try:
        note = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:  # The machine lost its power over it: the run is known by the file's name alone, and is dead.
        logger.warning("%s cannot be read", path)
        note = {"runId": path.stem, "boot": "", "owner": 0, "ownerStart": 0.0}
    return {"machine": socket.gethostname(), **note}  # Versions before this one did not name it.


def process_lives(note: dict[str, Any]) -> bool:
    """Whether the process that wrote a note is alive."""
    start = _start_of(note["owner"])
    return note["boot"] == boot_id() and start is not None and abs(start - note["ownerStart"]) < CLOCK_SLACK


def _start_of(pid: int) -> float | None:
    """When the live process ``pid`` started, None if there is none."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except GONE:
        return None


def boot_id() -> str:
    """What tells this start of the machine from all others: process numbers mean nothing beyond it."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return f"{psutil.boot_time():.0f}"


def main(folder: str, run_id: str) -> None:
    """What the guard runs: the robot's end of the pipe is closed, so it is dead, even where it still looks alive."""
    from adapters.native.unlocking import lock_after_dead_runs  # here, as that module builds on this one

    note = _read(RunNote(Path(folder), run_id).path)
    if note is not None:
        end_run(Path(folder), note)
    lock_after_dead_runs(Path(folder), run_id)


if __name__ == "__main__":
    main(*sys.argv[1:])
