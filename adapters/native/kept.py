"""Recordings on their way to the hub: two files each, the film and what is known of it, until the hub has stored them.

They lie beside the work folders, in ``<folder>/recordings``, so that neither a killed robot nor the tidying of work folders loses one.
"""
from __future__ import annotations

import json
import logging
import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from plugins import FileContent

FOLDER = "recordings"
LEAST_SIZE = 1024  # bytes: a file without a single picture is smaller
REMUX_TIME = 600.0
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Kept:
    """One recording. ``key`` names it for good; ``about`` holds ``taskId``, ``robotId``, ``startTime``, ``endTime`` and ``manifest``."""

    folder: Path
    key: str
    about: dict[str, Any]

    @classmethod
    def begin(cls, base: Path, key: str, task_id: str, robot_id: str, manifest: dict[str, Any]) -> Kept:
        """Note that it begins now."""
        kept = cls(base / FOLDER, key, {"taskId": task_id, "robotId": robot_id, "startTime": _now(), "manifest": {"key": key, **manifest}})
        kept.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        kept._write()
        return kept

    @property
    def film(self) -> Path:
        """The file that the recorder writes."""
        return self.folder / f"{self.key}.mkv"

    @property
    def started_at(self) -> datetime:
        """When it begins."""
        return datetime.fromisoformat(self.about["startTime"])

    @property
    def ended_at(self) -> datetime:
        """When it ends; of one whose recorder was killed together with its robot, when the last picture was written."""
        given = self.about.get("endTime")
        return datetime.fromisoformat(given) if given else datetime.fromtimestamp(self.film.stat().st_mtime, UTC)

    @property
    def manifest(self) -> dict[str, Any]:
        """What the robot says of it. One that has no end of its own was interrupted."""
        return {**self.about["manifest"], "isInterrupted": bool(self.about.get("isInterrupted", "endTime" not in self.about))}

    def finish(self, *, is_interrupted: bool) -> None:
        """Note that it has ended."""
        self.about.update(endTime=_now(), isInterrupted=is_interrupted)
        self._write()

    def content(self) -> FileContent | None:
        """The film in the form that browsers play, or as it is where that cannot be made; None when it holds no picture."""
        if not self.film.exists() or self.film.stat().st_size < LEAST_SIZE:
            return None
        playable = self.film.with_suffix(".mp4")
        path = playable if _remux(self.film, playable) else self.film
        return FileContent(f"recording{path.suffix}", path.stat().st_size, lambda: path.open("rb"))

    def forget(self) -> None:
        """The hub has it, or there is nothing to have."""
        for suffix in (".mp4", ".mkv", ".said", ".json"):
            self.film.with_suffix(suffix).unlink(missing_ok=True)

    def _write(self) -> None:
        draft = self.folder / f"{self.key}.part"
        try:
            draft.write_text(json.dumps(self.about, ensure_ascii=False), encoding="utf-8")
            draft.replace(self.folder / f"{self.key}.json")
        finally:
            draft.unlink(missing_ok=True)


def kept_in(base: Path) -> list[Kept]:
    """All recordings that the hub does not have yet, those that are being made included."""
    found = []
    for path in sorted((base / FOLDER).glob("*.json")):
        try:
            found.append(Kept(path.parent, path.stem, json.loads(path.read_text(encoding="utf-8"))))
        except (FileNotFoundError, ValueError) as error:
            logger.warning("%s is no note of a recording any more: %s", path, error)
    return found


def _remux(film: Path, playable: Path) -> bool:
    program = shutil.which("ffmpeg")
    if program is None:
        return False
    command = [program, "-nostdin", "-loglevel", "error", "-y", "-i", str(film), "-c", "copy", "-movflags", "+faststart", str(playable)]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=REMUX_TIME, check=False)
    except subprocess.TimeoutExpired:
        logger.warning("%s takes too long to be made playable", film)
        return False
    if done.returncode:
        logger.warning("%s cannot be made playable: %s", film, done.stderr.decode("utf-8", "replace").strip()[-500:])
        playable.unlink(missing_ok=True)
    return done.returncode == 0


def _now() -> str:
    return datetime.now(UTC).isoformat()
