"""Pictures of a display for those who watch: taken only while somebody does."""
from __future__ import annotations

import logging
import re
import subprocess
import threading
from typing import IO

from adapters.native.display import Display, end, spawn
from plugins import Run

RATE = 2
LENGTH = re.compile(rb"content-length:\s*(\d+)", re.IGNORECASE)
LARGEST = 8 << 20
logger = logging.getLogger(__name__)


class Frames:
    """Sends JPEG pictures to the hub as long as ``follow`` is told that somebody watches."""

    def __init__(self, run: Run, display: Display, run_id: str) -> None:
        self._run = run
        self._display = display
        self._run_id = run_id
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None

    def follow(self, is_watched: bool) -> None:
        """Begin when somebody watches, end when nobody does."""
        if self._process is not None and (not is_watched or self._process.poll() is not None):
            self.close()
        if is_watched and self._process is None:
            self._process = spawn(_command(self._display), self._run_id, self._display.environment, stdout=subprocess.PIPE)
            self._reader = threading.Thread(target=self._send, args=(self._process.stdout,), name="task-frames", daemon=True)
            self._reader.start()

    def close(self) -> None:
        """End whatever has begun."""
        process, self._process = self._process, None
        if process is not None:
            end(process)
        if self._reader is not None:
            self._reader.join()
            self._reader = None

    def _send(self, stream: IO[bytes]) -> None:
        with stream:
            while (picture := _next(stream)) is not None:
                try:
                    self._run.frame(picture)
                except Exception:  # Whatever the hub's connection raises: the next picture comes soon.
                    logger.warning("a picture could not be sent", exc_info=True)


def _next(stream: IO[bytes]) -> bytes | None:
    """The next picture of a multipart stream, None at its end."""
    length = 0
    while line := stream.readline():
        found = LENGTH.match(line)
        if found:
            length = int(found[1])
        elif not line.strip() and length:
            picture = stream.read(min(length, LARGEST))
            return picture if len(picture) == length else None
    return None


def _command(display: Display) -> list[str]:
    return [
        "ffmpeg", "-hide_banner", "-nostats", "-nostdin", "-loglevel", "error",
        "-probesize", "32", "-analyzeduration", "0", "-f", "x11grab", "-framerate", str(RATE),
        "-video_size", f"{display.size.width}x{display.size.height}", "-i", display.name,
        "-c:v", "mjpeg", "-q:v", "6", "-threads", "1", "-flush_packets", "1", "-f", "mpjpeg", "pipe:1",
    ]
