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


PROGRESS = """
*** Settings ***
Task Setup    Log    s
*** Tasks ***
一
    Reach    a
    FOR    ${i}    IN RANGE    2
        Log    ${i}
    END
    Sub
二
    Reach    b
    No Operation
    Reach    c
*** Keywords ***
Reach
    [Arguments]    ${name}
    Log    at ${name}
    Wait Until Created    ${name}.go    timeout=15s
Sub
    No Operation
    Reach    sub
"""


def test_progress_follows_the_keywords_of_the_running_task_and_never_goes_back(folder: Path) -> None:
    going = Going(folder, {"a.robot": PROGRESS.replace("Task Setup", "Library    OperatingSystem\nTask Setup")})
    for name, expected in (("a", (12.5, "Reach")), ("sub", (37.5, "Sub")), ("b", (62.5, "Reach")), ("c", (87.5, "Reach"))):
        until(lambda name=name: f"at {name}" in going.run.texts("info"))
        until(lambda expected=expected: going.run.steps[-1:] == [expected])
        next(folder.glob("tasks/*/work")).joinpath(f"{name}.go").touch()
    assert going.wait()["taskState"] == "succeeded"
    percents = [percent for percent, _ in going.run.steps]
    assert percents == sorted(percents)
    assert percents[-1] == 100.0
    lines = dict(zip(going.run.texts(), going.run.line_steps, strict=True))
    assert (lines["开始：一"], lines["1"], lines["at sub"], lines["at c"]) == ("一", "FOR", "Sub", "Reach")


def test_what_a_suite_says_of_its_progress_counts_more_than_what_is_seen(folder: Path) -> None:
    run = FakeRun()
    suite = "*** Settings ***\nLibrary    rpa_task\n*** Tasks ***\nOne\n    Set Progress    70    算账\n    No Operation\n    Set Progress    30\nTwo\n    Sleep    0.3\n"
    execute(folder, {"a.robot": suite}, run)
    assert run.steps[-1] == (30.0, "Sleep")  # Its word on the step held for the task that said it.


LIBRARIES = """
*** Settings ***
Library    Collections
Library    OperatingSystem
Library    Process
Library    String
Library    XML
Suite Setup    Create File    ${CURDIR}/trades.xml    <trades><trade side="buy"><lots>3</lots></trade><trade side="sell"><lots>5</lots></trade></trades>

*** Test Cases ***
Totals Are Right
    ${trades} =    Get Elements    ${CURDIR}/trades.xml    trade
    ${total} =    Set Variable    ${0}
    FOR    ${trade}    IN    @{trades}
        ${lots} =    Get Element Text    ${trade}    lots
        ${total} =    Evaluate    ${total} + int(${lots})
    END
    Should Be Equal As Integers    ${total}    8

Texts And Lists
    @{words} =    Split String    buy,sell,hold    ,
    Append To List    ${words}    cancel
    List Should Contain Value    ${words}    hold
    ${upper} =    Convert To Upper Case    ${words}[0]
    Should Be Equal    ${upper}    BUY

A Program Of The Machine
    ${result} =    Run Process    sh    -c    echo done; exit 3
    Should Be Equal As Integers    ${result.rc}    3
    Should Be Equal    ${result.stdout}    done
    ${handle} =    Start Process    sleep    60
    Terminate Process    ${handle}

Skipped One
    Skip    not today
"""


def test_a_suite_that_knows_nothing_of_the_runtime_runs_unchanged(folder: Path) -> None:
    run = FakeRun()
    answer = execute(folder, {"suites/checks.robot": LIBRARIES, "suites/__init__.robot": "*** Settings ***\nDocumentation    x\n"}, run)
    assert answer == {"taskState": "succeeded", "outParameters": [], "reason": ""}, run.lines
    assert "跳过：Skipped One" in run.texts("info")
    assert run.steps[-1][0] == 100.0
