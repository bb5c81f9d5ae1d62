"""Programs that a machine's owner has configured, run by the machine's host."""
from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from config.redaction import redact_text

LONGEST_OUTPUT = 16 * 1024
PASSED_ON = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS")


@dataclass(frozen=True)
class Ended:
    """How a program ended: its exit status, None when it was not started or took too long, and the end of its output."""

    status: int | None
    output: str


def environment() -> dict[str, str]:
    """The environment of such a program: the hub's own settings and secrets are not for it."""
    return {name: value for name, value in os.environ.items() if name in PASSED_ON or name.startswith("LC_")}


def run(command: Sequence[str], seconds: float) -> Ended:
    """Run a program to its end, or kill it after so many seconds."""
    with tempfile.TemporaryFile() as output:
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=environment(), cwd="/", timeout=seconds, check=False
            )
        except subprocess.TimeoutExpired:
            return Ended(None, f"{_end_of(output.fileno())}\n超过 {seconds:g} 秒未结束".lstrip())
        except OSError as error:
            return Ended(None, f"无法启动 {command[0]}：{error.strerror}")
        return Ended(done.returncode, _end_of(output.fileno()))


def end_of(path: Path) -> str:
    """The end of a file that a program writes; "" where there is none."""
    try:
        with path.open("rb") as file:
            return _end_of(file.fileno())
    except FileNotFoundError:
        return ""


def _end_of(file: int) -> str:
    size = os.fstat(file).st_size
    text = os.pread(file, LONGEST_OUTPUT, max(0, size - LONGEST_OUTPUT)).decode("utf-8", "replace").replace("\x00", "\ufffd")
    return redact_text(f"…（共 {size} 字节）\n{text}" if size > LONGEST_OUTPUT else text).strip()
