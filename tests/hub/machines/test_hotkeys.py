"""Hotkeys start tasks by the robot itself, on a real X server where there is one."""
from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import select

from hub.core import Hub
from hub.machines import hotkeys as registered
from hub.machines import keyboard
from hub.models import Task
from hub.robots import hotkeys
from plugins.errors import InvalidInput
from tests.end_to_end.client import until
from tests.hub.conftest import Api
from tests.hub.machines.conftest import HostOf
from tests.hub.services.test_robot_api import made_on, robot_api

NewHost = Callable[..., HostOf]


@pytest.mark.parametrize(
    ("text", "modifiers", "key"),
    [
        ("<ctrl>+<alt>+r", {"ctrl", "alt"}, "r"),
        (" <CTRL> + 7 ", {"ctrl"}, "7"),
        ("<f5>", set(), "F5"),
        ("<shift>+<f12>", {"shift"}, "F12"),
        ("<cmd>+<page_up>", {"cmd"}, "Page_Up"),
    ],
)
def test_a_text_names_a_hotkey(text: str, modifiers: set[str], key: str) -> None:
    assert hotkeys.parse(text) == hotkeys.Hotkey(frozenset(modifiers), key)


@pytest.mark.parametrize("text", ["", "r", "<shift>+r", "<ctrl>", "ctrl+r", "<ctrl>+<ctrl>+r", "<hyper>+r", "<ctrl>+é", "<ctrl>+<alt>+", "<ctrl>++", "+"])
def test_what_names_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        hotkeys.parse(text)


@pytest.fixture
def trigger(api: Api) -> Callable[..., int]:
    """Gives a robot a hotkey; tells the process."""

    known: dict[int, tuple[Any, int]] = {}

    def make(robot_id: int, **changes: Any) -> int:
        if robot_id not in known:
            robot = robot_api(api, robot_id)
            known[robot_id] = (robot, made_on(robot)[0])
        robot, process = known[robot_id]
        given = {"name": "按键", "type": "hotkey", "hotkey": "<ctrl>+<alt>+r", "processId": process, "inParameters": [{"name": "a", "value": "1"}]}
        robot("robot_api_config", robotConfig={"schedules": [{**given, **changes}]})
        return process

    return make


def test_a_robot_refuses_a_hotkey_that_does_not_exist(api: Api, trigger: Callable[..., int]) -> None:
    with pytest.raises(AssertionError, match="10007"):
        trigger(1, hotkey="strg+r")


@pytest.fixture
def x_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[bytes]]:
    """An X server of our own, named by DISPLAY."""
    pytest.importorskip("Xlib", reason="the extra [hotkey] is not installed")
    if shutil.which("Xvfb") is None:
        pytest.skip("there is no Xvfb to start here")
    reader, writer = os.pipe()
    with subprocess.Popen(["Xvfb", "-displayfd", str(writer), "-screen", "0", "640x480x24", "-nolisten", "tcp", "-noreset"], pass_fds=[writer]) as server:
        os.close(writer)
        with os.fdopen(reader, encoding="ascii") as file:
            monkeypatch.setenv("DISPLAY", f":{file.readline().strip()}")
        yield server
        server.terminate()


def press(*keys: str) -> None:
    """Press these keys together, as hands would, and let them go."""
    from Xlib import XK, X
    from Xlib.display import Display
    from Xlib.ext import xtest

    display = Display()
    codes = [display.keysym_to_keycode(XK.string_to_keysym(each)) for each in keys]
    for code in codes:
        xtest.fake_input(display, X.KeyPress, code)
    for code in reversed(codes):
        xtest.fake_input(display, X.KeyRelease, code)
    display.sync()
    display.close()


def tasks_of(hub: Hub, robot_id: int) -> list[Task]:
    with hub.db.read() as session:
        return list(session.scalars(select(Task).where(Task.robot_id == robot_id).order_by(Task.id)))


def listening(host: HostOf) -> None:
    """Let the host register what is wanted, and wait until it has."""
    host._host._hotkeys._next_look = 0.0
    host.step()
    listener = host._host._hotkeys._listener
    assert listener is not None
    until(lambda: listener._keyboard._grabbed or not listener.is_alive(), 10, "the hotkeys to be registered")


@pytest.mark.usefixtures("x_server")
def test_a_key_starts_one_task_with_the_triggers_parameters(api: Api, hub: Hub, new_host: NewHost, trigger: Callable[..., int]) -> None:
    host = new_host()
    robot_id = host.robots()[0].id
    process = trigger(robot_id)
    listening(host)
    press("Control_L", "Alt_L", "r")
    press("Control_L", "Alt_L", "r")  # a nervous finger
    press("Control_L", "r")
    press("r")
    until(lambda: tasks_of(hub, robot_id), 10, "the task")
    time.sleep(0.3)
    [task] = tasks_of(hub, robot_id)
    assert (task.process_id, task.in_parameters, task.actor) == (process, [{"name": "a", "value": "1"}], f"robot-{robot_id}")
    time.sleep(registered.DEBOUNCE)
    press("Num_Lock")
    press("Control_L", "Alt_L", "r")
    until(lambda: len(tasks_of(hub, robot_id)) == 2, 10, "the second task")
    host._host.leave()


@pytest.mark.usefixtures("x_server")
def test_a_key_that_is_switched_off_does_nothing_and_a_changed_one_counts(
    api: Api, hub: Hub, new_host: NewHost, trigger: Callable[..., int]
) -> None:
    host = new_host()
    robot_id = host.robots()[0].id
    trigger(robot_id)
    listening(host)
    trigger(robot_id, hotkey="<f5>")
    listening(host)
    press("Control_L", "Alt_L", "r")
    press("F5")
    until(lambda: tasks_of(hub, robot_id), 10, "the task")
    trigger(robot_id, isActivated=False)
    host._host._hotkeys._next_look = 0.0
    host.step()
    assert host._host._hotkeys._listener is None
    press("F5")
    assert len(tasks_of(hub, robot_id)) == 1


@pytest.mark.usefixtures("x_server")
def test_a_key_that_another_program_has_is_not_taken_away() -> None:
    first, second = keyboard.Keyboard(), keyboard.Keyboard()
    key = hotkeys.parse("<ctrl>+<f9>")
    assert (first.register([key]), second.register([key])) == (set(), {key})
    first.close()
    until(lambda: second.register([key]) == set(), 10, "the key to be free")
    second.close()


def test_a_desktop_that_goes_away_is_no_trouble(
    x_server: subprocess.Popen[bytes], api: Api, hub: Hub, new_host: NewHost, trigger: Callable[..., int]
) -> None:
    host = new_host()
    trigger(host.robots()[0].id)
    listening(host)
    listener = host._host._hotkeys._listener
    assert listener is not None
    x_server.kill()
    x_server.wait()
    listener.join(10)
    assert not listener.is_alive()
    host._host._hotkeys._next_look = 0.0
    host.step()
    assert host._host._hotkeys._listener is None


@pytest.mark.parametrize(("variable", "why"), [(None, "DISPLAY is not set"), (":987", "does not answer")])
def test_without_a_desktop_the_log_says_why(
    api: Api, new_host: NewHost, trigger: Callable[..., int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    variable: str | None, why: str,
) -> None:  # fmt: skip
    monkeypatch.setenv("DISPLAY", variable) if variable else monkeypatch.delenv("DISPLAY", raising=False)
    host = new_host()
    trigger(host.robots()[0].id)
    host._host._hotkeys._next_look = 0.0
    host.step()
    assert host._host._hotkeys._listener is None
    assert "hotkeys are not registered" in (told := capsys.readouterr().out) and why in told


def test_without_hotkeys_no_desktop_is_asked_for(new_host: NewHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registered, "Keyboard", lambda: pytest.fail("the desktop was asked for"))
    host = new_host()
    host._host._hotkeys._next_look = 0.0
    host.step()
