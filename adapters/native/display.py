"""A virtual display for one run: an X server of its own, into which nobody looks who does not have its cookie.

The server, and whatever serves it, belong to the run but not to its tree: they carry a mark of their own, so that a pause does not stop them
and nobody counts them as left behind. The kernel ends them with the thread that started them; what escapes that is ended by ``leftovers``.
"""
from __future__ import annotations

import json
import logging
import os
import secrets
import select
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from adapters.native.tree import MARK
from plugins import HubError

SMALLEST, LARGEST = (320, 240), (3840, 2160)
START_TIME = 15.0
END_TIME = 2.0
ANY_DISPLAY = 0xFFFF
FACTS = "display.json"
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Size:
    """Width and height in pixels, and the depth in bits: 16 or 24."""

    width: int = 1280
    height: int = 720
    depth: int = 24

    @classmethod
    def of(cls, given: Mapping[str, Any] | None) -> Size:
        """The size that was asked for, within bounds; what is not given is as usual. A depth of 32 means 24 bits in 32."""
        given = given or {}
        width, height = (int(given.get(name) or usual) for name, usual in (("width", cls.width), ("height", cls.height)))
        depth = int(given.get("depth") or cls.depth)
        return cls(
            min(max(width, SMALLEST[0]), LARGEST[0]), min(max(height, SMALLEST[1]), LARGEST[1]), 16 if depth <= 16 else 24,
        )


@dataclass(frozen=True)
class Display:
    """A running display. ``authority`` is the file with its cookie."""

    name: str
    authority: Path
    size: Size
    process: subprocess.Popen[bytes]

    @property
    def environment(self) -> dict[str, str]:
        """What a program needs to draw on it."""
        return {"DISPLAY": self.name, "XAUTHORITY": str(self.authority)}

    @property
    def is_alive(self) -> bool:
        """Whether its server still runs."""
        return self.process.poll() is None

    def close(self) -> None:
        """End the server."""
        end(self.process)


def open_display(folder: Path, run_id: str, size: Size) -> Display:
    """Start a display, whose files lie in ``folder``. Raises HubError, with a reason for the task's log, where that cannot be."""
    program = shutil.which("Xvfb")
    if program is None:
        raise HubError("本机没有虚拟显示程序 Xvfb，请安装软件包 xvfb（Debian、Ubuntu）或 xorg-x11-server-Xvfb（openEuler、麒麟）")
    authority = folder / "Xauthority"
    _write_cookie(authority)
    reader, writer = os.pipe()
    command = [
        program, "-displayfd", str(writer), "-screen", "0", f"{size.width}x{size.height}x{size.depth}", "-auth", str(authority),
        "-nolisten", "tcp", "-noreset",
    ]
    try:
        process = spawn(command, run_id, pass_fds=(writer,))
    except OSError as error:
        os.close(reader)
        raise HubError(f"虚拟显示程序 Xvfb 无法启动：{error.strerror}") from error
    finally:
        os.close(writer)
    with open(reader, "rb", buffering=0) as numbers:
        number = _number_from(numbers.fileno())
    if number is None:
        end(process)
        raise HubError("虚拟显示程序 Xvfb 未能启动")
    facts = {"display": f":{number}", "authority": str(authority), **asdict(size)}
    (folder / FACTS).write_text(json.dumps(facts), encoding="utf-8")
    return Display(f":{number}", authority, size, process)


def spawn(command: list[str], run_id: str, environment: Mapping[str, str] | None = None, **options: Any) -> subprocess.Popen[bytes]:
    """Start a program that serves the display of a run; the kernel ends it together with the calling thread. Raises OSError."""
    tie = shutil.which("setpriv") if sys.platform == "linux" else None
    given = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", MARK: mark_of(run_id), **(environment or {})}
    given |= {name: os.environ[name] for name in ("HOME", "LD_LIBRARY_PATH") if name in os.environ}
    quiet: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(
        [tie, "--pdeathsig", "TERM", *command] if tie else command, env=given, start_new_session=True, **{**quiet, **options},
    )


def mark_of(run_id: str) -> str:
    """The mark of the processes that serve a run's display."""
    return f"display-{run_id}"


def end(process: subprocess.Popen[bytes], patience: float = END_TIME) -> None:
    """SIGTERM, and SIGKILL where that does not end it in ``patience`` seconds."""
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(patience)
    if process.poll() is None:
        process.kill()
        process.wait()


def facts_of(folder: Path) -> dict[str, Any] | None:
    """What is noted of the display whose files lie in ``folder``: display, authority, width, height, depth. None where there is none."""
    try:
        return json.loads((folder / FACTS).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def _write_cookie(path: Path) -> None:
    """An authority file: one entry, good for every display, with a cookie that was never used before."""
    fields = (b"", b"", b"MIT-MAGIC-COOKIE-1", secrets.token_bytes(16))
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(struct.pack(">H", ANY_DISPLAY) + b"".join(struct.pack(">H", len(each)) + each for each in fields))


def _number_from(reader: int) -> int | None:
    """The number of the display, which its server writes when it can be used; None when it has ended or takes too long."""
    deadline, text = time.monotonic() + START_TIME, b""
    while not text.endswith(b"\n"):
        ready, _, _ = select.select([reader], [], [], max(0.0, deadline - time.monotonic()))
        piece = os.read(reader, 32) if ready else b""
        if not piece:
            return None
        text += piece
    return int(text)
