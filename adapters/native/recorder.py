"""One recorder: a program that films a display into one file, of which nothing but the last picture is lost when it is killed."""
from __future__ import annotations

import shutil
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from adapters.native.display import Display, end, spawn

STOP_TIME = 5.0
FIRST_PICTURE = 2.0
LOOK = 0.02


@dataclass(frozen=True)
class Look:
    """How recordings are made: pictures a second, and x264's constant rate factor (18 best, 40 smallest)."""

    rate: int = 5
    quality: int = 28


def missing() -> str:
    """Why nothing can be recorded on this machine; empty where it can."""
    return "" if shutil.which("ffmpeg") else "本机没有录屏程序 ffmpeg，请安装软件包 ffmpeg"


class Recorder:
    """Films from its making on. ``filters`` are ffmpeg's; ``folder`` is its current folder. Raises OSError where it cannot start."""

    def __init__(self, display: Display, run_id: str, path: Path, look: Look, filters: list[str], folder: Path) -> None:
        self.path = path
        self._said = path.with_suffix(".said")
        with self._said.open("wb") as said:
            self._process = spawn(
                _command(display, path, look, filters), run_id, display.environment, stdin=subprocess.PIPE, stderr=said, cwd=folder,
            )

    @property
    def is_alive(self) -> bool:
        """Whether it still films."""
        return self._process.poll() is None

    @property
    def has_begun(self) -> bool:
        """Whether there is a picture in the file."""
        return self.path.exists() and self.path.stat().st_size > 0

    def wait_for_picture(self) -> None:
        """Return once there is one, or after a while."""
        deadline = time.monotonic() + FIRST_PICTURE
        while self.is_alive and not self.has_begun and time.monotonic() < deadline:
            time.sleep(LOOK)

    def stop(self) -> str:
        """End it in order. Gives what it said, such as why it ended by itself."""
        self.wait_for_picture()
        if self.is_alive:
            with suppress(subprocess.TimeoutExpired, BrokenPipeError):
                self._process.communicate(b"q", STOP_TIME)
        end(self._process)
        said = self._said.read_text("utf-8", "replace").strip().splitlines()
        self._said.unlink()
        return said[-1] if said else ""


def _command(display: Display, path: Path, look: Look, filters: list[str]) -> list[str]:
    size = display.size
    uneven = size.width % 2 or size.height % 2  # The coder takes even sizes only.
    chain = ",".join([*filters, *(["pad=ceil(iw/2)*2:ceil(ih/2)*2"] if uneven else [])])
    return [
        "ffmpeg", "-hide_banner", "-nostats", "-loglevel", "error", "-y",
        "-probesize", "32", "-analyzeduration", "0",  # else it would look at several pictures before it keeps one
        "-f", "x11grab", "-framerate", str(look.rate), "-video_size", f"{size.width}x{size.height}", "-i", display.name,
        *(["-vf", chain] if chain else []),
        "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "10", "-crf", str(look.quality), "-pix_fmt", "yuv420p",
        "-threads", "1", "-flush_packets", "1", str(path),
    ]
