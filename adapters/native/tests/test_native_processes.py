"""Every process of a run obeys, and none outlives it, whatever it or its robot does."""
from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from adapters.native import runner
from adapters.native.leftovers import reap_leftovers
from adapters.native.tests.running import DAEMON, FakeRun, Going, execute, is_alive, number_from, until, zombies

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("wipe", [False, True], ids=["daemon", "daemon without environment"])
def test_cancel_ends_daemons_as_well(folder: Path, tmp_path: Path, wipe: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "GRACE", 0.3)
    note = tmp_path / "pid"
    going = Going(folder, {"main.py": f"{DAEMON}\ndaemon({str(note)!r}, {wipe})\nprint('up')\ntime.sleep(600)"})
    daemon = number_from(note)
    going.run.commands.append("cancel")
    answer = going.wait()
    assert (answer["taskState"], answer["reason"]) == ("cancelled", "任务已取消")
    assert not is_alive(daemon)
    assert any(text.startswith("已结束任务的全部进程（2 个") for text in going.run.texts("info"))


@pytest.mark.parametrize("wipe", [False, True], ids=["daemon", "daemon without environment"])
def test_what_a_process_leaves_behind_is_ended(folder: Path, tmp_path: Path, wipe: bool) -> None:
    note = tmp_path / "pid"
    run = FakeRun()
    main = f"{DAEMON}\ndaemon({str(note)!r}, {wipe})\nwhile not os.path.exists({str(note)!r}): time.sleep(0.01)\n"
    answer = execute(folder, {"main.py": main}, run)
    assert answer["taskState"] == "succeeded"
    assert not is_alive(number_from(note))
    assert any("主进程结束后仍有 1 个子进程" in text for text in run.texts("warn"))


def test_process_that_ignores_sigterm_is_killed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "GRACE", 0.3)
    going = Going(folder, {"main.py": "import signal,time\nsignal.signal(15, signal.SIG_IGN)\nprint('up')\ntime.sleep(600)"})
    until(lambda: "up" in going.run.texts())
    going.run.commands.append("cancel")
    assert going.wait()["taskState"] == "cancelled"


def test_process_that_never_stops_forking_is_caught(folder: Path) -> None:
    main = """
import os, time
end = time.time() + 8
if os.fork():
    time.sleep(600)
print("up")
while time.time() < end:
    time.sleep(0.001)
    if os.fork():
        os._exit(0)
"""
    before = zombies()
    going = Going(folder, {"main.py": main})
    until(lambda: "up" in going.run.texts())
    going.run.commands.append("cancel")
    assert going.wait()["taskState"] == "cancelled"
    assert any(text.startswith("已结束任务的全部进程") for text in going.run.texts("info"))
    assert zombies() <= before


COUNTING = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time\\nn=0\\nwhile True:\\n n+=1\\n print(n, flush=True)\\n time.sleep(0.005)"])
child.wait()
"""


def test_pause_stops_the_whole_tree_and_its_clock(folder: Path) -> None:
    going = Going(folder, {"main.py": COUNTING}, maxRunTime=1)
    until(lambda: len(going.run.lines) > 5)
    going.run.commands.append("pause")
    until(lambda: going.run.pauses == [True])
    time.sleep(0.1)  # What was in the pipe has been read by then.
    said = len(going.run.lines)
    time.sleep(1.3)  # Longer than the run may last: the paused time does not count.
    assert len(going.run.lines) == said
    assert not going.answer
    going.run.commands.append("resume")
    until(lambda: going.run.pauses == [True, False])
    until(lambda: len(going.run.lines) > said + 5)
    answer = going.wait()
    assert (answer["taskState"], answer["reason"]) == ("timed_out", "运行时间超过上限 1 秒")


def test_paused_task_can_be_cancelled(folder: Path) -> None:
    going = Going(folder, {"main.py": COUNTING})
    until(lambda: len(going.run.lines) > 5)
    going.run.commands.append("pause")
    until(lambda: going.run.pauses == [True])
    started = time.monotonic()
    going.run.commands.append("cancel")
    assert going.wait()["taskState"] == "cancelled"
    assert time.monotonic() - started < 2.5  # It saw the SIGTERM: nobody had to wait for the SIGKILL.


def test_run_that_cannot_be_commanded_is_ended(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "DEAF_FOR", 0.2)

    class Deaf(FakeRun):
        def command(self, timeout: float = 0.0) -> str | None:
            raise RuntimeError("no connection")

    with pytest.raises(RuntimeError, match="no connection"):
        execute(folder, {"main.py": "import time\ntime.sleep(600)"}, Deaf())
    assert not list(folder.glob("runs/*.json"))


ROBOT_PROCESS = """
import sys
from pathlib import Path
from adapters.native.tests.running import FakeRun, execute
execute(Path(sys.argv[1]), {"main.py": sys.argv[2]})
"""


@pytest.fixture
def robot_process(folder: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts a robot, a process of its own that may be killed, with one task."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(main: str, **variables: str) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
        started.append(subprocess.Popen([sys.executable, "-c", ROBOT_PROCESS, str(folder), main], env=environment))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.wait()


def test_killed_robot_takes_its_processes_with_it(folder: Path, tmp_path: Path, robot_process: Callable[..., Any]) -> None:
    note, daemon_note = tmp_path / "pid", tmp_path / "daemon"
    main = f"{DAEMON}\ndaemon({str(daemon_note)!r}, False)\nopen({str(note)!r},'w').write(f'{{os.getpid()}}\\n')\ntime.sleep(600)"
    robot = robot_process(main)
    task, daemon = number_from(note), number_from(daemon_note)
    until(lambda: [path for path in folder.glob("runs/*.json") if "leaderStart" in path.read_text()])
    robot.send_signal(signal.SIGKILL)
    robot.wait()
    until(lambda: not is_alive(task), 1.0)  # The kernel does this one,
    until(lambda: not is_alive(daemon))  # and the guard that one.
    until(lambda: not list(folder.glob("runs/*.json")))
    assert not list(folder.glob("tasks/*/run/input.json"))


@pytest.mark.parametrize("path", [os.environ["PATH"], "/nowhere"], ids=["with setpriv", "without setpriv"])
def test_next_run_ends_what_neither_kernel_nor_guard_has_ended(
    folder: Path, tmp_path: Path, robot_process: Callable[..., Any], path: str
) -> None:
    note, daemon_note = tmp_path / "pid", tmp_path / "daemon"
    main = f"{DAEMON}\ndaemon({str(daemon_note)!r}, False)\nopen({str(note)!r},'w').write(f'{{os.getpid()}}\\n')\ntime.sleep(600)"
    robot = robot_process(main, PATH=path)
    task, daemon = number_from(note), number_from(daemon_note)
    guard = until(lambda: [child for child in psutil.Process(robot.pid).children() if child.name() == "sh"])[0]
    guard.kill()
    robot.kill()
    robot.wait()
    until(lambda: not is_alive(task))  # The kernel has ended this one alone.
    assert is_alive(daemon)
    assert execute(folder, {"main.py": "print(1)"}, keepWorkFolders=1)["taskState"] == "succeeded"
    assert not is_alive(daemon)
    assert len(list(folder.glob("tasks/*"))) == 1


def test_run_is_ended_when_its_own_thread_is_interrupted(folder: Path, tmp_path: Path) -> None:
    class Interrupted(Exception):
        """What a time limit of the caller raises."""

    def interrupt(*_: object) -> None:
        raise Interrupted

    class Impatient(FakeRun):
        def log(self, level: str, message: str, at: datetime | None = None, step: str | None = None) -> None:
            super().log(level, message, at, step)
            if message == "up":
                signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)

    others = psutil.Process().children()  # servers of other tests
    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        with pytest.raises(Interrupted):
            execute(folder, {"main.py": f"{DAEMON}\ndaemon({str(tmp_path / 'pid')!r}, False)\nprint('up')\ntime.sleep(600)"}, Impatient())
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert not list(folder.glob("runs/*.json"))
    # A guard that was just being started when the thread was interrupted looks around once more before it ends.
    until(lambda: not [child for child in psutil.Process().children() if child not in others and is_alive(child.pid)])


def test_runs_of_other_machines_that_share_the_folder_are_left_alone(folder: Path) -> None:
    note = folder / "runs" / "abc.json"
    note.parent.mkdir(parents=True)
    note.write_text(json.dumps({"runId": "abc", "machine": "another", "boot": "x", "owner": 1, "ownerStart": 0.0, "leader": None}))
    assert reap_leftovers(folder) == 0
    assert note.exists()
    note.write_text(note.read_text().replace("another", socket.gethostname()))
    reap_leftovers(folder)
    assert not note.exists()


def test_live_runs_of_other_robots_are_left_alone(folder: Path) -> None:
    going = Going(folder, {"main.py": "import time\nprint('up')\ntime.sleep(600)"})
    until(lambda: "up" in going.run.texts())
    assert reap_leftovers(folder) == 0
    assert not going.answer
    going.run.commands.append("cancel")
    going.wait()


def test_two_runs_in_one_process_do_not_end_each_other(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "GRACE", 0.3)
    long = Going(folder, {"main.py": f"{DAEMON}\ndaemon({str(tmp_path / 'pid')!r}, False)\nprint('up')\ntime.sleep(600)"})
    daemon = number_from(tmp_path / "pid")
    assert execute(folder, {"main.py": "print(1)"}, taskId="42")["taskState"] == "succeeded"
    assert is_alive(daemon)
    assert not long.answer
    long.run.commands.append("cancel")
    assert long.wait()["taskState"] == "cancelled"


def test_nothing_of_the_runtime_remains_after_a_run(folder: Path) -> None:
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    descriptors = psutil.Process().num_fds()
    threads = threading.active_count()
    for _ in range(3):
        execute(folder, {"main.py": "print(1)"})
    assert {process.pid for process in psutil.Process().children(recursive=True)} <= before
    assert psutil.Process().num_fds() == descriptors
    assert threading.active_count() == threads
