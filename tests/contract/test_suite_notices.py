"""The contract suite itself: an adapter that keeps the contract passes, and each way of breaking it is noticed by the right case."""
from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from plugins.testing import ContractSuite

ADAPTER = """
from plugins import Adapter
from plugins.fields import Text
from plugins.http import HttpForm
from {package} import task

class Form(HttpForm):
    access_key = Text("访问密钥", secret=True)
{form}

GAPS = ("task_create", "task_pause", "task_resume", "machine_query", "task_log_query", "video_query")
ADAPTER = Adapter(name="acme", title="Acme", modules=(task,), form=Form, cannot=dict.fromkeys(GAPS, "平台没有该接口"){more})
"""

TASK = """
import logging
from datetime import UTC, datetime

from plugins import HubError, VendorError, hookimpl
from plugins.http import HttpClient, shared
from plugins.login import Ticket
from plugins.normalise import read

def client(ctx):
    ticket = Ticket(headers={"X-Key": ctx.connection.credentials["access_key"]})
    return shared(ctx, lambda connection: HttpClient.to(connection, auth=lambda refused: ticket))

def job(ctx, params):
    return client(ctx).get("/jobs/{}", params["taskId"], shape=dict)

@hookimpl
def task_cancel(ctx, params):
    client(ctx).post("/jobs/{}/stop", params["taskId"], shape=dict)
    return {}

"""

QUERY = """
@hookimpl
def task_query(ctx, params):
    found = job(ctx, params)
    return {"taskId": read(found, "id", str), "taskStatus": 2, "startTime": datetime(2026, 1, 1, tzinfo=UTC)}
"""

CONTRACT = """
EXAMPLES = {"task_cancel": {"taskId": "job-1"}, "task_query": {"taskId": "job-1"}}

def vendor(server):
    server.on("GET", "/jobs/{}", {"id": "job-1", "state": "running"})
    server.on("POST", "/jobs/{}/stop", {"ok": True})
"""

Make = Callable[..., ContractSuite]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    monkeypatch.syspath_prepend(str(tmp_path))

    def made(query: str = QUERY, *, contract: str = CONTRACT, more: str = "", form: str = "") -> ContractSuite:
        home = tmp_path / "acme_under_test"
        home.mkdir()
        (home / "__init__.py").write_text(ADAPTER.format(package=home.name, more=more, form=form), "utf-8")
        (home / "task.py").write_text(TASK + query, "utf-8")
        (home / "contract.py").write_text(contract, "utf-8")
        return ContractSuite(importlib.import_module(home.name).ADAPTER)

    yield made
    for name in [name for name in sys.modules if name.startswith("acme_under_test")]:
        del sys.modules[name]


def complaints(suite: ContractSuite, *, about: str = "task_query") -> dict[str, str]:
    """What the suite finds, by case; only general cases and those about one operation."""
    found = {}
    for case in suite.cases():
        if str(case).startswith(("task_", "connection_")) and not str(case).startswith(about):
            continue
        try:
            case()
        except AssertionError as error:
            found[str(case)] = str(error)
    return found


def test_an_adapter_that_keeps_the_contract_passes_all_cases(make: Make) -> None:
    suite = make()
    assert complaints(suite) == {}
    assert complaints(suite, about="task_cancel") == {}
    assert len(suite.cases()) > 40


def test_a_swallowed_error_is_noticed(make: Make) -> None:
    found = complaints(make("""
@hookimpl
def task_query(ctx, params):
    try:
        job(ctx, params)
    except HubError:
        return {}
    return {}
"""))
    for fault in ("silence", "reset", "401", "403", "404", "409", "429", "500", "503", "HTML", "cut JSON", "cut content", "redirect"):
        assert "as if nothing had happened" in found[f"task_query survives {fault}"]
    assert "as if nothing had happened" in found["task_query reports a refused connection"]


def test_a_crash_on_a_strange_answer_is_noticed(make: Make) -> None:
    found = complaints(make("""
@hookimpl
def task_query(ctx, params):
    return {"taskId": client(ctx).get("/jobs/{}", params["taskId"])["id"]}
"""))
    assert "TypeError" in found["task_query survives list of numbers"]
    assert "TypeError" in found["task_query survives null"]


@pytest.mark.parametrize("leak", [
    'raise VendorError(f"refused: {key}")',
    'raise VendorError("refused", raw={"sent": [key]})',
    'raise error from KeyError(key)',
    'logging.getLogger("acme").debug("calling with %s", ctx.connection.credentials)\n        raise',
    'ctx.memo["last"] = key\n        logging.getLogger("acme").debug("%s", ctx.memo)\n        raise',
    'import base64\n        raise VendorError(base64.b64encode(f"user:{key}".encode()).decode())',
])
def test_a_credential_that_can_be_seen_is_noticed(make: Make, leak: str) -> None:
    found = complaints(make(f"""
@hookimpl
def task_query(ctx, params):
    key = ctx.connection.credentials["access_key"]
    try:
        return {{"taskId": read(job(ctx, params), "id", str)}}
    except HubError as error:
        {leak}
"""))
    assert "credential can be seen" in found["task_query survives 500"]
    assert "task_query answers in the words of its response" not in found


@pytest.mark.parametrize(("answer", "complaint"), [
    ('{"taskId": 7}', "reference"),
    ('{"startTime": datetime(2026, 1, 1)}', "aware"),
    ('{"state": "running"}', "does not know"),
    ('{"outParameters": {"a": 1}}', "no list"),
    ('{"taskStatus": "running"}', "cannot be given out"),
])
def test_an_answer_in_other_words_is_noticed(make: Make, answer: str, complaint: str) -> None:
    found = complaints(make(f"@hookimpl\ndef task_query(ctx, params):\n    job(ctx, params)\n    return {answer}\n"))
    assert complaint in found["task_query answers in the words of its response"]


def test_a_left_out_argument_is_noticed(make: Make) -> None:
    found = complaints(make("@hookimpl\ndef task_query(params):\n    return {}\n"), about="nothing")
    assert "ctx" in found["hooks have the one signature"]


def test_an_operation_without_example_is_noticed(make: Make) -> None:
    found = complaints(make(contract=CONTRACT.replace('"task_query"', '"task_pause"')), about="nothing")
    assert "task_query" in found["every implemented operation has an example"]


def test_a_silent_gap_is_noticed(make: Make) -> None:
    suite = make()
    object.__setattr__(suite.adapter, "cannot", {name: reason for name, reason in suite.adapter.cannot.items() if name != "task_pause"})
    assert "task_pause" in complaints(suite, about="nothing")["every operation is accounted for"]


def test_a_reason_that_callers_cannot_read_is_noticed(make: Make) -> None:
    found = complaints(make(more=', not_yet={"task_list": "later"}'), about="nothing")
    assert "task_list" in found["reasons are given in Chinese"]


def test_a_secret_that_is_not_marked_is_noticed(make: Make) -> None:
    found = complaints(make(form='    client_secret = Text("应用密钥")'), about="nothing")
    assert "client_secret" in found["the form marks its secrets"]


def test_a_call_that_the_example_does_not_teach_is_noticed(make: Make) -> None:
    found = complaints(make('@hookimpl\ndef task_query(ctx, params):\n    client(ctx).get("/other")\n    return {}\n'))
    assert "/other" in found["task_query answers in the words of its response"]
