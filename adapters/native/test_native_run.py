"""Runs with real processes: what they say, give back and leave behind."""
from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import pytest

from adapters.native import ADAPTER, logs, runner
from adapters.native.leftovers import reap_leftovers
from adapters.native.logs import LONGEST_LINE, Lines, TaskLog
from adapters.native.task import task_run
from plugins import Connection, Context, FileContent

ROOT = Path(__file__).parents[2]


class FakeRun:
    """The hub's side of a run, kept in lists."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []
        self.times: list[datetime | None] = []
        self.steps: list[tuple[float | None, str | None]] = []
        self.pauses: list[bool] = []
        self.commands: list[str] = []

    def log(self, level: str, message: str, at: datetime | None = None) -> None:
        self.lines.append((level, message))
        self.times.append(at)

    def progress(self, percent: float | None = None, step: str | None = None) -> None:
        self.steps.append((percent, step))

    def command(self, timeout: float = 0.0) -> str | None:
        return self.commands.pop(0) if self.commands else None

    def paused(self, is_paused: bool) -> None:
        self.pauses.append(is_paused)

    def texts(self, level: str | None = None) -> list[str]:
        return [message for each, message in list(self.lines) if level in (None, each)]


class Going:
    """A task that runs in a thread of its own, as in a robot."""

    def __init__(self, folder: Path, files: dict[str, str], **params: Any) -> None:
        self.run = FakeRun()
        self.answer: dict[str, Any] = {}
        self._thread = threading.Thread(target=lambda: self.answer.update(execute(folder, files, self.run, **params)), daemon=True)
        self._thread.start()

    def wait(self) -> dict[str, Any]:
        self._thread.join(20)
        assert self.answer, "the task has not ended"
        return self.answer


def package(files: dict[str, str]) -> FileContent:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return FileContent.of(buffer.getvalue(), "p.zip")


def execute(
    folder: Path, files: dict[str, str], run: FakeRun | None = None, *, inputs: dict[str, str] | None = None, **params: Any
) -> dict[str, Any]:
    content = package(files)
    context = Context(Connection("native", "native"), folder=folder, run=run or FakeRun())
    given = {
        "taskId": "41", "processName": "对账", "robotName": "r1", "package": content, "packageDigest": content.digest(),
        "inParameters": [{"name": name, "value": value} for name, value in (inputs or {}).items()], "logLevel": "info", "maxRunTime": 0,
    }
    return task_run(context, given | params)


def until(condition: Callable[[], Any], patience: float = 10.0) -> Any:
    """The first true answer of ``condition``."""
    deadline = time.monotonic() + patience
    while not (value := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)
    return value


def number_from(path: Path) -> int:
    """The process number that a process has written into a file."""
    return until(lambda: int(path.read_text()) if path.exists() and path.read_text().endswith("\n") else 0)


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def zombies() -> set[int]:
    """This process's children that are dead and have not been waited for."""
    return {child.pid for child in psutil.Process().children() if child.status() == psutil.STATUS_ZOMBIE}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "robot"


# Starts a daemon that has left the session, the parent and, if told so, the environment; it writes its number and sleeps.
DAEMON = """
import os, sys, time
def daemon(path, wipe):
    if os.fork():
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    code = "import os,sys,time,signal\\nsignal.signal(15, signal.SIG_IGN)\\n"
    code += "open(sys.argv[1],'w').write(f'{os.getpid()}\\\\n')\\ntime.sleep(600)"
    os.execve(sys.executable, [sys.executable, "-c", code, path], {} if wipe else dict(os.environ))
"""


def test_success_gives_outputs_log_and_progress(folder: Path) -> None:
    run = FakeRun()
    answer = execute(folder, {"main.py": """
from rpa_task import inputs, log, progress, set_output
print("今日" + inputs()["日期"])
progress(50, "核对")
log("细节", "warn")
set_output("笔数", 12); set_output("笔数", 13); set_output("明细", [{"a": 1}]); set_output("ok", True)
"""}, run, inputs={"日期": "2025-01-02"})
    assert answer == {"taskState": "succeeded", "reason": "", "outParameters": [
        {"name": "笔数", "value": "13"}, {"name": "明细", "value": '[{"a": 1}]'}, {"name": "ok", "value": "true"}]}
    assert ("info", "今日2025-01-02") in run.lines
    assert ("warn", "细节") in run.lines
    assert run.steps == [(50.0, "核对")]


def test_failure_names_exit_code_and_last_error_line(folder: Path) -> None:
    run = FakeRun()
    answer = execute(folder, {"main.py": "raise ValueError('余额不符')"}, run)
    assert answer["taskState"] == "failed"
    assert answer["reason"] == "进程以退出码 1 结束：ValueError: 余额不符"
    assert run.lines[0] == ("warn", "Traceback (most recent call last):")
    assert run.lines[-1] == ("error", f"任务失败：{answer['reason']}")


def test_death_by_signal_is_named(folder: Path) -> None:
    answer = execute(folder, {"main.py": "import os\nos.kill(os.getpid(), 11)"})
    assert (answer["taskState"], answer["reason"]) == ("failed", "进程被信号 SIGSEGV 终止")


def test_lines_arrive_while_the_process_runs(folder: Path) -> None:
    going = Going(folder, {"main.py": "import os,time\nprint('first')\nwhile not os.path.exists('go'): time.sleep(0.01)"})
    until(lambda: "first" in going.run.texts())
    assert not going.answer
    next(folder.glob("tasks/*/work")).joinpath("go").touch()
    assert going.wait()["taskState"] == "succeeded"


def test_output_in_any_encoding_is_read(folder: Path) -> None:
    run = FakeRun()
    execute(folder, {"main.py": r"""
import sys
out = sys.stdout.buffer
out.write("证券代码\n".encode()); out.write("证券代码\n".encode("gb18030")); out.write(b"\xff\xfe\xff\x00\n"); out.write(b"no newline\r\n")
out.write("𠮷 tail".encode())
"""}, run)
    texts = run.texts("info")
    assert texts[0] == texts[1] == "证券代码"
    assert "\x00" not in texts[2]
    assert texts[3:5] == ["no newline", "𠮷 tail"]


def test_long_lines_are_cut_between_characters() -> None:
    pieces: list[str] = []
    lines = Lines(pieces.append)
    text = "a" + "汉" * LONGEST_LINE
    for start in range(0, len(text.encode()), 7001):
        lines.feed(text.encode()[start:start + 7001])
    lines.feed(b"\nshort\nrest")
    lines.feed(b"")
    assert "".join(pieces[:-2]) == text
    assert pieces[-2:] == ["short", "rest"]
    assert max(len(piece.encode()) for piece in pieces) <= LONGEST_LINE


def test_endless_output_is_bounded_with_a_notice(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "MOST_LINES", 100)
    run = FakeRun()
    answer = execute(folder, {"main.py": "for i in range(50_000): print(i)"}, run)
    assert answer["taskState"] == "succeeded"
    assert run.texts("info") == [str(number) for number in range(100)]
    assert len([text for text in run.texts("warn") if "上限" in text]) == 1


def test_log_level_of_the_task_is_obeyed(folder: Path) -> None:
    run = FakeRun()
    execute(folder, {"main.py": "import sys\nprint('i')\nprint('w', file=sys.stderr)"}, run, logLevel="warn")
    assert run.lines == [("warn", "w")]


def test_log_that_cannot_be_written_does_not_stop_the_work() -> None:
    class Broken(FakeRun):
        def log(self, level: str, message: str, at: datetime | None = None) -> None:
            raise RuntimeError("store is down")

    TaskLog(Broken(), "info").write("info", "x")


def test_any_program_can_use_files_and_event_pipe(folder: Path) -> None:
    run = FakeRun()
    answer = execute(folder, {
        "rpa.toml": 'kind = "command"\nentry = "run.sh"\narguments = ["two words"]\n[parameters]\nday = "2025-01-02"\nlots = 100\n',
        "run.sh": """#!/bin/sh
echo "$1"; cat "$RPA_INPUT"; echo
echo '{"event": "progress", "percent": 250, "step": "数数"}' > "$RPA_EVENTS"
echo '{"event": "log", "level": "error", "message": "from shell"}' > "$RPA_EVENTS"
echo 'nonsense' > "$RPA_EVENTS"
echo '[{"name": "n", "value": 1.5}, {"name": "none", "value": null}]' > "$RPA_OUTPUT"
[ "$PWD" = "$RPA_WORK_DIR" ] && [ "$RPA_TASK_ID" = 41 ]
"""}, run, inputs={"lots": "300"})
    assert answer["taskState"] == "succeeded"
    assert answer["outParameters"] == [{"name": "n", "value": "1.5"}, {"name": "none", "value": ""}]
    assert run.texts("info")[0] == "two words"
    assert json.loads(run.texts("info")[1]) == [{"name": "day", "value": "2025-01-02"}, {"name": "lots", "value": "300"}]
    assert run.steps == [(100.0, "数数")]
    assert run.texts("error") == ["from shell"]
    assert len([text for text in run.texts("warn") if "nonsense" in text]) == 1


@pytest.mark.parametrize(
    ("write", "word"),
    [
        ("open(p,'w').write('{')", "JSON"),
        ("open(p,'wb').write('[]'.encode('utf-16'))", "JSON"),
        ("open(p,'w').write('['*100000)", "JSON"),
        ("open(p,'w').write('{\"a\": 1}')", "形式"),
        ("open(p,'w').write('[{\"name\": 1}]')", "形式"),
        ("open(p,'w').write(' '*2_000_000)", "1 MiB"),
        ("os.mkfifo(p)", "普通文件"),
        ("os.symlink('/etc/hostname', p)", "不能读取"),
        ("os.mkdir(p)", "普通文件"),
    ],
)
def test_unusable_output_file_fails_the_task(folder: Path, write: str, word: str) -> None:
    answer = execute(folder, {"main.py": f"import os\np = os.environ['RPA_OUTPUT']\n{write}"})
    assert answer["taskState"] == "failed"
    assert word in answer["reason"]


def test_missing_required_parameter_fails_before_anything_runs(folder: Path) -> None:
    toml = 'kind = "python"\nentry = "main.py"\n[parameters.day]\nrequired = true\ndescription = "交易日期"\n'
    answer = execute(folder, {"main.py": "", "rpa.toml": toml})
    assert answer["taskState"] == "failed"
    assert "缺少流程参数：day" in answer["reason"]


def test_missing_program_and_missing_robocorp_are_named(folder: Path) -> None:
    answer = execute(folder, {"rpa.toml": 'kind = "command"\nentry = "no-such-program"'})
    assert "本机没有程序 no-such-program" in answer["reason"]
    answer = execute(folder, {"rpa.toml": 'kind = "command"\nentry = "data"', "data": "neither script nor program"})
    assert answer["reason"].endswith("无法启动 data：Exec format error")
    answer = execute(folder, {"tasks.py": "from robocorp.tasks import task\n@task\ndef one(): print(1)"})
    assert "robocorp" in answer["reason"] or answer["taskState"] == "succeeded"


def test_task_without_package_fails(folder: Path) -> None:
    answer = execute(folder, {}, package=None, packageDigest="")
    assert (answer["taskState"], "没有流程包" in answer["reason"]) == ("failed", True)


def test_content_that_is_not_what_its_digest_says_is_not_run(folder: Path) -> None:
    answer = execute(folder, {"main.py": "open('ran', 'w')"}, packageDigest="0" * 64)
    assert (answer["taskState"], "摘要不符" in answer["reason"]) == ("failed", True)
    assert not list(folder.glob("tasks/*"))


def test_environment_holds_nothing_of_the_hub(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RPAHUB_MASTER_KEY", "top-secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "top-secret")
    monkeypatch.setenv("LC_TIME", "zh_CN.UTF-8")
    run = FakeRun()
    execute(folder, {"main.py": "import os,json\nprint(json.dumps(dict(os.environ)))"}, run)
    environment = json.loads(run.texts("info")[0])
    assert "top-secret" not in environment.values()
    assert not [name for name in environment if name.startswith("RPAHUB")]
    assert environment["LC_TIME"] == "zh_CN.UTF-8"
    assert environment["TMPDIR"].startswith(str(folder))


def test_no_descriptor_of_the_robot_reaches_the_process(folder: Path) -> None:
    run = FakeRun()
    with open(os.devnull, "rb") as secret:
        os.set_inheritable(secret.fileno(), True)
        execute(folder, {"main.py": "import os\nprint(sorted(int(n) for n in os.listdir('/proc/self/fd')))"}, run)
    assert len(json.loads(run.texts("info")[0])) == 4  # The three standard ones, and that of the listing itself.


def test_tasks_work_in_their_own_copy_and_old_copies_go(folder: Path) -> None:
    files = {"main.py": "print(open('data.txt').read())\nopen('data.txt','w').write('changed')", "data.txt": "original"}
    for number in range(4):
        run = FakeRun()
        execute(folder, files, run, taskId=f"../{number}", keepWorkFolders=2)
        assert run.texts("info") == ["original"]
    kept = sorted(path.name.split("-")[0] for path in (folder / "tasks").iterdir())
    assert kept == ["___2", "___3"]
    assert not list(folder.glob("tasks/*/run"))
    assert not list(folder.glob("runs/*.json"))


def test_folder_that_the_process_has_locked_is_removed_all_the_same(folder: Path) -> None:
    locking = {"main.py": "import os\nos.makedirs('a/b')\nopen('a/b/c','w')\nos.chmod('a/b', 0o500)\nos.chmod('a', 0o000)"}
    execute(folder, locking, keepWorkFolders=0)
    assert list((folder / "tasks").iterdir()) == []


def test_robots_that_unpack_one_package_at_once_all_succeed(folder: Path) -> None:
    files = {"main.py": "import lib.m7; print(lib.m7.x)", **{f"lib/m{n}.py": f"x={n}" for n in range(60)}}
    tasks = [Going(folder, files) for _ in range(4)]
    assert [task.wait()["taskState"] for task in tasks] == ["succeeded"] * 4
    assert [task.run.texts("info") for task in tasks] == [["7"]] * 4
    assert len(list((folder / "packages").iterdir())) == 1


ROBOT = """
*** Settings ***
Library    rpa_task

*** Variables ***
${日期}    2000-01-01

*** Tasks ***
核对
    Log    日期 ${日期}
    Log    细节    DEBUG
    Log    小心    WARN
    Should Be Equal    ${{ type($日期).__name__ }}    str
    Set Output    日期    ${日期}
    Set Progress    40    比较金额
    ${all} =    Inputs
    Should Be Equal    ${all}[日期]    ${日期}
"""


def test_robot_suite_with_inputs_outputs_levels_and_results(folder: Path) -> None:
    run = FakeRun()
    answer = execute(folder, {"对账.robot": ROBOT}, run, inputs={"日期": "2025-01-02"}, logLevel="debug")
    assert answer == {"taskState": "succeeded", "outParameters": [{"name": "日期", "value": "2025-01-02"}], "reason": ""}
    for line in [("info", "日期 2025-01-02"), ("debug", "细节"), ("warn", "小心"), ("debug", "关键字：rpa_task.Set Progress")]:
        assert run.lines.count(line) == 1
    assert run.steps[-1] == (40.0, "比较金额")
    assert all(at is not None for at in run.times)
    assert {path.name for path in folder.glob("tasks/*/robot/*")} == {"output.xml", "log.html"}


def test_failing_robot_task_gives_its_message_as_reason(folder: Path) -> None:
    run = FakeRun()
    failing = "*** Tasks ***\n好\n    Log    好\n坏\n    Fail    金额不符\n"
    answer = execute(folder, {"a.robot": failing, "b.robot": ROBOT}, run, inputs={"日期": "1"})
    assert answer["taskState"] == "failed"
    assert answer["reason"] == "进程以退出码 1 结束：坏：金额不符"
    assert ("error", "金额不符") in run.lines
    assert "细节" not in run.texts()


def test_robot_suite_that_cannot_be_read_fails_with_its_words(folder: Path) -> None:
    run = FakeRun()
    answer = execute(folder, {"a.robot": "*** Settings ***\nLibrary    no_such_library\n*** Tasks ***\nOne\n    Unheard Of\n"}, run)
    assert "No keyword with name 'Unheard Of' found" in answer["reason"]
    assert any("no_such_library" in text for text in run.texts("error"))


def test_name_that_cannot_be_a_variable_is_still_an_input(folder: Path) -> None:
    run = FakeRun()
    suite = "*** Settings ***\nLibrary    rpa_task\n*** Tasks ***\nOne\n    ${all} =    Inputs\n    Log    ${all}[a{b]\n"
    assert execute(folder, {"a.robot": suite}, run, inputs={"a{b": "值"})["taskState"] == "succeeded"
    assert "值" in run.texts("info")
    assert any("a{b" in text for text in run.texts("warn"))


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


def test_cancelled_robot_framework_writes_its_results(folder: Path) -> None:
    going = Going(folder, {"a.robot": "*** Tasks ***\nOne\n    Log    up\n    Sleep    60\n"})
    until(lambda: "up" in going.run.texts())
    going.run.commands.append("cancel")
    assert going.wait()["taskState"] == "cancelled"
    assert list(folder.glob("tasks/*/robot/log.html"))


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
from adapters.native.test_native_run import FakeRun, execute
execute(Path(sys.argv[1]), {"main.py": sys.argv[2]})
"""


@pytest.fixture
def robot_process(folder: Path) -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    """Starts a robot, a process of its own that may be killed, with one task."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(main: str) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
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


def test_next_run_ends_what_neither_kernel_nor_guard_has_ended(folder: Path, tmp_path: Path, robot_process: Callable[..., Any]) -> None:
    daemon_note = tmp_path / "daemon"
    robot = robot_process(f"{DAEMON}\ndaemon({str(daemon_note)!r}, False)\ntime.sleep(600)")
    daemon = number_from(daemon_note)
    guard = until(lambda: [child for child in psutil.Process(robot.pid).children() if child.name() == "sh"])[0]
    guard.kill()
    robot.kill()
    robot.wait()
    assert is_alive(daemon)
    assert execute(folder, {"main.py": "print(1)"})["taskState"] == "succeeded"
    assert not is_alive(daemon)


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


DOCUMENTATION = (ROOT / "docs" / "packages.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"^### Example: (.*?)\n(.*?)(?=^###|\Z)", DOCUMENTATION, re.MULTILINE | re.DOTALL))


@pytest.mark.parametrize("title", EXAMPLES)
def test_examples_of_the_documentation_run(folder: Path, title: str) -> None:
    files = dict(re.findall(r"^`([^`]+)`:\n\n```\w+\n(.*?)^```", EXAMPLES[title], re.MULTILINE | re.DOTALL))
    if "tasks.py" in files and find_spec("robocorp") is None:
        pytest.skip("robocorp is not installed")
    run = FakeRun()
    answer = execute(folder, files, run)
    assert answer["taskState"] == "succeeded", run.lines
    assert answer["outParameters"]
    assert len(EXAMPLES) == 4


def test_adapter_needs_no_configuration() -> None:
    assert ADAPTER.name == "native"
    assert not ADAPTER.needs_address
    assert not ADAPTER.form().fields
