"""Builds the virtual environment of a package, as the first process of a run: a program of its own, of the standard library alone.

It is built aside and takes its place, a symbolic link, by a rename: an environment that was not finished is never seen. One process at a
time builds an environment; the others wait for it. Its one argument is a file of JSON: see ``Environment.order``.
"""
from __future__ import annotations

import fcntl
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import uuid
import venv
from pathlib import Path
from typing import TextIO

CREDENTIALS = re.compile(r"://[^/\s@]+@")
ERRORS = ("ERROR:", "error:", "×")
EMPTY_ERROR = "subprocess-exited-with-error"  # What it was stands in the next line, after a ×.
LONGEST = 1000


def main(order_file: str) -> int:
    """Build the environment unless it is there; 0 when it can be used."""
    order = json.loads(Path(order_file).read_text("utf-8"))
    folder, key = Path(order["folder"]), order["key"]
    place = folder / key
    with (folder / f"{key}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("另一个任务正在安装相同的依赖，等待其完成")
            fcntl.flock(lock, fcntl.LOCK_EX)
        if (place / "bin" / "python").exists():
            return 0
        for left in folder.glob(f"{key}.*"):
            if left.is_dir():
                shutil.rmtree(left)  # Its builder was killed.
        return build(order, place, folder / f"{key}.{uuid.uuid4().hex[:8]}")


def build(order: dict, place: Path, aside: Path) -> int:
    """Build aside, then take the place."""
    say("正在安装流程包的依赖")
    has_pip = importlib.util.find_spec("pip") is not None
    try:
        venv.EnvBuilder(symlinks=True, with_pip=not has_pip).create(aside)
        python = str(aside / "bin" / "python")
        pip = [sys.executable, "-I", "-m", "pip", "--python", python] if has_pip else [python, "-I", "-m", "pip"]
        problem = install([*pip, "install", *order["arguments"]])
        if problem is None:
            add_runtime(aside, order["runtime"])
            link = aside.with_suffix(".link")
            link.symlink_to(aside.name)
            link.replace(place)
            say("依赖已安装")
            return 0
    except (OSError, subprocess.SubprocessError) as error:
        problem = str(error)
    shutil.rmtree(aside, ignore_errors=True)
    report(problem)
    return 1


def install(command: list[str]) -> str | None:
    """Run pip, pass on what it says without credentials; its first error, or None when all went well."""
    problem, last = "", ""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as pip:
        for raw in pip.stdout or ():
            line = CREDENTIALS.sub("://***@", raw.decode("utf-8", "replace").rstrip())
            is_error = line.strip().startswith(ERRORS)
            problem = problem or (line.strip() if is_error and not line.endswith(EMPTY_ERROR) else "")
            last = line or last
            say(line, sys.stderr if is_error else sys.stdout)
    return None if pip.returncode == 0 else problem or last or f"pip {pip.returncode}"


def add_runtime(aside: Path, runtime: list[str]) -> None:
    """Put the robot's own Robot Framework behind what was installed, unless the package brought one."""
    library = Path(sysconfig.get_path("purelib", "posix_prefix", {"base": str(aside), "platbase": str(aside)}))
    if (library / "robot" / "__init__.py").exists():
        return
    own = aside / "runtime"
    own.mkdir()
    for each in map(Path, runtime):
        (own / each.name).symlink_to(each)
    (library / "rpa_runtime.pth").write_text(f"{own}\n", "utf-8")


def say(line: str, stream: TextIO = sys.stdout) -> None:
    """One line for the task log."""
    print(line, file=stream, flush=True)


def report(problem: str) -> None:
    """Give the run its reason."""
    with open(os.environ["RPA_EVENTS"], "w", encoding="utf-8") as pipe:
        pipe.write(json.dumps({"event": "failure", "message": problem[:LONGEST]}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
