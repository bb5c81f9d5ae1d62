"""Packages with requirements run in environments of their own, which are built once, shared, and never seen half built."""
from __future__ import annotations

import base64
import hashlib
import io
import os
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from adapters.native import environments
from adapters.native.tests.running import FakeRun, Going, execute, is_alive, number_from, package, until
from plugins import FileContent


def wheel(name: str, version: str = "1.0", files: dict[str, str] | None = None, requires: str = "") -> tuple[str, bytes]:
    """A wheel as pip takes it: its file name and content."""
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n" + (f"Requires-Dist: {requires}\n" if requires else "")
    content = {
        **(files or {f"{name}.py": f"VERSION = {version!r}\n"}), f"{info}/METADATA": metadata,
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }  # fmt: skip
    record = "".join(
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b'=').decode()},{len(text.encode())}\n"
        for path, text in content.items()
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, text in {**content, f"{info}/RECORD": record}.items():
            archive.writestr(path, text)
    return f"{name}-{version}-py3-none-any.whl", buffer.getvalue()


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """A folder of wheels, as a machine without an index has one."""
    folder = tmp_path / "offline"
    folder.mkdir()
    for name, version in (("ledger", "1.0"), ("ledger", "2.0"), ("broken", "1.0")):
        file, content = wheel(name, version, requires="not-there" if name == "broken" else "")
        (folder / file).write_bytes(content)
    return folder


def run_with(folder: Path, wheels: Path, files: dict[str, str], run: FakeRun | None = None, **params: Any) -> dict[str, Any]:
    return execute(folder, files, run, pip={"find_links": str(wheels)}, **params)


MAIN = "import ledger, sys, rpa_task\nprint(ledger.VERSION, sys.prefix)\nrpa_task.set_output('version', ledger.VERSION)"


def links(folder: Path) -> list[Path]:
    return [each for each in (folder / "environments").iterdir() if each.is_symlink()]


def test_requirements_are_installed_once_and_found_by_the_process(folder: Path, wheels: Path) -> None:
    first, second, other = FakeRun(), FakeRun(), FakeRun()
    answer = run_with(folder, wheels, {"main.py": MAIN, "requirements.txt": "ledger==1.0  # books\n\n"}, first)
    assert (answer["taskState"], answer["outParameters"]) == ("succeeded", [{"name": "version", "value": "1.0"}]), first.lines
    assert any("ledger-1.0" in text for text in first.texts("info"))  # pip tells what it does
    assert str(folder / "environments") in first.texts("info")[-1]
    assert run_with(folder, wheels, {"main.py": MAIN + "\n", "requirements.txt": "ledger==1.0"}, second)["taskState"] == "succeeded"
    assert len(second.texts("info")) == 1  # Another package of the same requirements: nothing is installed.
    assert run_with(folder, wheels, {"main.py": MAIN, "requirements.txt": "ledger>1"}, other)["outParameters"][0]["value"] == "2.0"
    assert len(links(folder)) == 2
    assert not list(folder.glob("tasks/*/run"))


def test_nothing_of_the_hub_is_importable_but_robot_framework(folder: Path, wheels: Path) -> None:
    main = "import robot, rpa_task, ledger\nfor name in ('flask', 'sqlalchemy', 'psutil', 'hub'):\n"
    main += "    try: __import__(name)\n    except ImportError: continue\n    raise SystemExit(name)"
    assert run_with(folder, wheels, {"main.py": main, "requirements.txt": "ledger"})["taskState"] == "succeeded"


def test_robot_framework_runs_in_the_environment(folder: Path, wheels: Path) -> None:
    run = FakeRun()
    suite = "*** Settings ***\nLibrary    rpa_task\n*** Tasks ***\nOne\n    ${v} =    Evaluate    ledger.VERSION    modules=ledger\n    Set Output    v    ${v}\n"
    files = {"a.robot": suite, "rpa.toml": 'kind = "robot"\nentry = "a.robot"\nrequirements = ["ledger==2.0"]\n'}
    answer = run_with(folder, wheels, files, run)
    assert (answer["taskState"], answer["outParameters"]) == ("succeeded", [{"name": "v", "value": "2.0"}]), run.lines


def test_wheels_in_the_package_need_no_index(folder: Path) -> None:
    name, content = wheel("ledger", "3.0")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("main.py", MAIN)
        archive.writestr("requirements.txt", "ledger")
        archive.writestr(f"wheels/{name}", content)
    package = FileContent.of(buffer.getvalue(), "p.zip")
    answer = execute(folder, {}, package=package, packageDigest=package.digest(), pip={"index_url": "http://127.0.0.1:9/simple"})
    assert answer["outParameters"] == [{"name": "version", "value": "3.0"}]


def test_a_failed_installation_fails_the_task_with_the_words_of_pip_and_is_not_used(folder: Path, wheels: Path) -> None:
    files = {"main.py": "open('ran', 'w')", "requirements.txt": "broken"}
    for _ in range(2):
        answer = run_with(folder, wheels, files)
        assert answer["taskState"] == "failed"
        assert answer["reason"].startswith("安装依赖失败：ERROR: Could not find a version that satisfies the requirement not-there")
    assert links(folder) == []
    assert not list(folder.glob("environments/*.*/"))
    assert not list(folder.glob("tasks/*/work/ran"))


def test_what_a_killed_builder_left_is_not_used(folder: Path, wheels: Path) -> None:
    files = {"main.py": MAIN, "requirements.txt": "ledger==1.0"}
    run_with(folder, wheels, files)
    (link,) = links(folder)
    half = folder / "environments" / f"{link.name}.half"
    (half / "bin").mkdir(parents=True)
    link.unlink()
    assert run_with(folder, wheels, files)["taskState"] == "succeeded"
    assert not half.exists()


def test_a_password_in_the_index_address_reaches_neither_log_nor_process_nor_disk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_RETRIES", "0")
    run = FakeRun()
    secret = "Geheim-1%25!"
    index = f"http://robot:{secret}@127.0.0.1:9/simple"
    answer = execute(folder, {"main.py": "", "requirements.txt": "ledger"}, run, pip={"index_url": index}, keepWorkFolders=5)
    assert answer["reason"].startswith("安装依赖失败")
    assert "Geheim" not in repr(run.lines) + answer["reason"]
    assert not [path for path in folder.rglob("*") if path.is_file() and b"Geheim" in path.read_bytes()]


def sleeper(folder: Path) -> dict[str, str]:
    """A package whose wheel of a local project takes for ever: built with what the environment has, so that no index is asked."""
    backend = "import os, time\ndef build_wheel(*a, **k):\n    open(os.environ['HOME'] + '/pid', 'w').write(f'{os.getpid()}\\n')\n    time.sleep(600)\n"
    backend += "def get_requires_for_build_wheel(*a, **k): return []\n"
    project = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n[project]\nname = "slow"\nversion = "1"\n'
    return {"main.py": "print('never')", "requirements.txt": "./slow\n", "slow/pyproject.toml": project, "slow/backend.py": backend}


@pytest.mark.parametrize(("command", "state"), [("cancel", "cancelled"), (None, "timed_out")])
def test_cancel_and_run_time_end_an_installation(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str | None, state: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    going = Going(folder, sleeper(folder), maxRunTime=0 if command else 4)
    builder = number_from(tmp_path / "pid")
    if command:
        going.run.commands.append(command)
    assert going.wait()["taskState"] == state
    assert not is_alive(builder)
    assert "never" not in going.run.texts()
    assert links(folder) == []


def test_an_installation_can_be_paused_and_others_that_need_it_wait_and_say_so(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    files = sleeper(folder)
    files["slow/backend.py"] = files["slow/backend.py"].replace(
        "time.sleep(600)", "import sys\n    while not os.path.exists(os.environ['HOME'] + '/go'): time.sleep(0.02)\n    sys.exit(3)"
    )
    content = package(files)
    same = {"package": content, "packageDigest": content.digest()}
    first = Going(folder, files, **same)
    builder = number_from(tmp_path / "pid")
    first.run.commands.append("pause")
    until(lambda: first.run.pauses == [True])
    second = Going(folder, files, taskId="42", **same)
    until(lambda: any("等待其完成" in text for text in second.run.texts("info")))
    assert is_alive(builder)
    second.run.commands.append("cancel")
    assert second.wait()["taskState"] == "cancelled"
    (tmp_path / "go").touch()
    first.run.commands.append("resume")
    assert first.wait()["reason"].startswith("安装依赖失败：× ")


def test_several_robots_that_need_one_environment_build_it_once(folder: Path, wheels: Path) -> None:
    tasks = [Going(folder, {"main.py": MAIN, "requirements.txt": "ledger"}, taskId=str(n), pip={"find_links": str(wheels)}) for n in range(3)]
    assert [task.wait()["taskState"] for task in tasks] == ["succeeded"] * 3
    assert sum("依赖已安装" in task.run.texts("info") for task in tasks) == 1


def test_environments_go_by_their_last_use_but_not_from_under_a_task(folder: Path, wheels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = Going(folder, {"main.py": "import time, ledger\nprint('up')\ntime.sleep(600)", "requirements.txt": "ledger==1.0"}, pip={"find_links": str(wheels)})
    until(lambda: "up" in old.run.texts())
    for link in links(folder):
        os.utime(link, (1, 1))
    run_with(folder, wheels, {"main.py": MAIN, "requirements.txt": "ledger==2.0"}, keepEnvironments=1)
    assert len(links(folder)) == 2  # One is in use, however old it looks.
    old.run.commands.append("cancel")
    old.wait()
    for link in links(folder):
        os.utime(link, (time.time() - 2 * environments.LEAST_AGE,) * 2)
    run_with(folder, wheels, {"main.py": MAIN, "requirements.txt": "ledger==2.0"}, keepEnvironments=1)
    assert len(links(folder)) == 1
    assert len([each for each in (folder / "environments").iterdir() if each.is_dir() and not each.is_symlink()]) == 1


def test_packages_of_robocorp_name_their_requirements_in_their_own_files(folder: Path, tmp_path: Path) -> None:
    stand_in = {"robocorp/tasks/__init__.py": "", "robocorp/tasks/__main__.py": "import ledger, sys\nprint('ran', sys.argv[1:])\n"}
    offline = tmp_path / "offline"
    offline.mkdir()
    for file, content in (wheel("robocorp", "9", stand_in), wheel("ledger")):
        (offline / file).write_bytes(content)
    conda = "channels: [conda-forge]\ndependencies:\n  - python=3.11\n  - pip=23\n  - pip:\n      - robocorp==9\n      - ledger==1.0\n"
    package = "dependencies:\n  conda-forge:\n    - python=3.11\n  pypi:\n    - robocorp=9\n    - ledger=1.0\n"
    for files in ({"conda.yaml": conda}, {"package.yaml": package}):
        run = FakeRun()
        assert run_with(folder, offline, {"tasks.py": "", **files}, run)["taskState"] == "succeeded", run.lines
        assert run.texts("info")[-1].endswith("'tasks.py']")
    assert len(links(folder)) == 1


@pytest.mark.parametrize(
    ("files", "word"),
    [
        ({"requirements.txt": "-r ../other.txt\nledger"}, "包内"),
        ({"requirements.txt": "-r missing.txt\nledger"}, "不存在"),
        ({"rpa.toml": 'kind = "python"\nentry = "main.py"\nrequirements = "ledger"'}, "requirements 应为文本数组"),
        ({"rpa.toml": 'kind = "python"\nentry = "main.py"\n[limits]\nmemory = "much"'}, "memory 应为字节数"),
        ({"rpa.toml": 'kind = "python"\nentry = "main.py"\n[limits]\ncpu = 1'}, "limits 只能有"),
    ],
)
def test_what_cannot_be_understood_is_said(folder: Path, files: dict[str, str], word: str) -> None:
    answer = execute(folder, {"main.py": "", **files})
    assert answer["taskState"] == "failed"
    assert word in answer["reason"]


def test_comments_alone_are_no_requirements(folder: Path) -> None:
    run = FakeRun()
    assert execute(folder, {"main.py": "import sys; print(sys.prefix)", "requirements.txt": "# none\n\n"}, run)["taskState"] == "succeeded"
    assert run.texts("info") == [sys.prefix]


def test_a_package_of_robocorp_that_knows_nothing_of_the_runtime_runs_unchanged(folder: Path) -> None:
    tasks = """
from pathlib import Path
from robocorp.tasks import get_output_dir, setup, task

@setup
def before(task):
    print("set up", task.name)

@task
def close_of_day():
    (get_output_dir() / "report.txt").write_text("done")
    print("日终处理")
"""
    run = FakeRun()
    files = {"tasks.py": tasks, "requirements.txt": "robocorp-tasks>=4,<5\n"}
    answer = execute(folder, files, run)
    if answer["reason"].startswith("安装依赖失败"):
        pytest.skip(f"robocorp-tasks cannot be installed here: {answer['reason'][:200]}")
    assert answer["taskState"] == "succeeded", run.lines
    assert {"set up close_of_day", "日终处理"} <= set(run.texts("info"))
    assert next(folder.glob("tasks/*/work/output/report.txt")).read_text() == "done"
    files["tasks.py"] += "    raise ValueError('余额不符')\n"
    answer = execute(folder, files, run)
    assert answer["reason"] == "进程以退出码 1 结束：ValueError: 余额不符"
