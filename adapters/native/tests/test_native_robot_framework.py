"""Suites of Robot Framework as tasks."""
from __future__ import annotations

from pathlib import Path

from adapters.native.tests.running import FakeRun, Going, execute, until

ROBOT = """
*** Settings ***
Library    rpa_task

*** Variables ***
${日期}    2000-01-01

*** Tasks ***
核对
    Log    日期 ${日期}
    Log    细节    DEBUG
    Log    小心    WARN
    Should Be Equal    ${{ type($日期).__name__ }}    str
    Set Output    日期    ${日期}
    Set Progress    40    比较金额
    ${all} =    Inputs
    Should Be Equal    ${all}[日期]    ${日期}
"""


def test_robot_suite_with_inputs_outputs_levels_and_results(folder: Path) -> None:
    run = FakeRun()
    answer = execute(folder, {"对账.robot": ROBOT}, run, inputs={"日期": "2025-01-02"}, logLevel="debug")
    assert answer == {"taskState": "succeeded", "outParameters": [{"name": "日期", "value": "2025-01-02"}], "reason": ""}
    for line in [("info", "日期 2025-01-02"), ("debug", "细节"), ("warn", "小心"), ("debug", "关键字：rpa_task.Set Progress")]:
        assert run.lines.count(line) == 1
    assert run.steps[-1] == (40.0, "比较金额")
    assert all(at is not None for at in run.times)
    assert {path.name for path in folder.glob("tasks/*/robot/*")} == {"output.xml", "log.html"}


def test_failing_robot_task_gives_its_message_as_reason(folder: Path) -> None:
    run = FakeRun()
    failing = "*** Tasks ***\n好\n    Log    好\n坏\n    Fail    金额不符\n"
    answer = execute(folder, {"a.robot": failing, "b.robot": ROBOT}, run, inputs={"日期": "1"})
    assert answer["taskState"] == "failed"
    assert answer["reason"] == "进程以退出码 1 结束：坏：金额不符"
    assert ("error", "金额不符") in run.lines
    assert "细节" not in run.texts()


def test_robot_suite_that_cannot_be_read_fails_with_its_words(folder: Path) -> None:
    run = FakeRun()
    answer = execute(folder, {"a.robot": "*** Settings ***\nLibrary    no_such_library\n*** Tasks ***\nOne\n    Unheard Of\n"}, run)
    assert "No keyword with name 'Unheard Of' found" in answer["reason"]
    assert any("no_such_library" in text for text in run.texts("error"))


def test_name_that_cannot_be_a_variable_is_still_an_input(folder: Path) -> None:
    run = FakeRun()
    suite = "*** Settings ***\nLibrary    rpa_task\n*** Tasks ***\nOne\n    ${all} =    Inputs\n    Log    ${all}[a{b]\n"
    assert execute(folder, {"a.robot": suite}, run, inputs={"a{b": "值"})["taskState"] == "succeeded"
    assert "值" in run.texts("info")
    assert any("a{b" in text for text in run.texts("warn"))


def test_cancelled_robot_framework_writes_its_results(folder: Path) -> None:
    going = Going(folder, {"a.robot": "*** Tasks ***\nOne\n    Log    up\n    Sleep    60\n"})
    until(lambda: "up" in going.run.texts())
    going.run.commands.append("cancel")
    assert going.wait()["taskState"] == "cancelled"
    assert list(folder.glob("tasks/*/robot/log.html"))
