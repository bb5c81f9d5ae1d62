"""What processes are given, what they say, and what they give back."""
from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path

import pytest

from adapters.native import ADAPTER, logs, workspace
from adapters.native.logs import LONGEST_LINE, Lines, TaskLog
from adapters.native.tests.running import FakeRun, Going, execute, until


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
    assert run.lines[0][0] == "error"
    assert run.lines[0][1].startswith("Traceback (most recent call last):\n  File ")
    assert run.lines[0][1].endswith("\nValueError: 余额不符")
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
        def log(self, level: str, message: str, at: datetime | None = None, step: str | None = None) -> None:
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


def test_adapter_needs_no_configuration() -> None:
    assert ADAPTER.name == "native"
    assert not ADAPTER.needs_address
    assert not ADAPTER.form().fields


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
    answers = [task.wait() for task in tasks]
    assert [answer["taskState"] for answer in answers] == ["succeeded"] * 4, answers
    assert [task.run.texts("info") for task in tasks] == [["7"]] * 4
    assert len(list((folder / "packages").iterdir())) == 1


def test_package_cache_forgets_the_old_and_the_unfinished(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspace, "KEEP_PACKAGES", 2)
    packages = folder / "packages"
    for number in range(3):
        execute(folder, {"main.py": f"print({number})"})
    (packages / f".{'0' * 64}-x").mkdir()
    assert len(list(packages.iterdir())) == 4  # All were used within the hour.
    for each in packages.iterdir():
        os.utime(each, (1, 1))
    execute(folder, {"main.py": "print('new')"})
    assert len(list(packages.iterdir())) == 2
    assert not list(packages.glob(".*"))


def test_an_exception_is_one_entry_with_what_it_came_from(folder: Path) -> None:
    run = FakeRun()
    main = """
import sys
try:
    try:
        1 / 0
    except ZeroDivisionError as error:
        raise ValueError("balance") from error
except ValueError:
    import traceback
    traceback.print_exc()
print("goes on", file=sys.stderr)
raise KeyError("x")
"""
    answer = execute(folder, {"main.py": main}, run)
    first, between, last = run.lines[:3]
    assert first[0] == last[0] == "error"
    assert first[1].count("Traceback") == 2
    assert first[1].endswith("ValueError: balance")
    assert between == ("warn", "goes on")
    assert last[1].endswith("KeyError: 'x'")
    assert answer["reason"] == "进程以退出码 1 结束：KeyError: 'x'"


def test_an_exception_of_a_process_that_goes_on_appears_while_it_does(folder: Path) -> None:
    main = "import os, time, traceback\ntry: 1 / 0\nexcept ZeroDivisionError: traceback.print_exc()\nwhile not os.path.exists('go'): time.sleep(0.01)"
    going = Going(folder, {"main.py": main})
    until(lambda: any(text.endswith("ZeroDivisionError: division by zero") for text in going.run.texts("error")))
    next(folder.glob("tasks/*/work")).joinpath("go").touch()
    assert going.wait()["taskState"] == "succeeded"


def test_lines_are_said_in_the_present_step(folder: Path) -> None:
    run = FakeRun()
    main = "import rpa_task\nrpa_task.log('a')\nrpa_task.progress(10, '核对')\nrpa_task.log('b')\nrpa_task.progress(50)\nrpa_task.log('c')\n"
    execute(folder, {"main.py": main}, run)
    assert list(zip(run.texts(), run.line_steps, strict=True)) == [("a", None), ("b", "核对"), ("c", "核对")]


def test_work_folders_go_when_they_are_old(folder: Path) -> None:
    execute(folder, {"main.py": ""}, taskId="old")
    for mark in folder.glob("tasks/*/ended"):
        os.utime(mark, (1, 1))
    execute(folder, {"main.py": ""}, taskId="new", keepWorkDays=1)
    assert [path.name.split("-")[0] for path in (folder / "tasks").iterdir()] == ["new"]
