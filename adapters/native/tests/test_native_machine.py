"""The figures of this machine, in the forms that the standard's readers expect."""
from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from adapters.native.connection import connection_check
from adapters.native.machine import machine_query
from plugins import Connection, Context, HubError, InvalidInput


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(Connection("native", "native"), folder=tmp_path / "robot")


def test_all_figures_have_their_printed_form(context: Context) -> None:
    info = machine_query(context, {})["resourceInfo"]
    assert list(info) == ["machineName", "ip", "cpu", "disk", "memory", "systemVersion"]
    assert re.fullmatch(r"\d{1,3}\.\d%", info["cpu"])
    assert re.fullmatch(r"\d+(\.\d)?GB/\d{1,3}\.\d%", info["disk"])
    assert re.fullmatch(r"\d+(\.\d)?GB/\d{1,3}\.\d%", info["memory"])
    assert re.fullmatch(r"\d+\.\d+\.\d+\.\d+", info["ip"])


def test_types_are_matched_in_any_case(context: Context) -> None:
    answer = machine_query(context, {"resourceTypes": ["SYSTEMVERSION", "memory"]})
    assert list(answer["resourceInfo"]) == ["systemVersion", "memory"]
    assert set(answer["resourceDetail"]) == {"memoryTotal", "memoryPercent"}


def test_unknown_type_is_a_wrong_parameter(context: Context) -> None:
    with pytest.raises(InvalidInput, match="gpu") as caught:
        machine_query(context, {"resourceTypes": ["cpu", "gpu"]})
    assert str(caught.value.code) == "10007"


def test_second_question_does_not_wait(context: Context) -> None:
    machine_query(context, {})
    started = time.perf_counter()
    machine_query(context, {"resourceTypes": ["cpu"]})
    assert time.perf_counter() - started < 0.05


def test_busy_processor_is_seen(context: Context) -> None:
    machine_query(context, {"resourceTypes": ["cpu"]})
    end = time.monotonic() + 0.3
    while time.monotonic() < end:
        sum(range(1000))
    assert machine_query(context, {"resourceTypes": ["cpu"]})["resourceDetail"]["cpuPercent"] > 1


def test_check_names_the_runtime(context: Context) -> None:
    answer = connection_check(context, {})
    assert answer["product"] == "内置机器人"
    assert "Robot Framework" in answer["version"]


def test_check_fails_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HubError, match="不可写"):
        connection_check(Context(Connection("native", "native"), folder=tmp_path / "file" / "robot"), {})
