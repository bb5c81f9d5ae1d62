"""Tasks that take too much are ended with a reason, and the next one runs."""
from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.native.limits import Bounds
from adapters.native.tests.running import FakeRun, Going, execute, is_alive, number_from, until
from plugins import InvalidInput

MIB = 1 << 20
NOTE = "import os, sys, time\nopen(os.environ['HOME'] + '/pid', 'w').write(f'{os.getpid()}\\n')\n"
IN_A_CHILD = "import subprocess, sys\nsys.exit(subprocess.call([sys.executable, 'work.py']))\n"


def goes_on(folder: Path) -> None:
    """The robot takes the next task."""
    assert execute(folder, {"main.py": "print('next')"}, taskId="next")["taskState"] == "succeeded"
    assert not list(folder.glob("runs/*.json"))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))


def test_memory_of_the_whole_tree_is_limited(folder: Path, tmp_path: Path) -> None:
    hungry = f"{NOTE}held = []\nwhile True:\n    held.append(bytearray(8 << 20))\n    time.sleep(0.02)\n"
    answer = execute(folder, {"main.py": IN_A_CHILD, "work.py": hungry}, limits={"memory": 120 * MIB})
    assert (answer["taskState"], answer["reason"].partition("（")[0]) == ("failed", "内存超过上限 120 MiB")
    assert not is_alive(number_from(tmp_path / "pid"))
    goes_on(folder)


def test_processor_time_of_the_whole_tree_is_limited(folder: Path, tmp_path: Path) -> None:
    busy = f"{NOTE}while True: sum(range(10000))\n"
    started = time.monotonic()
    answer = execute(folder, {"main.py": IN_A_CHILD, "work.py": busy}, limits={"cpu_seconds": 1})
    assert (answer["taskState"], answer["reason"]) == ("failed", "处理器时间超过上限 1 秒")
    assert time.monotonic() - started < 15
    assert not is_alive(number_from(tmp_path / "pid"))
    goes_on(folder)


def test_processor_time_of_many_short_processes_is_counted(folder: Path) -> None:
    shell = "while :; do sh -c 'i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done' & wait; done\n"
    answer = execute(folder, {"rpa.toml": 'kind = "command"\nentry = "sh"\narguments = ["work.sh"]\n[limits]\ncpu_seconds = 1', "work.sh": shell})
    assert answer["reason"] == "处理器时间超过上限 1 秒"


def test_the_kernel_ends_a_process_that_nobody_looks_at(folder: Path) -> None:
    run = FakeRun()
    main = "import resource\nprint(resource.getrlimit(resource.RLIMIT_CPU), resource.getrlimit(resource.RLIMIT_FSIZE))"
    execute(folder, {"main.py": main}, run, limits={"cpu_seconds": 7, "file_size": 5})
    assert run.texts("info") == ["(9, 11) (5, 5)"]


@pytest.mark.parametrize(
    "files",
    [
        {"main.py": "open('large', 'wb').write(b'x' * 3_000_000)"},
        {"rpa.toml": 'kind = "command"\nentry = "run.sh"', "run.sh": "#!/bin/sh\nexec head -c 3000000 /dev/zero > large\n"},
        {"rpa.toml": 'kind = "command"\nentry = "run.sh"', "run.sh": "#!/bin/sh\nhead -c 3000000 /dev/zero > large\n"},
    ],
    ids=["python", "program", "child of a shell"],
)
def test_the_size_of_a_file_is_limited(folder: Path, files: dict[str, str]) -> None:
    answer = execute(folder, files, limits={"file_size": 2 * MIB})
    assert answer["taskState"] == "failed"
    assert answer["reason"].startswith("写入的文件超过上限 2 MiB：")
    assert next(folder.glob("tasks/*/work/large")).stat().st_size <= 2 * MIB
    goes_on(folder)


def test_the_least_limit_counts() -> None:
    assert Bounds.of({"memory": "1 GiB", "cpu_seconds": 5}).least(Bounds.of({"memory": 100, "file_size": "2k"})) == Bounds(100, 5, 2048)
    assert Bounds.of({"memory": "64MB"}).memory == 64 * MIB
    assert Bounds.of(None) == Bounds()


@pytest.mark.parametrize("given", [{"memory": "lots"}, {"memory": True}, {"memory": -1}, {"cpu_seconds": "5"}, {"cpu_seconds": -1}, {"file_size": 1.5}])
def test_a_limit_that_is_none_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        Bounds.of(given)


def test_a_hundred_megabytes_of_log_are_bounded_and_the_robot_stays_responsive(folder: Path) -> None:
    main = "import sys\nline = b'x' * 99 + b'\\n'\nfor _ in range(1_000_000): sys.stdout.buffer.write(line)\nsys.stdout.flush()\nprint('done')\nimport time; time.sleep(600)"
    going = Going(folder, {"main.py": main})
    until(lambda: any("已达上限" in text for text in going.run.texts("warn")), 60)
    going.run.commands.append("cancel")
    asked = time.monotonic()
    assert going.wait()["taskState"] == "cancelled"
    assert time.monotonic() - asked < 10
    assert len(going.run.lines) < 200_020


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    if os.geteuid() != 0 or mount is None:
        pytest.skip("only root mounts a small file system")
    done = subprocess.run([mount, "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(place)], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"no small file system can be mounted: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_disk_that_a_task_fills_fails_it_and_the_next_one_runs(small_disk: Path) -> None:
    folder = small_disk / "robot"
    answer = execute(folder, {"main.py": "open('large', 'wb').write(b'x' * (16 << 20))"}, keepWorkFolders=0)
    assert answer["taskState"] == "failed"
    assert answer["reason"].startswith("磁盘空间不足：进程以退出码 1 结束：OSError: [Errno 28]")
    goes_on(folder)


def test_a_disk_with_no_room_for_the_package_fails_the_task(small_disk: Path) -> None:
    folder = small_disk / "robot"
    goes_on(folder)
    (small_disk / "filler").write_bytes(b"x" * (5 << 20))
    answer = execute(folder, {"main.py": "print(1)", "data": "".join(map(chr, range(32, 127))) * 30_000})
    assert (answer["taskState"], answer["reason"].partition("：")[2]) == ("failed", "机器人本机无法准备工作目录：磁盘空间不足")
    (small_disk / "filler").unlink()
    goes_on(folder)


def test_a_disk_that_is_full_to_the_last_byte_fails_the_task(small_disk: Path) -> None:
    folder = small_disk / "robot"
    folder.mkdir()
    with pytest.raises(OSError, match="No space left"), (small_disk / "filler").open("wb", buffering=0) as filler:
        while True:
            filler.write(b"x" * 4096)
    answer = execute(folder, {"main.py": "print(1)"})
    assert answer["taskState"] == "failed"
    assert "磁盘空间不足" in answer["reason"]
    (small_disk / "filler").unlink()
    goes_on(folder)
