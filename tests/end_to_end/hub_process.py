"""The real program `rpahub up` as a child of the tests."""
from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from tests.end_to_end.client import Client, until

PASSWORD = "Adm1n-password-测试"
ROBOT_SECRET = "Robot-secret-of-the-tests"
START_TIME = 60.0
STOP_TIME = 60.0  # much more than the hub allows itself: the disk of a busy machine can hold up whoever writes to it


def program(name: str) -> list[str]:
    """How to start one of our programs: as it is installed beside this Python, else from its module."""
    script = Path(sys.executable).with_name(name)
    return [str(script)] if script.exists() else [sys.executable, "-m", "hub.cli"]


def clean_environment(**settings: object) -> dict[str, str]:
    """This environment with these settings of the hub and no others."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RPAHUB_")}
    return {**kept, **{f"RPAHUB_{name.upper()}": str(value) for name, value in settings.items()}}


def describe(process: psutil.Process) -> str:
    """A process, its state, and where in the kernel it waits, for whoever must find out why it does not end."""
    with suppress(psutil.NoSuchProcess, OSError):
        waits_in = Path(f"/proc/{process.pid}/wchan").read_text("utf-8")
        return f"{process.pid} {process.status()} {waits_in} {' '.join(process.cmdline())}"
    return f"{process.pid} has ended"


class HubProcess:
    """`rpahub up` on a data folder, again and again if need be."""

    command: tuple[str, ...] = ("up",)
    defaults: Mapping[str, object] = {"admin_password": PASSWORD, "robots": 2, "workers": 1}

    def __init__(self, data: Path, **settings: object) -> None:
        self.data = data
        self.settings = {"data": data, "port": 0, **self.defaults, **settings}
        self.output = data.with_suffix(".out")
        self.process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def start(self) -> None:
        """Start it and wait until it says that it is ready."""
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [*program("rpahub"), *self.command],
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.data.parent,
                env=clean_environment(**self.settings),
                start_new_session=True,
            )
        try:
            self.url = until(self._ready_at, START_TIME, f"`rpahub up` to be ready:\n{self.said()}")
        except BaseException:
            self.kill()
            raise

    def _ready_at(self) -> str | None:
        assert self.process is not None and self.process.poll() is None, f"`rpahub up` ended:\n{self.said()}"
        found = re.search(r"^ready (http://\S+)$", self.said(), re.MULTILINE)
        return found[1] if found else None

    def said(self) -> str:
        """What it has printed since it was started last."""
        return self.output.read_text("utf-8", "replace")

    def admin(self) -> Client:
        """A client with the administrator's token."""
        return Client(self.url).log_in("admin", PASSWORD)

    def tree(self) -> list[psutil.Process]:
        """The process and all of its descendants."""
        assert self.process is not None
        root = psutil.Process(self.process.pid)
        return [root, *root.children(recursive=True)]

    def stop(self) -> int:
        """Ctrl+C. Gives the exit status; kills what does not stop, which then gives a negative one."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(STOP_TIME)
        except subprocess.TimeoutExpired:
            with self.output.open("a", encoding="utf-8") as output:
                output.writelines(f"did not stop: {line}\n" for line in map(describe, self.tree()))
            self.kill()
            return self.process.wait()

    def kill(self) -> None:
        """kill -9 of every process of the tree at once."""
        if self.process is None or self.process.poll() is not None:
            return
        tree = self.tree()
        for process in tree:
            with suppress(psutil.NoSuchProcess):  # it has ended by itself since
                process.suspend()
        for process in {*tree, *self.tree()}:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait()
        psutil.wait_procs(tree, timeout=10)

    def __enter__(self) -> HubProcess:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.stop()


class RobotProcess(HubProcess):
    """`rpahub robot up`: a robot that stands alone."""

    command = ("robot", "up")
    defaults = {"robot_secret": ROBOT_SECRET}

    def robot(self, secret: str = ROBOT_SECRET) -> Client:
        """A client with the robot's token, whose short addresses are those of the robot interface."""
        return Client(self.url).as_robot(secret)
