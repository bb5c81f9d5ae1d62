"""A hub of its own for the measurements: `rpahub up` on a fresh data folder, and the processes that it consists of."""
from __future__ import annotations

import os
import re
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.client import Client

ROOT = Path(__file__).parent.parent
# The limits are checked on every call as ever, and never reached.
LIMITS = {f"RPAHUB_RATE_LIMIT_{name}": "100000000" for name in ("IP", "CLIENT", "OPERATION")}
SECONDS_TO_START = 60.0
SECONDS_TO_STOP = 20.0


class StartFailed(Exception):
    """A program that is to be measured did not start."""


@dataclass(frozen=True)
class RunningHub:
    """A hub that serves: where it listens, its data folder, the process that was started, and a token of admin."""

    address: str
    data: Path
    process: subprocess.Popen[str]
    token: str

    def parts(self) -> dict[str, list[psutil.Process]]:
        """All its processes by the name of the part that they belong to."""
        log = (self.data / "logs" / "hub.log").read_text("utf-8")
        names = {int(pid): name.rsplit("-", 1)[0] if name[-1].isdigit() else name for name, pid in re.findall(r"part started part=(\S+) pid=(\d+)", log)}
        hosts = {int(pid) for pid in re.findall(r"machine host started robot_id=0 pid=(\d+)", log)}
        top = psutil.Process(self.process.pid)
        found: dict[str, list[psutil.Process]] = {"supervisor": [top]}
        for part in top.children():
            name = names.get(part.pid, "other")
            found.setdefault(name, []).append(part)
            for child in part.children(recursive=True):
                kind = "machine host" if child.pid in hosts else {"web": "web worker", "robots": "robot"}.get(name, name)
                found.setdefault(kind, []).append(child)
        return found


@contextmanager
def running_hub(data: Path, *options: str) -> Iterator[RunningHub]:
    """Start `rpahub up` as a user would, with these options, and stop it again. Raises StartFailed."""
    password = f"Aa1-{secrets.token_urlsafe(12)}"
    environment = {name: value for name, value in os.environ.items() if not name.upper().startswith("RPAHUB_")}
    command = [sys.executable, "-m", "hub.cli", "up", "--data", str(data), "--port", "0", *options]
    with started(command, {**environment, **LIMITS, "RPAHUB_ADMIN_PASSWORD": password}) as (process, address), Client(address) as client:
        token = client.call("/api/platform/account/authenticate", {"username": "admin", "password": password})["token"]
        yield RunningHub(address, data, process, token)


@contextmanager
def started(command: list[str], environment: dict[str, str]) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a program that says ``ready ADDRESS`` when it serves; gives the process and the address. Ends it by Ctrl+C."""
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            address = _ready(process)
            _wait_for(address)
            yield process, address
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(SECONDS_TO_STOP)
            finally:
                process.kill()


def _wait_for(address: str) -> None:
    """Return once somebody listens; "ready" may be said a moment before."""
    deadline = time.monotonic() + SECONDS_TO_START
    while True:
        try:
            with Client(address):
                return
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _ready(process: subprocess.Popen[str]) -> str:
    timer = threading.Timer(SECONDS_TO_START, process.kill)
    timer.start()
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("ready "):
                return line.split()[1]
    finally:
        timer.cancel()
    raise StartFailed(f"{' '.join(process.args if isinstance(process.args, list) else [])} ended before it was ready")
