"""Folders: each package is unpacked once for a robot, each task works in a copy of its own.

::

    <folder>/packages/<digest>/          the files of a package, as unpacked
    <folder>/tasks/<taskId>-<run>/work   the task's copy: its current folder
                                  /run   input.json, output.json, the event pipe, the socket of services, files on their way, the display's cookie
                                  /tmp   its TMPDIR
                                  /robot output.xml and log.html of Robot Framework
    <folder>/environments/               what packages require (``environments``)
    <folder>/runs/<run>.json             a note for as long as the run is alive (``leftovers``)
    <folder>/recordings/<run>-<n>.*      recordings that the hub does not have yet (``kept``)
"""
from __future__ import annotations

import json
import logging
import os
import re
import shutil
import time
import uuid
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from adapters.native.archive import Archive, Limits
from adapters.native.manifest import FILE, LARGEST, Manifest, read_manifest
from adapters.native.package import spooled
from plugins import FileContent, InvalidInput

KEEP_PACKAGES = 20
LEAST_AGE = 3600.0
DIGEST = re.compile(r"[0-9a-f]{64}")
TASKS, WORK, ENDED = "tasks", "work", "ended"
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Workspace:
    """The folders of one run."""

    folder: Path

    @classmethod
    def create(cls, base: Path, task_id: str, run_id: str, package: Path, inputs: dict[str, str]) -> Workspace:
        """Make the folders of a run, with a copy of the package's files and the input file."""
        space = cls(base / TASKS / run_folder(task_id, run_id[:12]))
        space.folder.mkdir(parents=True, mode=0o700)
        shutil.copytree(package, space.work)
        for each in (space.run, space.tmp, space.transfers):
            each.mkdir(mode=0o700)
        space.input.write_text(json.dumps([{"name": n, "value": v} for n, v in inputs.items()], ensure_ascii=False), encoding="utf-8")
        os.mkfifo(space.events, 0o600)
        return space

    @classmethod
    def of_run(cls, base: Path, run_id: str) -> Workspace | None:
        """The folders of a run that another process has begun, if it came so far."""
        return next((cls(folder) for folder in (base / TASKS).glob(f"*-{run_id[:12]}")), None)

    @property
    def work(self) -> Path:
        """The current folder of the processes: the task's copy of the package."""
        return self.folder / WORK

    @property
    def run(self) -> Path:
        """Where the files of the contract between runtime and process are."""
        return self.folder / "run"

    @property
    def transfers(self) -> Path:
        """Where files of the platform lie on their way to the process and from it."""
        return self.run / "transfers"

    @property
    def tmp(self) -> Path:
        """The processes' folder for temporary files."""
        return self.folder / "tmp"

    @property
    def robot(self) -> Path:
        """Where Robot Framework writes its results."""
        return self.folder / "robot"

    @property
    def input(self) -> Path:
        """The file of the input parameters."""
        return self.run / "input.json"

    @property
    def output(self) -> Path:
        """The file that the process writes its output parameters to."""
        return self.run / "output.json"

    @property
    def events(self) -> Path:
        """The pipe for progress and log events."""
        return self.run / "events"

    def close(self) -> None:
        """The run has ended: what was given to the process, and may be confidential, does not stay on the disk."""
        remove(self.tmp)
        remove(self.run)
        try:
            (self.folder / ENDED).touch()
        except OSError as error:
            logger.warning("%s cannot be kept: %s", self.folder, error)  # A full disk has no room for what only inspection wants.
            remove(self.folder)


def unpacked(base: Path, content: FileContent | None, digest: str, limits: Limits) -> Path:
    """The folder of the unpacked package; unpacks it if this robot has not had it before.

    Several robots may do so at once in one folder: each unpacks aside, the first to rename wins. Raises InvalidInput when the content
    is not what ``digest`` says, or no package at all.
    """
    if content is None:
        raise InvalidInput("任务没有流程包")
    if digest and not DIGEST.fullmatch(digest):
        raise InvalidInput("流程包摘要应为 64 位十六进制 SHA-256")
    packages = base / "packages"
    if digest and (packages / digest).is_dir():
        os.utime(packages / digest)
        return packages / digest
    with spooled(content, limits) as (stream, actual):
        if digest and actual != digest:
            raise InvalidInput("流程包内容与其摘要不符")
        aside = packages / f".{actual}-{uuid.uuid4().hex}"
        aside.mkdir(parents=True, mode=0o700)
        try:
            Archive(stream, limits).unpack(aside)
            place = packages / actual
            try:
                aside.rename(place)
            except OSError:
                if not place.is_dir():
                    raise
        finally:
            remove(aside)
    _forget_packages(packages, place)
    return place


def manifest_of(package: Path) -> Manifest:
    """The manifest of an unpacked package."""
    files = [
        PurePosixPath(os.path.relpath(os.path.join(folder, name), package)) for folder, _, names in os.walk(package) for name in names
    ]
    toml = package / FILE
    return read_manifest(files, toml.read_bytes()[: LARGEST + 1] if toml.is_file() else None)


def run_folder(task_id: str, run_id: str) -> str:
    """The name of the folder of a run."""
    return f"{re.sub(r'[^A-Za-z0-9_-]', '_', task_id)[:64]}-{run_id}"


def prune(base: Path, keep: int, days: float = 0) -> None:
    """Remove the work folders of ended tasks but the last ``keep``, and those that ended more than ``days`` ago (0: however long ago)."""
    oldest = time.time() - days * 86400 if days else 0.0
    ended: list[tuple[float, Path]] = []
    for folder in (base / TASKS).iterdir():
        try:
            ended.append(((folder / ENDED).stat().st_mtime, folder))
        except (FileNotFoundError, NotADirectoryError):
            continue  # It is in use, or was removed just now.
    for rank, (moment, folder) in enumerate(sorted(ended, reverse=True)):
        if rank >= keep or moment < oldest:
            remove(folder)


def remove(folder: Path) -> None:
    """Remove a folder with all that is in it, also where a process took the right to do so away. What cannot be removed stays."""
    if not folder.exists():
        return
    try:
        try:
            shutil.rmtree(folder)
        except PermissionError:
            for each, _, _ in os.walk(folder):
                os.chmod(each, 0o700)
            shutil.rmtree(folder)
    except FileNotFoundError:
        return  # Another robot is removing it as well.
    except OSError as error:
        logger.warning("%s cannot be removed: %s", folder, error)


def _forget_packages(packages: Path, present: Path) -> None:
    """Remove unpacked packages beyond the last used ones. One used within the hour is left, as another robot may be copying it."""
    before = time.time() - LEAST_AGE
    used: list[tuple[float, Path]] = []
    for folder in packages.iterdir():
        try:
            used.append((folder.stat().st_mtime, folder))
        except FileNotFoundError:
            continue  # Another robot has removed or renamed it just now.
    for rank, (moment, folder) in enumerate(sorted(used, reverse=True)):
        unfinished = folder.name.startswith(".")  # Left by a robot that was killed while it unpacked.
        if moment < before and folder != present and (unfinished or rank >= KEEP_PACKAGES):
            remove(folder)
