"""The supervisor with real processes: small parts that write down their process id, and the real Redis server."""
from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from config.settings import load
from hub import data_lock
from hub.data_lock import AlreadyRunning, DataLock, Owner, running
from hub.listening import PortTaken, reserve
from hub.parts import FIRST_PAUSE, LONGEST_PAUSE, Kept, plan_of
from hub.processes import Forked, kill_session, kill_tree, wait_until
from hub.redis_client import patient_client

ROOT = Path(__file__).parents[2]
PASSWORD = "made-password-1234"

PARTS = f'''
import http.server, json, os, signal, socketserver, subprocess, sys, time
from pathlib import Path
from config.settings import load
from hub.parts import Part, Plan
from hub.supervisor import StartFailed, Supervisor

def note(settings, name):
    lines = settings.data / "starts" / name
    lines.parent.mkdir(exist_ok=True)
    with lines.open("a") as file:
        print(os.getpid(), os.environ["RPAHUB_PORT"], os.getsid(0), file=file)

def initialise(settings):
    known = settings.data / "known"
    if known.exists():
        return None
    known.touch()
    return {PASSWORD!r}

def broken(settings):
    raise ValueError("no room for password=s3cret")

def warm(settings):
    print("printed by warm", file=sys.stderr)

class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({{"resultCode": "00000"}}).encode()
        self.send_response(200 if self.path == "/api/ext/health/ready" else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        return

class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    allow_reuse_port = True

def web(settings):
    note(settings, "web")
    Server((settings.host, settings.port), Answer).serve_forever()

def quiet(settings, name="quiet"):
    print("a part's print")
    note(settings, name)
    while True:
        time.sleep(60)

def parent(settings):
    child = subprocess.Popen(["sleep", "600"], process_group=0)
    (settings.data / "starts" / "grandchild").write_text(str(child.pid))
    quiet(settings, "parent")

def stubborn(settings):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    quiet(settings, "stubborn")

if __name__ == "__main__":
    _, data, initialiser, *names = sys.argv
    parts = tuple(Part(name, f"parts:{{name.split('-')[0]}}") for name in names)
    settings = load(data=data, port=int(os.environ.pop("WANTED_PORT", "0")))
    try:
        Supervisor(settings, Plan(parts, Part("initialise", f"parts:{{initialiser}}"), Part("warm", "parts:warm"))).run()
    except StartFailed as error:
        sys.exit(f"StartFailed {{error}}")
'''


class Run:
    """One supervisor with its parts."""

    def __init__(self, folder: Path, *names: str, initialise: str = "initialise") -> None:
        self.data = folder / "data"
        (folder / "parts.py").write_text(PARTS)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("RPAHUB_")}
        environment |= {"PYTHONPATH": f"{ROOT}{os.pathsep}{folder}", "http_proxy": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}
        self.process = subprocess.Popen(
            [sys.executable, str(folder / "parts.py"), str(self.data), initialise, *names],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            start_new_session=True,
        )
        self.told: list[str] = []

    def wait_ready(self) -> Run:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.told.append(line.rstrip("\n"))
            if line.startswith("ready "):
                return self
        raise AssertionError(f"ended before it was ready: {self.process.communicate()}")

    @property
    def port(self) -> int:
        return int(self.told[-1].rsplit(":", 1)[1])

    def starts(self, name: str) -> list[list[int]]:
        """Of each start of the part so far: its process id, the port in its environment, its session."""
        file = self.data / "starts" / name
        return [[int(word) for word in line.split()] for line in file.read_text().splitlines()] if file.exists() else []

    def pid(self, name: str) -> int:
        assert wait_until(lambda: bool(self.starts(name)), 10)
        return self.starts(name)[-1][0]

    def family(self) -> list[psutil.Process]:
        supervisor = psutil.Process(self.process.pid)
        return [supervisor, *supervisor.children(recursive=True)]

    def log(self) -> str:
        return (self.data / "logs" / "hub.log").read_text("utf-8")

    def stop(self, number: int = signal.SIGINT) -> tuple[float, list[psutil.Process]]:
        """Signal the supervisor alone; the seconds that everything took to end, and what did not."""
        family = self.family()
        began = time.monotonic()
        self.process.send_signal(number)
        alive = ended(family, 12)
        return time.monotonic() - began, alive


def ended(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Those of the processes that still run after so many seconds. A zombie has ended."""

    def alive() -> list[psutil.Process]:
        return [each for each in processes if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]

    wait_until(lambda: not alive(), seconds)
    return alive()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Any]:
    runs: list[Run] = []

    def start(*names: str, **options: Any) -> Run:
        runs.append(Run(tmp_path, *names, **options))
        return runs[-1]

    yield start
    for run in runs:
        if run.process.poll() is None:
            family = run.family()
            run.process.kill()
            for each in ended(family, 3):
                each.kill()
        run.process.communicate()


def test_first_start_tells_the_password_once_and_then_that_it_is_ready(start: Any) -> None:
    first = start("web", "quiet").wait_ready()
    assert first.told == [f"first start: user admin, password {PASSWORD}", f"ready http://127.0.0.1:{first.port}"]
    assert PASSWORD not in first.log()
    _, alive = first.stop()
    assert alive == []
    assert first.process.communicate()[0] == ""
    second = start("web").wait_ready()
    assert second.told == [f"ready http://127.0.0.1:{second.port}"]


def test_parts_know_the_port_that_was_taken_and_are_sessions_of_their_own(start: Any) -> None:
    run = start("web", "quiet").wait_ready()
    run.pid("quiet")
    for name in ("web", "quiet"):
        ((pid, port, session),) = run.starts(name)
        assert (port, session) == (run.port, pid)


def test_killed_part_is_started_again(start: Any) -> None:
    run = start("web", "quiet").wait_ready()
    first = run.pid("quiet")
    os.kill(first, signal.SIGKILL)
    assert wait_until(lambda: len(run.starts("quiet")) == 2, 5)
    assert run.pid("quiet") != first
    assert f"part=quiet pid={first} status=-9" in run.log()
    assert len(run.starts("web")) == 1


def test_what_a_killed_part_leaves_behind_is_ended(start: Any) -> None:
    run = start("web", "parent").wait_ready()
    first = run.pid("parent")
    left = psutil.Process(int((run.data / "starts" / "grandchild").read_text()))
    os.kill(first, signal.SIGKILL)
    assert wait_until(lambda: len(run.starts("parent")) == 2, 5)
    assert ended([left], 2) == []


def test_killed_redis_is_started_again_with_its_data(start: Any) -> None:
    run = start("web").wait_ready()
    (redis,) = [each for each in run.family() if "redis.sock" in " ".join(each.cmdline())]
    with patient_client(load(data=run.data)) as client:
        client.set("x", 1)
        redis.kill()
        assert ended([redis], 5) == []
        assert client.get("x") == b"1"
    assert f"part=redis pid={redis.pid} status=-9" in run.log()


def test_second_run_on_the_same_data_is_refused_with_who_runs(start: Any) -> None:
    run = start("web").wait_ready()
    command = [sys.executable, "-m", "hub.cli", "up", "--data", str(run.data), "--port", "0"]
    second = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert second.returncode == 1
    assert second.stdout == ""
    assert second.stderr == f"rpahub: rpahub runs on {run.data} already (process {run.process.pid}, http://127.0.0.1:{run.port})\n"
    assert running(load(data=run.data)) is not None
    assert ended(run.family(), 0) == run.family()


def test_taken_port_is_told_and_nothing_is_left(start: Any) -> None:
    run = start("web").wait_ready()
    command = [sys.executable, "-m", "hub.cli", "up", "--data", str(run.data.parent / "other"), "--port", str(run.port)]
    second = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert second.returncode == 1
    assert second.stderr == f"rpahub: cannot listen on 127.0.0.1 port {run.port}: Address already in use\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_stops_everything_and_the_data_folder_is_free_again(start: Any, number: int) -> None:
    run = start("web", "quiet-1", "quiet-2").wait_ready()
    seconds, alive = run.stop(number)
    assert alive == []
    assert seconds < 4
    assert run.process.wait() == 0
    assert "killing" not in run.log()
    assert running(load(data=run.data)) is None


def test_part_that_ignores_sigterm_is_killed_within_eight_seconds(start: Any) -> None:
    run = start("web", "stubborn").wait_ready()
    run.pid("stubborn")
    seconds, alive = run.stop()
    assert alive == []
    assert 3 < seconds < 8
    assert run.process.wait() == 0


def test_second_ctrl_c_hurries(start: Any) -> None:
    run = start("web", "stubborn").wait_ready()
    family = run.family()
    run.pid("stubborn")
    began = time.monotonic()
    run.process.send_signal(signal.SIGINT)
    assert wait_until(lambda: "stopping" in run.log(), 5)
    run.process.send_signal(signal.SIGINT)
    assert ended(family, 10) == []
    assert time.monotonic() - began < 2.5


def test_suspended_part_can_be_stopped(start: Any) -> None:
    run = start("web", "quiet").wait_ready()
    os.kill(run.pid("quiet"), signal.SIGSTOP)
    seconds, alive = run.stop()
    assert alive == []
    assert seconds < 4


def test_stop_during_the_start_leaves_nothing(start: Any) -> None:
    run = start("quiet")  # without a web server it never gets ready
    run.pid("quiet")
    seconds, alive = run.stop()
    assert alive == []
    assert seconds < 4


def test_kill_9_of_the_supervisor_leaves_no_process(start: Any) -> None:
    run = start("web", "quiet-1", "quiet-2").wait_ready()
    assert len(run.family()) == 5
    _, alive = run.stop(signal.SIGKILL)
    assert alive == []


def test_run_after_kill_9_starts_on_the_same_data(start: Any) -> None:
    first = start("web", "quiet").wait_ready()
    first.pid("quiet")
    first.process.kill()
    second = start("web", "quiet").wait_ready()
    assert wait_until(lambda: len(second.starts("quiet")) == 2, 5)


def test_failed_preparation_is_told_in_one_line_without_secrets(start: Any) -> None:
    run = start("web", "quiet", initialise="broken")
    out, err = run.process.communicate(timeout=30)
    assert run.process.returncode == 1
    assert out == ""
    (told,) = [line for line in err.splitlines() if line.startswith("StartFailed")]
    assert "cannot prepare the data" in told
    assert "ValueError: no room for password=***" in told
    assert "s3cret" not in err + run.log()
    assert run.starts("web") == run.starts("quiet") == []


def test_part_that_keeps_dying_waits_longer_and_longer() -> None:
    kept = Kept("dying", lambda: Forked(lambda: sys.exit(3)))
    pauses = []
    for _ in range(8):
        kept.due = 0.0
        kept.step()
        assert wait_until(lambda: not kept.alive, 5)
        pauses.append(kept.step())
    assert pauses[:3] == pytest.approx([FIRST_PAUSE, FIRST_PAUSE * 2, FIRST_PAUSE * 4], abs=0.02)
    assert pauses[-1] == pytest.approx(LONGEST_PAUSE, abs=0.02)


def test_part_that_lived_long_is_started_again_at_once() -> None:
    kept = Kept("old", lambda: Forked(lambda: None))
    kept.pause = LONGEST_PAUSE
    kept.step()
    kept.born -= 31
    assert wait_until(lambda: not kept.alive, 5)
    assert kept.step() == pytest.approx(FIRST_PAUSE, abs=0.02)


def test_child_tells_how_it_ended() -> None:
    def fail() -> None:
        raise ValueError("expected by the test")

    for main, status in ((lambda: None, 0), (lambda: sys.exit(4), 4), (fail, 1), (lambda: os.kill(os.getpid(), signal.SIGKILL), -9)):
        child = Forked(main)
        assert wait_until(lambda child=child: child.poll() is not None, 5)
        assert child.poll() == status


def test_tree_is_killed_with_children_in_sessions_of_their_own(tmp_path: Path) -> None:
    def main() -> None:
        child = subprocess.Popen(["sleep", "600"], start_new_session=True)
        (tmp_path / "pid").write_text(str(child.pid))
        time.sleep(600)

    child = Forked(main)
    assert wait_until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text() != "", 5)
    grandchild = psutil.Process(int((tmp_path / "pid").read_text()))
    kill_tree(child.pid)
    assert wait_until(lambda: child.poll() == -9, 5)
    assert ended([grandchild], 5) == []


def test_lock_outlives_its_owner_in_a_part_until_that_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_lock, "SECONDS_FOR_LEFTOVERS", 0.3)
    settings = load(data=tmp_path)
    settings.run_folder.mkdir()
    first = DataLock(settings)
    first.acquire()
    part = Forked(lambda: time.sleep(600))
    first.write_owner("http://127.0.0.1:1")
    os.close(first.fd)
    with pytest.raises(AlreadyRunning, match=f"process {os.getpid()}"):
        DataLock(settings).acquire()
    dead = Owner(pid=2**22 - 1, started=0, address="http://127.0.0.1:1")
    first.path.write_text(json.dumps(vars(dead)))
    second = DataLock(settings)
    second.acquire()
    assert wait_until(lambda: part.poll() == -9, 5)
    second.release()


def test_lock_file_with_nonsense_is_no_obstacle(tmp_path: Path) -> None:
    settings = load(data=tmp_path)
    settings.run_folder.mkdir()
    (settings.run_folder / "lock").write_text("nonsense")
    lock = DataLock(settings)
    lock.acquire()
    lock.release()
    assert running(settings) is None


def test_reserved_port_lets_our_web_workers_in_and_nobody_else() -> None:
    with reserve("127.0.0.1", 0) as held:
        port = held.getsockname()[1]
        with pytest.raises(PortTaken, match=f"port {port}"):
            reserve("127.0.0.1", port)
        with socket.socket() as stranger, pytest.raises(OSError, match="in use"):
            stranger.bind(("127.0.0.1", port))
        with socket.socket() as worker:
            worker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            worker.bind(("127.0.0.1", port))
            worker.listen()
            with socket.create_connection(("127.0.0.1", port), timeout=2):
                pass
            with pytest.raises(PortTaken):
                reserve("127.0.0.1", port)


def test_plan_has_a_worker_for_each_that_the_settings_want(tmp_path: Path) -> None:
    plan = plan_of(load(data=tmp_path, workers=3))
    assert [part.name for part in plan.parts] == ["web", "scheduler", "robots", "worker-1", "worker-2", "worker-3"]
    assert [part.arguments for part in plan.parts[3:]] == [(1,), (2,), (3,)]


def test_end_of_a_session_leaves_others_alone() -> None:
    mine = Forked(lambda: time.sleep(600))
    other = Forked(lambda: time.sleep(600))
    kill_tree(mine.pid)
    assert wait_until(lambda: mine.poll() == -9, 5)
    kill_session(mine.pid)
    assert other.poll() is None
    kill_tree(other.pid)
    assert wait_until(lambda: other.poll() == -9, 5)
