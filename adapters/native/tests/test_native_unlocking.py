"""A desktop is unlocked for a run and locked afterwards, whatever becomes of the run."""
from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from adapters.native import sessions
from adapters.native.tests.loginctl import Loginctl
from adapters.native.tests.running import FakeRun, Going, execute, number_from, until
from adapters.native.unlocking import desktop_lock, desktop_restore
from plugins import Connection, Context, NotSupported
from plugins.errors import Conflict

ROOT = Path(__file__).parents[3]
SEES = "import os; print('locked' if open(os.environ['RPA_PROCESS_NAME']).read().strip() == 'yes' else 'open')"
WAITS = "import os, time\nopen('{note}', 'w').write(f'{{os.getpid()}}\\n')\ntime.sleep(600)"


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Loginctl:
    """A locked session of this user."""
    made = Loginctl(tmp_path / "logind")
    monkeypatch.setenv("PATH", made.path)
    monkeypatch.setattr(sessions, "PATIENCE", 1.0)
    return made


def ask(operation: Any, folder: Path, **params: Any) -> dict[str, Any]:
    return operation(Context(Connection("native", "native"), folder=folder), params)


def run(folder: Path, session: Loginctl, main: str = SEES, **params: Any) -> tuple[dict[str, Any], FakeRun]:
    told = FakeRun()
    given = {"isAutoUnlockEnabled": True, "processName": str(session.folder / "locked"), **params}
    return execute(folder, {"main.py": main}, told, **given), told


@pytest.mark.parametrize(("main", "state"), [(SEES, "succeeded"), (f"{SEES}; 1/0", "failed")], ids=["success", "failure"])
def test_the_desktop_is_open_for_the_task_and_locked_when_it_has_ended(folder: Path, session: Loginctl, main: str, state: str) -> None:
    answer, told = run(folder, session, main)
    assert answer["taskState"] == state and "open" in told.texts("info")
    assert session.is_locked and session.changes() == ["unlock", "lock"]
    assert told.events == [("unlocked", "任务开始前解锁会话 c7"), ("locked", "任务结束后重新锁定会话 c7")]


def test_it_is_locked_after_a_cancellation_and_after_the_time_is_up(folder: Path, session: Loginctl, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    going = Going(folder, {"main.py": WAITS.format(note=note)}, isAutoUnlockEnabled=True)
    number_from(note)
    assert not session.is_locked
    going.run.commands.append("cancel")
    assert going.wait()["taskState"] == "cancelled" and session.is_locked
    answer, told = run(folder, session, "import time; time.sleep(600)", maxRunTime=0.3)
    assert answer["taskState"] == "timed_out" and session.is_locked
    assert [name for name, _ in told.events] == ["unlocked", "locked"]


ROBOT = """
import sys
from pathlib import Path
from adapters.native.tests.running import FakeRun, execute
execute(Path(sys.argv[1]), {"main.py": sys.argv[2]}, isAutoUnlockEnabled=True)
"""


def killed_robot(folder: Path, session: Loginctl, note: Path, *, guard: bool) -> None:
    """A robot that is killed while it runs a task for which it has unlocked the desktop."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": session.path}
    robot = subprocess.Popen([sys.executable, "-c", ROBOT, str(folder), WAITS.format(note=note)], env=environment)
    number_from(note)
    assert not session.is_locked
    if not guard:
        shells = until(lambda: subprocess.run(["pgrep", "-P", str(robot.pid), "sh"], capture_output=True, text=True, check=False).stdout.split())
        for each in shells:
            os.kill(int(each), 9)
    robot.kill()
    robot.wait()


def test_it_is_locked_at_once_when_the_robot_is_killed(folder: Path, session: Loginctl, tmp_path: Path) -> None:
    killed_robot(folder, session, tmp_path / "pid", guard=True)
    until(lambda: session.is_locked)
    until(lambda: list((folder / "unlocked").glob("*.locked")))
    [told] = ask(desktop_restore, folder)["restored"]
    assert told == {"taskId": "41", "detail": "任务的执行进程中断后重新锁定会话 c7"}
    assert ask(desktop_restore, folder) == {"restored": []}


def test_it_is_locked_by_whoever_comes_next_when_nobody_else_could(folder: Path, session: Loginctl, tmp_path: Path) -> None:
    killed_robot(folder, session, tmp_path / "pid", guard=False)
    assert not session.is_locked
    assert len(ask(desktop_restore, folder)["restored"]) == 1
    assert session.is_locked


def test_the_last_of_several_runs_on_one_desktop_locks_it(folder: Path, session: Loginctl, tmp_path: Path) -> None:
    going = Going(folder, {"main.py": WAITS.format(note=tmp_path / "pid")}, isAutoUnlockEnabled=True)
    number_from(tmp_path / "pid")
    run(folder, session)
    assert not session.is_locked and session.changes() == ["unlock"]
    going.run.commands.append("cancel")
    going.wait()
    assert session.is_locked and session.changes() == ["unlock", "lock"]


def test_a_desktop_that_was_open_before_stays_open(folder: Path, session: Loginctl) -> None:
    session.set(False)
    _, told = run(folder, session)
    assert (session.is_locked, session.changes(), told.events) == (False, [], [])


def test_without_the_setting_nothing_is_touched(folder: Path, session: Loginctl) -> None:
    answer, told = run(folder, session, isAutoUnlockEnabled=False)
    assert answer["taskState"] == "succeeded" and "locked" in told.texts("info")
    assert (session.is_locked, session.changes()) == (True, [])


def test_a_task_does_not_run_on_a_desktop_that_stays_locked(folder: Path, session: Loginctl) -> None:
    session.turn_deaf()
    answer, told = run(folder, session)
    assert answer["taskState"] == "failed" and "无法解锁桌面" in answer["reason"]
    assert [name for name, _ in told.events] == ["unlock_failed"] and "open" not in told.texts()
    assert ask(desktop_restore, folder) == {"restored": []}


def test_where_there_is_no_session_the_task_runs_and_says_so(folder: Path, session: Loginctl) -> None:
    session.log_out()
    answer, told = run(folder, session)
    assert answer["taskState"] == "succeeded" and any("没有可锁定的桌面会话" in each for each in told.texts("info"))
    assert told.events == [] and session.changes() == []


def test_an_operator_locks_and_unlocks(folder: Path, session: Loginctl) -> None:
    assert ask(desktop_lock, folder, isLocked=False, machineUsername="") == {"changed": True, "detail": "已解锁会话 c7"}
    assert not session.is_locked
    assert ask(desktop_lock, folder, isLocked=False, machineUsername="")["changed"] is False
    assert ask(desktop_lock, folder, isLocked=True, machineUsername="")["changed"] is True and session.is_locked
    with pytest.raises(Conflict, match="没有可锁定的桌面会话"):
        ask(desktop_lock, folder, isLocked=True, machineUsername="--help")
    session.turn_deaf()
    with pytest.raises(Conflict, match="未解锁"):
        ask(desktop_lock, folder, isLocked=False, machineUsername="")


def test_windows_sessions_are_locked_by_the_documented_call_and_never_claimed_to_be_unlocked(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[list[str]] = []
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(subprocess, "run", lambda command, **_: called.append(command) or subprocess.CompletedProcess(command, 0))
    desktop = sessions.desktop_of("somebody")
    assert isinstance(desktop, sessions.WindowsSession) and desktop.is_locked() is None
    desktop.set_locked(True)
    assert called[0][0].endswith("rundll32.exe") and called[0][1:] == ["user32.dll,LockWorkStation"]
    with pytest.raises(NotSupported):
        desktop.set_locked(False)
