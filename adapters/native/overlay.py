"""What is burnt into each picture of a recording (clause 5.4): the time, who started the task, the robot, and the present step."""
from __future__ import annotations

import re
import shutil
import subprocess
import unicodedata
from collections.abc import Iterable
from datetime import datetime, tzinfo
from pathlib import Path

from adapters.native.outputs import clean

TEXT = "overlay.txt"
LINES_IN_PICTURE = 36
SMALLEST_FONT = 12
PLAIN = re.compile(r"[\w/.+-]+")  # Of other paths each character would have to be escaped three times.
CHINESE = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc", "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc", "/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc",
)
OTHERS = ("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", "/usr/share/fonts/dejavu/DejaVuSans.ttf")


def find_font() -> tuple[str | None, bool]:
    """The file of a font, and whether it has Chinese characters; None where this machine has no font that is known."""
    for known, pattern, is_chinese in ((CHINESE, ":lang=zh-cn", True), (OTHERS, ":lang=en", False)):
        name = _first(known) or _first(_listed(pattern))
        if name is not None:
            return name, is_chinese
    return None, False


def _first(names: Iterable[str]) -> str | None:
    return next((name for name in names if PLAIN.fullmatch(name) and Path(name).is_file()), None)


def _listed(pattern: str) -> list[str]:
    """The files of the machine's fonts that fit. To ask takes a tenth of a second or two."""
    program = shutil.which("fc-list")
    if program is None:
        return []
    found = subprocess.run([program, pattern, "file"], capture_output=True, text=True, timeout=10, check=False).stdout
    names = sorted(line.rstrip(": ") for line in found.splitlines())
    return [name for name in names if name.endswith((".ttc", ".ttf", ".otf"))]


class Overlay:
    """The text, kept in a file that the recorder reads again for each picture. ``zone`` is that of its time, the machine's own if None."""

    def __init__(self, folder: Path, font: str, size: tuple[int, int], operator: str, robot: str, task_id: str, zone: tzinfo | None) -> None:
        self._path = folder / TEXT
        self._zone = zone
        self._font = font
        self._font_size = max(SMALLEST_FONT, size[1] // LINES_IN_PICTURE)
        self._room = int((size[0] - 2 * self._font_size) / (self._font_size / 2))
        self._operator = f"操作者 {operator or '未知'}"
        self._who = f"机器人 {robot}  任务 {task_id}"
        self._written = ""

    def write(self, step: str, is_paused: bool) -> None:
        """Bring the text up to date. The step may be anything that a process reports."""
        moment = datetime.now().astimezone(self._zone).isoformat(sep=" ", timespec="seconds")
        third = f"步骤：{step or '—'}{'（已暂停）' if is_paused else ''}"
        text = "\n".join(self._fitting(line) for line in (f"{moment}  {self._operator}", self._who, third)) + "\n"
        if text != self._written:
            draft = self._path.with_suffix(".part")
            draft.write_text(text, encoding="utf-8")
            draft.replace(self._path)
            self._written = text

    def _fitting(self, line: str) -> str:
        """The line without what cannot be seen, cut to the width of the picture: a Chinese character takes the room of two others."""
        line = "".join(each if each.isprintable() else " " for each in clean(line))
        width = 0
        for place, character in enumerate(line):
            width += 2 if unicodedata.east_asian_width(character) in "WFA" else 1
            if width > self._room:
                return f"{line[:max(0, place - 2)]}…"
        return line

    @property
    def filter(self) -> str:
        """The filter of ffmpeg that draws it, for a recorder whose current folder is that of the text."""
        return (
            f"drawtext=fontfile={self._font}:textfile={TEXT}:reload=1:expansion=none:x=8:y=h-th-8:fontsize={self._font_size}"
            ":fontcolor=white:line_spacing=4:box=1:boxcolor=black@0.6:boxborderw=6"
        )
