"""Looks into films with the programs that made them."""
from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import psutil
import pytest

from adapters.native.tree import MARK

needs_recording = pytest.mark.skipif(
    not all(map(shutil.which, ("Xvfb", "ffmpeg", "ffprobe"))), reason="no Xvfb or ffmpeg here: apt-get install xvfb ffmpeg"
)

# Waits for a file beside the package, so that a test decides how long the task takes.
WAITING = """
import os, sys, time
from rpa_task import report_step
report_step(open("step").read() if os.path.exists("step") else "第一步 核对余额")
print(os.environ["DISPLAY"], flush=True)
last = ""
while not os.path.exists("done"):
    if os.path.exists("step") and open("step").read() != last:
        last = open("step").read()
        report_step(last)
    time.sleep(0.05)
"""


def probe(path: Path) -> dict[str, Any]:
    """Width, height, number of pictures and duration (seconds) of a film."""
    command = ["ffprobe", "-v", "error", "-count_frames", "-show_entries", "stream=width,height,nb_read_frames,codec_name:format=duration", "-of", "json"]
    found = json.loads(subprocess.run([*command, str(path)], capture_output=True, check=True).stdout)
    [stream] = found["streams"]
    return {
        "width": stream["width"], "height": stream["height"], "codec": stream["codec_name"], "frames": int(stream["nb_read_frames"]),
        "duration": float(found["format"]["duration"]),
    }


def pictures(path: Path, size: tuple[int, int]) -> list[bytes]:
    """The brightness of each picture, row by row."""
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-f", "rawvideo", "-pix_fmt", "gray", "-"]
    raw = subprocess.run(command, capture_output=True, check=True).stdout
    length = size[0] * size[1]
    return [raw[start : start + length] for start in range(0, len(raw) - length + 1, length)]


def serving(folder: Path, word: str = "") -> list[psutil.Process]:
    """The live processes that serve displays of runs in a robot's folder, or those of them whose command line holds the word."""
    found = []
    for process in psutil.process_iter():
        try:
            environment, command = process.environ(), " ".join(process.cmdline())
            is_ours = environment.get(MARK, "").startswith("display-") and str(folder) in command + environment.get("XAUTHORITY", "")
            if is_ours and word in command and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.AccessDenied, psutil.NoSuchProcess, OSError):
            continue
    return found
