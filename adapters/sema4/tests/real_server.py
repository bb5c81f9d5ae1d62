"""The real action server for tests: installed once into an environment of its own, started on the loopback interface.

It cannot share an environment with this project, because it wants other versions of the same libraries (cryptography below 44, psutil
below 7). ``RPAHUB_TEST_ACTION_SERVER`` may name the Python interpreter of an environment that has it already.

Any test may use it: ``from adapters.sema4.tests.real_server import sema4_server`` in a conftest makes the fixture known there.
"""
from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

# A later one (3.2) downloads a program of its vendor's at its first start, which fails on a machine without the internet.
REQUIREMENTS = ("sema4ai-action-server>=2.6,<2.7", "sema4ai-actions>=1.3,<2")
MODULE = "sema4ai.action_server"
INSTALL_TIME = 220
START_TIME = 60

ACTIONS = '''
import sys
import time

from sema4ai.actions import ActionError, Response, action


@action
def greet(name: str, times: int = 1, factor: float = 1.5, loud: bool = False) -> str:
    """Greets somebody.

    Args:
        name: Who is greeted.
        times: How often.
        factor: Not used.
        loud: In capitals.

    Returns:
        The greeting.
    """
    print("你好", name)
    print("careful", file=sys.stderr)
    greeting = " ".join([f"Hello {name}"] * times)
    return greeting.upper() if loud else greeting


@action
def add(first: int, second: int) -> dict:
    """Adds.

    Args:
        first: One number.
        second: Another.
    """
    return {"sum": first + second, "parts": [first, second], "note": "十", "nothing": None}


@action
def fail(text: str) -> str:
    """Fails.

    Args:
        text: What it says.
    """
    print("about to fail")
    if text:
        raise ActionError(f"no luck: {text}")
    return ""


@action
def complain(text: str) -> Response[str]:
    """Answers with an error.

    Args:
        text: What it says.
    """
    return Response(error=f"complaint: {text}")


@action
def wait(seconds: float) -> str:
    """Waits.

    Args:
        seconds: How long.
    """
    for tick in range(int(seconds * 10)):
        print("tick", tick, flush=True)
        time.sleep(0.1)
    return "done"
'''


class Unavailable(Exception):
    """There is no action server to be had here; the message says why."""


@dataclass
class ActionServer:
    """A running action server with the actions above, in the package "things"."""

    python: Path
    folder: Path
    options: tuple[str, ...] = ()
    api_key: str = field(default_factory=lambda: f"key-{secrets.token_hex(12)}")
    address: str = ""
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start on a free port and wait until it answers. Raises Unavailable with the end of its output."""
        actions = self.folder / "things"
        actions.mkdir(parents=True, exist_ok=True)
        (actions / "things_actions.py").write_text(ACTIONS, encoding="utf-8")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        output = self.folder / "server.log"
        with output.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    str(self.python), "-m", MODULE, "start", "--dir", str(actions), "--datadir", str(self.folder / "data"),
                    "--address", "127.0.0.1", "--port", str(port), "--api-key", self.api_key, "--full-openapi-spec", *self.options,
                ],
                cwd=self.folder, env=_environment(self.folder), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )
        deadline = time.monotonic() + START_TIME
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise Unavailable(f"the action server does not start: {output.read_text('utf-8', 'replace')[-600:]}")
            time.sleep(0.1)

    def stop(self) -> None:
        """End the server and the processes of its actions."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait(10)

    def restart(self) -> None:
        """Break the server off, as a crash would, and start it again on the same data at a new address."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)
        self.start()

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}/config", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


def interpreter(cache: Path) -> Path:
    """A Python that has the action server: the named one, this one, or that of an environment made in ``cache``. Raises Unavailable."""
    named = os.environ.get("RPAHUB_TEST_ACTION_SERVER")
    if named:
        return Path(named)
    if importlib.util.find_spec("sema4ai") and importlib.util.find_spec(MODULE):
        return Path(sys.executable)
    ready = cache / f"environment-{sys.version_info.major}.{sys.version_info.minor}"
    if not _python_in(ready).exists():
        _install(ready)
    return _python_in(ready)


def _install(ready: Path) -> None:
    """Make the environment beside its final place and move it there when it is whole."""
    making = ready.with_name(f"{ready.name}-{os.getpid()}")
    try:
        for command in (
            [sys.executable, "-m", "venv", str(making)],
            [str(_python_in(making)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *REQUIREMENTS],
        ):
            subprocess.run(command, check=True, capture_output=True, timeout=INSTALL_TIME, env=_environment(None))
        making.rename(ready)
    except subprocess.CalledProcessError as error:
        shutil.rmtree(making, ignore_errors=True)
        raise Unavailable(f"the action server cannot be installed: {error.stderr.decode('utf-8', 'replace').strip()[-300:]}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        shutil.rmtree(making, ignore_errors=True)
        if not _python_in(ready).exists():
            raise Unavailable(f"the action server cannot be installed: {type(error).__name__}") from error


def _python_in(environment: Path) -> Path:
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _environment(home: Path | None) -> dict[str, str]:
    """This process's environment without what names Python's own paths; with a home of its own for the server's notes."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST", "VIRTUAL_ENV", "RPAHUB"))}
    return {**clean, "PYTHONUTF8": "1", **({"HOME": str(home), "SEMA4AI_HOME": str(home)} if home else {})}


@pytest.fixture(scope="session")
def sema4_python(pytestconfig: pytest.Config) -> Path:
    """A Python with the action server; skips, with the reason, where there is none."""
    cache = getattr(pytestconfig, "cache", None)
    if cache is None:
        pytest.skip("pytest runs without a cache folder, where the action server would be installed")
    try:
        return interpreter(Path(cache.mkdir("sema4")))
    except Unavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def sema4_server(sema4_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ActionServer]:
    """One running action server for the whole session. A test that needs to stop it makes its own."""
    server = ActionServer(sema4_python, tmp_path_factory.mktemp("sema4"))
    server.start()
    yield server
    server.stop()
