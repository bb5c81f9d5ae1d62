"""One run of the upgrade command: apart from the host, which may be restarted by it, and never begun twice.

A shell writes its number before the command and the exit status after it into the folder of the installation, where the next host finds them.
"""
from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import psutil

from hub.machines.programs import end_of, environment
from hub.processes import kill_session, kill_tree
from plugins.files import FileContent

WATCH = 'echo $$ >pid; "$@" </dev/null >output 2>&1; echo $? >status.part; mv status.part status'


class Installation:
    """The folder of one installation on this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fetch(self, content: FileContent, name: str, digest: str) -> Path | None:
        """Write the installer into the folder, under its own name. None where its content is not what the digest says."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(mode=0o700, parents=True)
        path = self.folder / "installer" / Path(name).name
        path.parent.mkdir(mode=0o700)
        found = hashlib.sha256()
        with path.open("wb") as target:
            for piece in content.chunks():
                found.update(piece)
                target.write(piece)
        return path if found.hexdigest() == digest else None

    def begin(self, command: list[str]) -> None:
        """Start the command, in a session of its own. Raises OSError when no shell can be started."""
        subprocess.Popen(
            ["/bin/sh", "-c", WATCH, "sh", *command],
            cwd=self.folder, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )

    def status(self) -> int | None:
        """The exit status of the command, None while there is none."""
        self._reap()
        with suppress(FileNotFoundError):
            return int((self.folder / "status").read_text(encoding="ascii"))
        return None

    def is_running(self) -> bool:
        """Whether the command, or the shell that watches it, still runs."""
        pid = self._pid()
        if pid is None:
            return False
        with suppress(psutil.Error):
            shell = psutil.Process(pid)
            # Its number may have been given to another process since; the shell is known by its folder.
            return shell.status() != psutil.STATUS_ZOMBIE and shell.cwd() == os.path.realpath(self.folder)
        return False

    def output(self) -> str:
        """The end of what the command has said, secrets masked."""
        return end_of(self.folder / "output")

    def kill(self) -> None:
        """End the command and all that it has started."""
        pid = self._pid()
        if pid is not None and self.is_running():
            kill_tree(pid)
            kill_session(pid)

    def remove(self) -> None:
        """The installation is over: its folder is not needed any more."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _pid(self) -> int | None:
        with suppress(FileNotFoundError, ValueError):
            return int((self.folder / "pid").read_text(encoding="ascii"))
        return None

    def _reap(self) -> None:
        pid = self._pid()
        with suppress(ChildProcessError):
            if pid is not None:
                os.waitpid(pid, os.WNOHANG)
