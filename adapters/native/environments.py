"""Virtual environments: one for each set of requirements, shared by all tasks and robots that work in one folder (docs/packages.md).

::

    <folder>/environments/<key>          a link to the environment, there once it is complete
                         /<key>.<some>/  the environment
                         /<key>.lock     locked: shared by each run that uses it, alone by who builds or removes it
"""
from __future__ import annotations

import configparser
import fcntl
import io
import json
import os
import shutil
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

from adapters.native.requirements import WHEELS, Requirements
from adapters.native.workspace import Workspace, remove
from plugins import HubError

ENVIRONMENTS = "environments"
KEEP = 10
LEAST_AGE = 3600.0
INSTALLER = Path(__file__).with_name("installing.py")


class Environment:
    """The environment of one run: not there, or there and, between ``enter`` and ``leave``, kept from being removed."""

    def __init__(self, base: Path, needs: Requirements) -> None:
        self._folder = base / ENVIRONMENTS
        self._needs = needs
        self._lock: IO[str] | None = None
        self.place = self._folder / needs.key

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.place / "bin" / "python"

    def has(self, package: str) -> bool:
        """Whether a package, as ``robocorp/tasks``, was installed into it."""
        return any(self.place.glob(f"lib/python*/site-packages/{package}"))

    def program(self, name: str) -> str | None:
        """The path of a program of that name: its own, else the machine's."""
        return shutil.which(name, path=self.variables(os.environ)["PATH"])

    def variables(self, present: Mapping[str, str]) -> dict[str, str]:
        """What a process inside of it finds in its environment variables."""
        path = os.pathsep.join((str(self.place / "bin"), present.get("PATH", os.defpath)))
        return {"VIRTUAL_ENV": str(self.place), "PATH": path}

    def enter(self) -> bool:
        """Use it, if it is complete."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (self._folder / f"{self._needs.key}.lock").open("a")
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()  # Somebody builds it.
            return False
        if not self.python.exists():
            lock.close()
            return False
        os.utime(self.place)
        self._lock = lock
        return True

    def leave(self) -> None:
        """The run has ended."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def order(self, space: Workspace, given: Mapping[str, Any]) -> tuple[list[str], dict[str, str]]:
        """What builds it: the command, and what pip must be told by environment variables.

        ``given``: ``index_url``, which may hold a password and so goes through a file, and ``find_links``, a folder or an address.
        """
        requirements = space.work / (self._needs.file or "")
        if self._needs.file is None:
            requirements = space.run / "requirements.txt"
            requirements.write_text("\n".join(self._needs.lines) + "\n", "utf-8")
        arguments = ["--no-input", "--no-color", "--progress-bar", "off", "--disable-pip-version-check", "-r", str(requirements)]
        if self._needs.has_wheels:
            arguments += ["--no-index", "--find-links", str(space.work / WHEELS)]
        order = {"folder": str(self._folder), "key": self._needs.key, "arguments": arguments, "runtime": _robot_framework()}
        file = space.run / "install.json"
        file.write_text(json.dumps(order), "utf-8")
        return [sys.executable, "-I", str(INSTALLER), str(file)], _pip_variables(space, given)

    def ordered(self, space: Workspace) -> None:
        """It has been built, or not: what only pip was to know goes."""
        (space.run / "pip.conf").unlink(missing_ok=True)


def _pip_variables(space: Workspace, given: Mapping[str, Any]) -> dict[str, str]:
    """The robot's own settings of pip and proxies, and a configuration file with those of the hub."""
    passed_on = {name: value for name, value in os.environ.items() if name.startswith("PIP_") or name.lower().endswith("_proxy")}
    wanted = {"index-url": given.get("index_url"), "find-links": given.get("find_links")}
    options: dict[str, str] = {name: str(value) for name, value in wanted.items() if value}
    if not options:
        return passed_on
    # In a configuration file, % stands for itself: pip reads it without interpolation.
    parser = configparser.RawConfigParser()
    parser["global"] = {**options, **({"no-index": "true"} if "index-url" not in options else {})}
    text = io.StringIO()
    parser.write(text)
    with open(os.open(space.run / "pip.conf", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text.getvalue())
    # These would count more than the file; so would those of the machine, if they were not left out.
    overridden = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX", "PIP_CONFIG_FILE")
    return {**{name: value for name, value in passed_on.items() if name not in overridden}, "PIP_CONFIG_FILE": str(space.run / "pip.conf")}


def _robot_framework() -> list[str]:
    """Where the robot's own Robot Framework lies: its package, and what tells its version."""
    spec = find_spec("robot")
    if spec is None or not spec.submodule_search_locations:
        raise HubError("本机的 Python 环境未安装 Robot Framework")
    package = Path(spec.submodule_search_locations[0])
    return [str(package), *map(str, package.parent.glob(f"robotframework-{version('robotframework')}.dist-info"))]


def prune(base: Path, keep: int) -> None:
    """Remove the environments beyond the ``keep`` last used ones. One used within the hour, or in use, stays."""
    folder = base / ENVIRONMENTS
    complete = {each.resolve(): each for each in folder.iterdir() if each.is_symlink()}
    used: list[tuple[float, Path]] = []
    for path in folder.iterdir():
        if path.is_symlink():
            continue
        with suppress(FileNotFoundError):  # Another robot is removing it.
            if path.is_dir():
                used.append((path.stat().st_mtime, path))
    for rank, (moment, path) in enumerate(sorted(used, reverse=True)):
        if (rank < keep and path.resolve() in complete) or moment > time.time() - LEAST_AGE:
            continue
        with (folder / f"{path.name.partition('.')[0]}.lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            link = complete.get(path.resolve())
            if link is not None:
                link.unlink(missing_ok=True)
            remove(path)
