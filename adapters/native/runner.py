"""Carries out one run: starts the process, obeys the hub's commands, keeps the time, and makes sure that nothing outlives it."""
from __future__ import annotations

import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from adapters.native.desktop import Desktop
from adapters.native.leftovers import Guard, RunNote
from adapters.native.limits import NONE, Bounds, Watch, explained
from adapters.native.logs import Events, Pump, TaskLog
from adapters.native.services import Services
from adapters.native.tree import GRACE, LEFTOVER_GRACE, Ended, ProcessTree, adopt_orphans, start
from adapters.native.workspace import Workspace
from plugins import HubError, Run

TICK = 0.1
DEAF_FOR = 10.0
OUTPUT_PATIENCE = 2.0
LONGEST_REASON = 8192  # The hub shortens it once it has hidden the secrets in it.
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ending:
    """How a run ended: ``state`` is a taskState of ``task_run``."""

    state: str
    reason: str = ""


class Clock:
    """Seconds that the run has really been running: it stands still while the run is paused."""

    def __init__(self) -> None:
        self._spent = 0.0
        self._since: float | None = None

    @property
    def seconds(self) -> float:
        """Running time so far."""
        return self._spent + (time.monotonic() - self._since if self._since is not None else 0.0)

    def stop(self) -> None:
        """The run has been paused."""
        self._spent, self._since = self.seconds, None

    def go(self) -> None:
        """The run begins, or goes on."""
        self._spent, self._since = self.seconds, time.monotonic()


@dataclass(frozen=True)
class Step:
    """One program of a run. ``bounds`` are its limits, ``services`` what it may ask of the hub.

    ``title`` stands before the reason, in the place of the exit code, where the program gives its own reasons.
    """

    command: list[str]
    environment: dict[str, str]
    bounds: Bounds = NONE
    services: Services | None = None
    is_python: bool = False
    title: str = ""


class Execution:
    """One run: one program, or several one after the other. ``max_run_time`` is for all of them, in seconds, 0 for none."""

    def __init__(self, run: Run, run_id: str, space: Workspace, log: TaskLog, max_run_time: float) -> None:
        self._run = run
        self._desktop: Desktop | None = None
        self._run_id = run_id
        self._space = space
        self._log = log
        self._max_run_time = max_run_time
        self._events = Events(log)
        self._clock = Clock()
        self._done = threading.Event()
        self._verdict: Ending | None = None
        self._error: Exception | None = None
        self._pump: Pump | None = None
        self._guard: Guard | None = None
        self._controller: threading.Thread | None = None
        self.left: tuple[int, ...] = ()

    def show(self, desktop: Desktop) -> None:
        """From now on the run is on this desktop, which learns what step it is at."""
        self._desktop = desktop
        desktop.step = lambda: self._run.hide(self._events.step or "")

    def carry_out(self, step: Step, note: RunNote) -> Ending:
        """Run a program to its end. Whatever happens, no process of the run is left when this returns or raises, or ``left`` names it.

        Raises HubError when the program cannot be started, and what ``Run.command`` raises when it fails for long.
        """
        adopt_orphans()
        self._done.clear()
        with _event_pipe(self._space) as (reader, close_writer):
            try:
                process = start(
                    step.command, self._space.work, step.environment, is_python=step.is_python, limits=step.bounds.of_kernel()
                )
            except OSError as error:
                raise HubError(f"无法启动 {os.path.basename(step.command[0])}：{error.strerror}") from error
            tree = ProcessTree.of(self._run_id, process.pid)
            try:
                self._attend(process, step, tree, reader, note)
            finally:
                self._finish(process, tree, close_writer)
        self._events.report_progress(self._run)
        if self._error is not None:
            raise self._error
        return self._verdict or self._judge(process, step)

    def _attend(self, process: subprocess.Popen[bytes], step: Step, tree: ProcessTree, reader: int, note: RunNote) -> None:
        """Stay with the run until its first process ends."""
        door = (step.services.door, step.services.serve) if step.services is not None else ()
        self._pump = Pump(self._log, self._events, process.stdout, process.stderr, reader, *door)  # type: ignore[arg-type]
        note.write(process.pid)
        self._guard = Guard(note.folder, self._run_id)
        watch = Watch(tree, step.bounds)
        self._controller = threading.Thread(target=self._control, args=(tree, watch), name="task-control", daemon=True)
        self._controller.start()
        # The process is only looked at, not reaped: its number must stay taken until the last look at its tree.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)

    def _finish(self, process: subprocess.Popen[bytes], tree: ProcessTree, close_writer: Callable[[], None]) -> None:
        """End what is left of the run, take in the rest of its output, let go of what served it."""
        self._done.set()
        if self._controller is not None and self._controller.ident is not None:  # It may have come to no start.
            self._controller.join()
        self._sweep(tree)
        close_writer()
        if self._pump is not None:
            self._pump.finish(OUTPUT_PATIENCE)
        process.wait()
        tree.reap_orphans()
        for stream in (process.stdout, process.stderr):
            stream.close()  # type: ignore[union-attr]
        if self._guard is not None:
            self._guard.dismiss()

    def _control(self, tree: ProcessTree, watch: Watch) -> None:
        """Obey commands, keep the time and the limits until the run has ended. A run that cannot be controlled any more is ended."""
        try:
            self._obey(tree, watch)
        except Exception as error:  # noqa: BLE001  Whatever the hub's connection or the operating system raises.
            self._error = error
            self._stop(tree, Ending("failed", "任务失去控制"))

    def _obey(self, tree: ProcessTree, watch: Watch) -> None:
        clock = self._clock
        clock.go()
        deaf_since: float | None = None
        while not self._done.wait(TICK):
            tree.reap_orphans()
            try:
                self._events.report_progress(self._run)
                command = self._run.command(0.0)
                deaf_since = None
            except Exception:  # The hub may be away for a moment.
                deaf_since = deaf_since or time.monotonic()
                if time.monotonic() - deaf_since > DEAF_FOR:
                    raise
                command = None
            if command == "pause":
                self._pause(tree, clock)
            elif command == "resume":
                tree.resume()
                clock.go()
                self._log.tell("info", "任务继续运行")
                self._show_paused(False)
                self._run.paused(False)
            elif command in ("record", "stop-recording"):
                self._record(command == "record")
            elif command == "cancel":
                self._stop(tree, Ending("cancelled", "任务已取消"))
                return
            if self._max_run_time and clock.seconds > self._max_run_time:
                self._stop(tree, Ending("timed_out", f"运行时间超过上限 {self._max_run_time:g} 秒"))
                return
            if reason := watch.exceeded():
                self._stop(tree, Ending("failed", reason))
                return

    def _pause(self, tree: ProcessTree, clock: Clock) -> None:
        if tree.pause():
            clock.stop()
            self._log.tell("info", "任务已暂停")
            self._show_paused(True)
            self._run.paused(True)
        else:
            tree.resume()
            self._log.tell("error", "任务未能暂停：仍有进程在运行")
            self._run.paused(False)

    def _show_paused(self, is_paused: bool) -> None:
        if self._desktop is not None:
            self._desktop.is_paused = is_paused

    def _record(self, is_wanted: bool) -> None:
        if self._desktop is not None:
            self._desktop.record(is_wanted)
        elif is_wanted:
            self._log.tell("warn", "任务没有虚拟桌面，无法录屏")

    def _stop(self, tree: ProcessTree, verdict: Ending) -> None:
        self._verdict = verdict
        self._log.tell("warn", f"{verdict.reason}，正在结束任务的进程")
        self._say(tree.end(GRACE))

    def _sweep(self, tree: ProcessTree) -> None:
        """End what the first process has left behind."""
        ended = tree.end(LEFTOVER_GRACE)
        if ended.found:
            self._log.tell("warn", f"主进程结束后仍有 {ended.found} 个子进程在运行")
            self._say(ended)
        self.left = ended.left

    def _say(self, ended: Ended) -> None:
        if ended.left:
            self._log.tell("error", f"有 {len(ended.left)} 个进程未能结束：{'、'.join(map(str, ended.left))}")
        else:
            self._log.tell("info", f"已结束任务的全部进程（{ended.found} 个）")

    def _judge(self, process: subprocess.Popen[bytes], step: Step) -> Ending:
        """The ending of a program that nobody stopped."""
        code = process.returncode
        if code == 0:
            return Ending("succeeded")
        how = step.title or (f"进程以退出码 {code} 结束" if code > 0 else f"进程被信号 {_signal_name(-code)} 终止")
        why = self._events.failure or (self._pump.last_error if self._pump else "")
        return Ending("failed", explained(f"{how}：{why}" if why else how, code, step.bounds)[:LONGEST_REASON])


@contextmanager
def _event_pipe(space: Workspace) -> Iterator[tuple[int, Callable[[], None]]]:
    """The reading end of the run's event pipe, and what ends it: a writing end held here keeps it open while no process has it open."""
    reader = os.open(space.events, os.O_RDONLY | os.O_NONBLOCK)
    with ExitStack() as stack:
        stack.callback(os.close, reader)
        writer = stack.enter_context(space.events.open("wb", buffering=0))
        yield reader, writer.close


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
