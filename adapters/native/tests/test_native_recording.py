"""Tasks on displays of their own, and the films of them."""
from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from adapters.native.left import desktop_find, recordings_left
from adapters.native.tests.filming import WAITING, needs_recording, pictures, probe, serving
from adapters.native.tests.running import FakeRun, Going, execute, is_alive, until
from plugins import Connection, Context, HubError, codes

SIZE = (640, 480)
DESKTOP = {"width": 640, "height": 480, "depth": 24}
RECORDED = {"isRecord": True, "desktop": DESKTOP, "operator": "张三", "robotId": "7", "recording": {"rate": 10, "quality": 28}}


@pytest.fixture(autouse=True)
def nothing_left(tmp_path: Path) -> Iterator[None]:
    """No test leaves a display or a recorder."""
    yield
    until(lambda: not serving(tmp_path))


def context(folder: Path) -> Context:
    return Context(Connection("native", "native"), folder=folder)


def go_on(folder: Path, name: str, text: str = "") -> None:
    """Put a file into the work folder of the task that runs."""
    [work] = folder.glob("tasks/*/work")
    (work / f"{name}.part").write_text(text)
    (work / f"{name}.part").rename(work / name)


def recording(going: Going) -> bool:
    return bool(until(lambda: going.run.screens and going.run.screens[-1][1]))


def saved(folder: Path, run: FakeRun, number: int = 0) -> Path:
    path = folder.with_name(f"film-{number}.mp4")
    path.write_bytes(run.recordings[number][0])
    return path


@needs_recording
def test_a_recorded_task_is_filmed_from_its_beginning_to_its_end(folder: Path) -> None:
    going = Going(folder, {"main.py": WAITING}, **RECORDED)
    recording(going)
    began = time.monotonic()
    until(lambda: time.monotonic() - began > 2)
    go_on(folder, "done")
    assert going.wait()["taskState"] == "succeeded", going.run.lines
    [(_, started_at, ended_at, manifest)] = going.run.recordings
    found = probe(saved(folder, going.run))
    assert (found["width"], found["height"], found["codec"]) == (*SIZE, "h264")
    assert found["duration"] == pytest.approx((ended_at - started_at).total_seconds(), abs=1.0) and found["duration"] > 1.5
    assert manifest["display"] == DESKTOP and manifest["part"] == 1 and manifest["isOverlaid"] and not manifest["isInterrupted"]
    assert not list((folder / "recordings").iterdir()), "what the hub has is not kept twice"
    assert going.run.screens[-1][0] and "录屏第 1 段已保存" in going.run.texts("info")


@needs_recording
def test_the_step_is_seen_in_the_picture_within_a_second(folder: Path) -> None:
    going = Going(folder, {"main.py": WAITING}, **RECORDED)
    recording(going)
    until(lambda: going.run.steps)
    time.sleep(1.0)
    go_on(folder, "step", "第二步 提交一份很长很长的清算文件")
    until(lambda: going.run.steps[-1][1] == "第二步 提交一份很长很长的清算文件")
    time.sleep(1.0)
    go_on(folder, "done")
    going.wait()
    frames = pictures(saved(folder, going.run), SIZE)
    # The last line of the overlay: rows near the bottom. The longer step reaches to the right of where the shorter one ends.
    right = [sum(frame[row * 640 + 200 : row * 640 + 400].count(bytes([level])) for row in range(455, 472) for level in range(180, 256)) for frame in frames]
    assert right[3] < 5 and right[-2] > 100, right
    left = [sum(frame[row * 640 : row * 640 + 150].count(bytes([level])) for row in range(410, 472) for level in range(180, 256)) for frame in frames]
    assert min(left[2:]) > 100, "time, operator and robot stand in every picture"


@needs_recording
def test_a_killed_recorder_costs_a_moment_and_not_the_film(folder: Path) -> None:
    going = Going(folder, {"main.py": WAITING}, **RECORDED)
    recording(going)
    time.sleep(1.5)
    [recorder] = serving(folder, "x11grab")
    recorder.kill()
    until(lambda: [each for each in serving(folder, "x11grab") if each.pid != recorder.pid])
    until(lambda: len(going.run.recordings) == 1)
    time.sleep(1.0)
    go_on(folder, "done")
    assert going.wait()["taskState"] == "succeeded"
    assert [manifest["isInterrupted"] for *_, manifest in going.run.recordings] == [True, False]
    assert [probe(saved(folder, going.run, number))["frames"] > 3 for number in (0, 1)] == [True, True]
    assert any("录屏程序意外退出" in text for text in going.run.texts("warn"))


@needs_recording
def test_recording_is_switched_on_and_off_while_the_task_runs(folder: Path) -> None:
    going = Going(folder, {"main.py": WAITING}, desktop=DESKTOP, recording={"rate": 10, "quality": 28})
    until(lambda: going.run.screens == [(True, False, "")])
    for number in (1, 2):
        going.run.commands.append("record")
        recording(going)
        time.sleep(0.5)
        going.run.commands.append("stop-recording")
        until(lambda number=number: len(going.run.recordings) == number)
    go_on(folder, "done")
    going.wait()
    assert [manifest["part"] for *_, manifest in going.run.recordings] == [1, 2]
    assert going.run.recordings[0][2] <= going.run.recordings[1][1]


@needs_recording
def test_a_pause_stops_the_task_and_not_its_recorder(folder: Path) -> None:
    going = Going(folder, {"main.py": WAITING}, **RECORDED)
    recording(going)
    going.run.commands.append("pause")
    until(lambda: going.run.pauses == [True])
    assert [process.status() != psutil.STATUS_STOPPED for process in serving(folder)] == [True, True]
    going.run.commands.append("resume")
    until(lambda: going.run.pauses == [True, False])
    go_on(folder, "done")
    assert going.wait()["taskState"] == "succeeded"
    assert not any("子进程在运行" in text for text in going.run.texts()), "display and recorder are not the task's children"


@needs_recording
def test_pictures_are_taken_while_somebody_watches(folder: Path) -> None:
    going = Going(folder, {"main.py": WAITING}, desktop=DESKTOP)
    until(lambda: going.run.screens)
    assert not serving(folder, "x11grab")
    going.run.is_watched = True
    until(lambda: len(going.run.frames) >= 2)
    assert all(frame.startswith(b"\xff\xd8") and frame.endswith(b"\xff\xd9") for frame in going.run.frames)
    going.run.is_watched = False
    until(lambda: not serving(folder, "x11grab"))
    go_on(folder, "done")
    going.wait()


@needs_recording
def test_the_display_opens_only_with_its_cookie(folder: Path) -> None:
    going = Going(folder, {"main.py": WAITING}, desktop=DESKTOP)
    until(lambda: going.run.texts())
    facts = desktop_find(context(folder), {"taskId": "41"})
    assert facts["display"] == going.run.texts()[0] and os.stat(facts["authority"]).st_mode & 0o077 == 0
    grab = ["ffmpeg", "-v", "error", "-f", "x11grab", "-i", facts["display"], "-frames:v", "1", "-f", "null", "-"]
    nobody = {"PATH": os.environ["PATH"], "XAUTHORITY": os.devnull}
    assert subprocess.run(grab, env=nobody, stderr=subprocess.DEVNULL, check=False).returncode != 0
    assert subprocess.run(grab, env={**nobody, "XAUTHORITY": facts["authority"]}, stderr=subprocess.DEVNULL, check=False).returncode == 0
    [server] = serving(folder, "Xvfb")
    assert not [each for each in server.net_connections() if each.laddr], "no TCP"
    go_on(folder, "done")
    going.wait()
    with pytest.raises(HubError) as refused:
        desktop_find(context(folder), {"taskId": "41"})
    assert refused.value.code is codes.ROBOT_STATE


@needs_recording
def test_twenty_tasks_have_twenty_displays(folder: Path) -> None:
    crowd = [Going(folder / str(number), {"main.py": WAITING}, desktop=DESKTOP) for number in range(20)]
    names = {until(lambda going=going: going.run.texts(), 60)[0] for going in crowd}
    assert len(names) == 20 and all(name.startswith(":") for name in names)
    for number in range(20):
        go_on(folder / str(number), "done")
    assert {going.wait()["taskState"] for going in crowd} == {"succeeded"}


ROBOT = """
import sys
from pathlib import Path
sys.path[:0] = [{root!r}]
from adapters.native.tests.running import execute
from adapters.native.tests.filming import WAITING
execute(Path({folder!r}), {{"main.py": WAITING}}, isRecord=True, desktop={desktop!r}, robotId="7")
"""


@needs_recording
def test_the_film_of_a_killed_robot_is_handed_in_when_it_starts_again(folder: Path) -> None:
    root = str(Path(__file__).parents[3])
    code = ROBOT.format(root=root, folder=str(folder), desktop=DESKTOP)
    robot = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    until(lambda: [path for path in folder.glob("recordings/*.mkv") if path.stat().st_size > 2000], 20)
    time.sleep(1.0)
    robot.kill()
    robot.wait()
    until(lambda: not serving(folder), 20)
    assert recordings_left(context(folder), {"robotId": "8"})["recordings"] == [], "they belong to another robot"
    [left] = recordings_left(context(folder), {"robotId": "7"})["recordings"]
    path = folder.with_name("left.mp4")
    path.write_bytes(left["content"].read())
    assert probe(path)["frames"] >= 3
    assert left["taskId"] == "41" and left["manifest"]["isInterrupted"] and left["endTime"] > left["startTime"]
    assert [each["key"] for each in recordings_left(context(folder), {"robotId": "7"})["recordings"]] == [left["key"]], "until it is stored"
    assert recordings_left(context(folder), {"robotId": "7", "taken": [left["key"]]})["recordings"] == []
    assert not list((folder / "recordings").iterdir())


@needs_recording
def test_a_live_run_keeps_its_film_to_itself(folder: Path) -> None:
    going = Going(folder, {"main.py": WAITING}, **RECORDED)
    recording(going)
    assert recordings_left(context(folder), {"robotId": "7"})["recordings"] == []
    go_on(folder, "done")
    going.wait()
    assert len(going.run.recordings) == 1


def only(tmp_path: Path, *programs: str) -> str:
    """A PATH with these programs alone."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in programs:
        (folder / name).symlink_to(shutil.which(name) or f"/nowhere/{name}")
    return str(folder)


def test_without_a_display_server_the_task_runs_and_says_that_it_is_not_recorded(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", only(tmp_path, "sh"))
    run = FakeRun()
    assert execute(folder, {"main.py": "print('done')"}, run, **RECORDED)["taskState"] == "succeeded"
    assert any("未录屏" in text and "安装软件包 xvfb" in text for text in run.texts("warn"))
    assert run.screens == [(False, False, run.screens[0][2])] and "Xvfb" in run.screens[0][2] and not run.recordings


@needs_recording
def test_without_a_recorder_the_task_has_a_display_and_says_that_it_is_not_recorded(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", only(tmp_path, "sh", "Xvfb", "xkbcomp"))
    run = FakeRun()
    assert execute(folder, {"main.py": "import os; print(os.environ['DISPLAY'])"}, run, **RECORDED)["taskState"] == "succeeded"
    assert any("未录屏" in text and "安装软件包 ffmpeg" in text for text in run.texts("warn")) and not run.recordings


@needs_recording
def test_a_recorder_that_cannot_write_costs_the_film_and_not_the_task(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "ffmpeg").write_text("#!/bin/sh\necho 'film.mkv: No space left on device' >&2\nexit 1\n")
    (broken / "ffmpeg").chmod(0o755)
    monkeypatch.setenv("PATH", f"{broken}:{os.environ['PATH']}")
    run = FakeRun()
    assert execute(folder, {"main.py": "import time; time.sleep(3)"}, run, **RECORDED)["taskState"] == "succeeded"
    assert any("不再录屏" in text and "No space left" in text for text in run.texts("error")), run.lines
    assert not run.recordings and not list((folder / "recordings").iterdir())


@needs_recording
def test_a_full_disk_ends_the_film_and_not_the_task(folder: Path) -> None:
    space = folder / "recordings"
    space.mkdir(parents=True)
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(space)], stderr=subprocess.DEVNULL, check=False)
    if mount.returncode:
        pytest.skip("no small disk can be mounted here")
    try:
        run = FakeRun()
        answer = execute(folder, {"main.py": "import time; time.sleep(6)"}, run, **{**RECORDED, "recording": {"rate": 30, "quality": 1}})
        assert answer["taskState"] == "succeeded", run.lines
        assert any("No space left" in text for text in run.texts("warn")), run.lines
        assert [manifest["isInterrupted"] for *_, manifest in run.recordings] == [True], "what was filmed before is not lost"
    finally:
        subprocess.run(["umount", "-l", str(space)], check=True)


@needs_recording
def test_what_the_hub_does_not_take_stays_for_the_next_start(folder: Path) -> None:
    class Refusing(FakeRun):
        def recording(self, *given: object, **more: object) -> None:
            raise HubError(code=codes.FILE_NOT_SAVED)

    run = Refusing()
    assert execute(folder, {"main.py": "import time; time.sleep(1)"}, run, **RECORDED)["taskState"] == "succeeded"
    assert any("暂未保存到平台" in text for text in run.texts("error"))
    [left] = recordings_left(context(folder), {"robotId": "7"})["recordings"]
    assert left["taskId"] == "41" and not left["manifest"]["isInterrupted"]


@needs_recording
def test_a_package_may_ask_for_a_desktop(folder: Path) -> None:
    toml = 'kind = "python"\nentry = "main.py"\ndesktop = true\n'
    run = FakeRun()
    assert execute(folder, {"rpa.toml": toml, "main.py": "import os; print(os.environ['DISPLAY'])"}, run)["taskState"] == "succeeded"
    assert run.screens[0][0] and not run.recordings


@needs_recording
@pytest.mark.parametrize("desktop", [{"width": 641, "height": 481, "depth": 16}, {"width": 10, "height": 999_999, "depth": 32}])
def test_odd_and_boundless_sizes_are_filmed_too(folder: Path, desktop: dict[str, int]) -> None:
    run = FakeRun()
    assert execute(folder, {"main.py": "import time; time.sleep(1)"}, run, **{**RECORDED, "desktop": desktop})["taskState"] == "succeeded"
    shown = run.recordings[0][3]["display"]
    found = probe(saved(folder, run))
    assert (found["width"] - shown["width"], found["height"] - shown["height"]) == (shown["width"] % 2, shown["height"] % 2)
    assert shown["width"] >= 320 and shown["height"] <= 2160


def test_a_cancelled_task_leaves_nothing_running(folder: Path) -> None:
    going = Going(folder, {"main.py": WAITING}, **RECORDED)
    until(lambda: going.run.texts("info"))
    servers = [process.pid for process in serving(folder)]
    going.run.commands.append("cancel")
    assert going.wait()["taskState"] == "cancelled"
    assert servers or shutil.which("Xvfb") is None
    assert not any(is_alive(pid) for pid in servers)
