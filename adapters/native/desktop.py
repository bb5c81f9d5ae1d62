"""The desktop of one run: its display, what is recorded of it, and what is shown of it to those who watch.

One thread looks after all of it, a few times a second: it writes the overlay, starts and ends recorders, and takes pictures while somebody
watches. Nothing that goes wrong here fails the task; the task's log says what is not recorded, and why.
"""
from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from adapters.native.display import Display, Size, open_display
from adapters.native.frames import Frames
from adapters.native.kept import Kept
from adapters.native.logs import TaskLog
from adapters.native.overlay import Overlay, find_font
from adapters.native.recorder import Look, Recorder, missing
from plugins import HubError, Run

LOOK_INTERVAL = 0.2
SHORT_LIFE = 5.0
MOST_SHORT_LIVES = 5
BEGINNING = 3.0
logger = logging.getLogger(__name__)


def open_desktop(run: Run, run_id: str, base: Path, folder: Path, log: TaskLog, params: Mapping[str, Any], *, wanted: bool) -> Desktop | None:
    """The desktop of a run that is recorded or has one asked for (``wanted``), None for any other, and where there can be none.

    ``folder`` is for its files and is emptied after the run, ``base`` the robot's folder.
    """
    is_recorded = bool(params.get("isRecord"))
    if not (wanted or is_recorded or params.get("desktop")):
        run.screen(False, False, "任务未使用虚拟桌面")
        return None
    size = Size.of(params.get("desktop"))
    try:
        display = open_display(folder, run_id, size)
    except HubError as error:
        log.tell("warn", f"{'本次任务未录屏' if is_recorded else '任务没有虚拟桌面'}：{error.reason}")
        run.screen(False, False, error.reason)
        return None
    asked = params.get("desktop") or {}
    if (asked.get("width") or size.width, asked.get("height") or size.height) != (size.width, size.height):
        log.tell("warn", f"桌面尺寸超出范围，按 {size.width}x{size.height} 运行")
    return Desktop(run, run_id, base, folder, log, params, display)


class Desktop:
    """Runs from its making until ``close``."""

    def __init__(self, run: Run, run_id: str, base: Path, folder: Path, log: TaskLog, params: Mapping[str, Any], display: Display) -> None:
        self._run, self._run_id, self._base, self._folder, self._log, self._params = run, run_id, base, folder, log, params
        self._display = display
        self._look = Look(**(params.get("recording") or {}))
        self._frames = Frames(run, display, run_id)
        self._overlay: Overlay | None = None
        self._recorder: Recorder | None = None
        self._kept: Kept | None = None
        self._count = 0
        self._short_lives = 0
        self._began_at = 0.0
        self._handing: list[threading.Thread] = []
        self._told: tuple[bool, bool, str] | None = None
        self._reason = ""
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._begun = threading.Event()
        self.is_wanted = bool(params.get("isRecord"))
        self.is_paused = False
        self.step: Callable[[], str | None] = lambda: None
        self._thread = threading.Thread(target=self._look_after, name="task-desktop", daemon=True)
        self._thread.start()
        self._begun.wait(BEGINNING)

    @property
    def environment(self) -> dict[str, str]:
        """What the processes of the task need to draw on it."""
        return self._display.environment

    def record(self, is_wanted: bool) -> None:
        """Switch the recording on or off; each stretch is a recording of its own."""
        self.is_wanted = is_wanted
        self._short_lives, self._reason = 0, ""
        self._wake.set()

    def close(self) -> None:
        """The run has ended: end the recording, hand it to the hub, end the display."""
        self._stop.set()
        self._wake.set()
        self._thread.join()
        for each in self._handing:
            each.join()
        self._display.close()

    def _look_after(self) -> None:
        try:
            self._prepare_overlay()
            while not self._stop.is_set():
                self._look_once()
                self._begun.set()
                self._wake.wait(LOOK_INTERVAL)
                self._wake.clear()
        except Exception:  # A fault of ours must not cost the task.
            logger.exception("the desktop of run %s is not looked after any more", self._run_id)
            self._log.tell("error", "录屏因内部错误中止，任务继续运行")
        finally:
            self._begun.set()
            self._end_recording(is_interrupted=False)
            self._frames.close()

    def _prepare_overlay(self) -> None:
        font, has_chinese = find_font()
        if font is None:
            self._log.tell("warn", "本机没有可用的字体，录屏画面不带叠加文字，请安装软件包 fonts-wqy-microhei 或 fonts-noto-cjk")
            return
        if not has_chinese:
            self._log.tell("warn", "本机没有中文字体，录屏画面中的中文叠加文字无法显示，请安装软件包 fonts-wqy-microhei 或 fonts-noto-cjk")
        robot = f"{self._params.get('robotName') or ''}（ID {self._params.get('robotId') or '—'}）"
        operator, zone = str(self._params.get("operator") or ""), self._params.get("timeZone")
        size = (self._display.size.width, self._display.size.height)
        self._overlay = Overlay(self._folder, font, size, operator, robot, str(self._params["taskId"]), ZoneInfo(zone) if zone else None)

    def _look_once(self) -> None:
        if self._overlay is not None:
            self._overlay.write(self.step() or "", self.is_paused)
        if self._recorder is not None and not self._recorder.is_alive:
            self._end_recording(is_interrupted=True)
        if self.is_wanted and self._recorder is None and not self._reason:
            self._begin_recording()
        elif not self.is_wanted and self._recorder is not None:
            self._end_recording(is_interrupted=False)
        self._frames.follow(not missing() and self._display.is_alive and self._run.watched())
        self._tell_state()

    def _tell_state(self) -> None:
        state = (self._display.is_alive, self._recorder is not None, self._reason)
        if state != self._told:
            self._run.screen(*state)
            self._told = state

    def _begin_recording(self) -> None:
        self._reason = missing() or ("" if self._display.is_alive else "虚拟桌面已退出")
        if self._reason:
            self._log.tell("warn", f"未录屏：{self._reason}")
            return
        self._count += 1
        size = self._display.size
        manifest = {
            "part": self._count, "framesPerSecond": self._look.rate, "isOverlaid": self._overlay is not None,
            "display": {"width": size.width, "height": size.height, "depth": size.depth},
        }
        try:
            kept = Kept.begin(
                self._base, f"{self._run_id}-{self._count}", str(self._params["taskId"]), str(self._params.get("robotId") or ""), manifest
            )
            filters = [self._overlay.filter] if self._overlay is not None else []
            self._recorder = Recorder(self._display, self._run_id, kept.film, self._look, filters, self._folder)
        except OSError as error:
            self._reason = f"录屏文件无法写入（{error.strerror}）"
            self._log.tell("warn", f"未录屏：{self._reason}")
            return
        self._kept, self._began_at = kept, time.monotonic()
        self._recorder.wait_for_picture()
        self._log.tell("info", f"开始录屏（第 {self._count} 段）")

    def _end_recording(self, *, is_interrupted: bool) -> None:
        recorder, kept = self._recorder, self._kept
        self._recorder = self._kept = None
        if recorder is None or kept is None:
            return
        said = recorder.stop()
        try:
            kept.finish(is_interrupted=is_interrupted)
        except OSError as error:
            logger.warning("the end of recording %s is not noted: %s", kept.key, error)
        if is_interrupted:
            self._short_lives = self._short_lives + 1 if time.monotonic() - self._began_at < SHORT_LIFE else 0
            self._log.tell("warn", f"录屏程序意外退出，第 {self._count} 段到此为止{f'（{said[-200:]}）' if said else ''}")
            if self._short_lives >= MOST_SHORT_LIVES:
                self._reason = f"录屏程序反复退出{f'：{said[-200:]}' if said else ''}"
                self._log.tell("error", f"不再录屏，{self._reason}")
        thread = threading.Thread(target=self._hand_in, args=(kept,), name="task-recording", daemon=True)
        thread.start()
        self._handing.append(thread)

    def _hand_in(self, kept: Kept) -> None:
        """Give a recording to the hub. What cannot be given now stays, and is when the robot starts next."""
        number = kept.manifest["part"]
        try:
            content = kept.content()
            if content is None:
                self._log.tell("warn", f"录屏第 {number} 段没有画面，未保存")
            else:
                self._run.recording(content, started_at=kept.started_at, ended_at=kept.ended_at, manifest=kept.manifest)
                self._log.tell("info", f"录屏第 {number} 段已保存")
            kept.forget()
        except Exception as error:  # Whatever the hub's store or the disk raises.
            logger.exception("recording %s is not handed in", kept.key)
            reason = error.message if isinstance(error, HubError) else type(error).__name__
            self._log.tell("error", f"录屏第 {number} 段暂未保存到平台（{reason}），机器人下次启动时再提交")
