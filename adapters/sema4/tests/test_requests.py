"""What the adapter sends, against the server's own OpenAPI document; and the cases that the real server cannot be brought to."""
from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.sema4 import ADAPTER, contract
from plugins import Conflict, VendorError
from plugins.manager import LoadedAdapter
from plugins.testing import FakeVendor, Reply, Seen, context_for, mismatches

DOCUMENT = Path(__file__).resolve().parents[4] / "shared" / "contracts" / "sema4" / "sema4ai-action-server-2.6.0.openapi.json"


@pytest.fixture
def vendor() -> Iterator[FakeVendor]:
    server = FakeVendor()
    contract.vendor(server)
    with server:
        yield server


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    if not DOCUMENT.exists():
        pytest.skip("the folder shared with the vendors' documents is not beside the checkout")
    known: dict[str, Any] = json.loads(DOCUMENT.read_text("utf-8"))
    # The sample's one action stands for all: each action has such a path, with its own inputs.
    path = known["paths"].pop("/api/actions/sas-pkg/greet/run")
    path["post"]["requestBody"]["content"]["application/json"].pop("schema")
    # Served by 2.6.0, but left out of its document.
    return {**known, "paths": {"/config": {"get": {}}, "/api/actions/{package}/{action}/run": path, **known["paths"]}}


def call(vendor: FakeVendor, name: str, **params: Any) -> dict[str, Any]:
    return LoadedAdapter(ADAPTER).call(name, context_for(ADAPTER, vendor.address, credentials={"api_key": "test-key"}), params)


@pytest.mark.parametrize("name", contract.EXAMPLES)
def test_requests_are_those_of_the_document(name: str, vendor: FakeVendor, document: dict[str, Any]) -> None:
    call(vendor, name, **contract.EXAMPLES[name])
    assert vendor.requests
    for seen in vendor.requests:
        if seen.content != b"{":  # The unreadable body with which the key is tried.
            assert mismatches(seen, document) == []


def test_the_comparison_notices_what_is_not_documented(document: dict[str, Any]) -> None:
    assert mismatches(Seen("GET", "/api/jobs", (), {}, b""), document)
    assert mismatches(Seen("DELETE", "/api/runs", (), {}, b""), document)
    assert mismatches(Seen("GET", "/api/runs", (("page", "2"),), {}, b""), document)
    assert mismatches(Seen("GET", "/api/runs/x/artifacts/binary-content", (), {}, b""), document)
    assert mismatches(Seen("POST", "/api/actions/a/b/run", (), {}, b""), document)
    assert mismatches(Seen("POST", "/api/secrets", (), {"content-type": "application/json"}, b"[]"), document)


def test_the_start_carries_key_trace_and_credentials(vendor: FakeVendor) -> None:
    assert call(vendor, "task_create", **contract.EXAMPLES["task_create"]) == {"taskIds": ["run-1"]}
    sent = vendor.requests[-1]
    assert (sent.method, sent.path, sent.json) == ("POST", "/api/actions/things/greet/run", {"name": "Li", "times": 2})
    assert sent.headers["x-actions-request-id"] == "key-1"
    assert float(sent.headers["x-actions-async-timeout"]) > 0
    assert sent.headers["authorization"] == "Bearer test-key"
    assert sent.headers["x-trace-id"] == "trace-of-a-test"


def test_a_start_is_sent_once_and_an_uncertain_one_says_so(vendor: FakeVendor) -> None:
    vendor.on("POST", "/api/actions/things/greet/run", Reply({"error_code": "internal-error", "message": "broken"}, 503))
    with pytest.raises(VendorError) as caught:
        call(vendor, "task_create", **contract.EXAMPLES["task_create"])
    assert caught.value.maybe_done
    assert [seen.method for seen in vendor.requests].count("POST") == 1


def test_a_failure_that_was_no_run_stays_a_failure(vendor: FakeVendor) -> None:
    vendor.on("POST", "/api/actions/things/greet/run", Reply({"error_code": "internal-error", "message": "broken"}, 500))
    unknown = {"error_code": "internal-error", "message": "Unknown request id: key-1"}
    vendor.on("GET", "/api/runs/run-id-from-request-id/{}", Reply(unknown, 404))
    with pytest.raises(VendorError, match="broken"):
        call(vendor, "task_create", **contract.EXAMPLES["task_create"])


def test_only_the_servers_own_words_make_certain_that_nothing_was_started(vendor: FakeVendor) -> None:
    unknown = {"error_code": "internal-error", "message": "Unknown request id: key-1"}
    vendor.on("GET", "/api/runs/run-id-from-request-id/{}", Reply(unknown, 404))
    assert call(vendor, "task_find", key="key-1") == {"taskId": None}
    for body in ({"detail": "Not Found"}, b"<html>not here</html>"):
        vendor.on("GET", "/api/runs/run-id-from-request-id/{}", Reply(body, 404))
        with pytest.raises(VendorError):
            call(vendor, "task_find", key="key-1")


def test_a_run_that_the_server_has_lost_cannot_be_cancelled(vendor: FakeVendor) -> None:
    vendor.on("POST", "/api/runs/{}/cancel", "not-running")
    vendor.on("GET", "/api/runs/{}", {**contract.RUN, "status": 1})
    with pytest.raises(Conflict) as caught:
        call(vendor, "task_cancel", taskId="run-1")
    assert caught.value.code.value == "10504"


def test_many_tasks_are_watched_in_one_call(vendor: FakeVendor) -> None:
    vendor.on("GET", "/api/runs", [{**contract.RUN, "id": f"run-{number}"} for number in range(200)])
    answer = call(vendor, "task_watch", taskIds=[f"run-{number}" for number in range(200)])
    assert len(answer["tasks"]) == 200
    assert len(vendor.requests) == 1


def test_a_state_that_nobody_knows_is_unknown_and_goes_on(vendor: FakeVendor) -> None:
    vendor.on("GET", "/api/runs/{}", {**contract.RUN, "status": 9})
    task = call(vendor, "task_query", taskId="run-1")
    assert (task["taskState"], task["taskStatus"], task["stopTime"]) == ("unknown", 2, None)


def test_a_waiting_run_has_not_begun(vendor: FakeVendor) -> None:
    vendor.on("GET", "/api/runs/{}", {**contract.RUN, "status": 0, "run_time": None, "result": None})
    task = call(vendor, "task_query", taskId="run-1")
    assert (task["taskState"], task["taskStatus"], task["startTime"], task["stopTime"]) == ("queued", 2, None, None)


def test_names_are_made_into_addresses_as_the_server_does(vendor: FakeVendor) -> None:
    action = {**contract.ACTION, "name": "Get_Daily__Report"}
    vendor.on("GET", "/api/actionPackages", [{"id": "ap-1", "name": "Été & Co_财务", "actions": [action]}])
    vendor.on("POST", "/api/actions/ete-co/get-daily-report/run", Reply("async-return", headers={"X-Action-Server-Run-Id": "run-9"}))
    params = {**contract.EXAMPLES["task_create"], "processId": "Été & Co_财务/Get_Daily__Report"}
    assert call(vendor, "task_create", **params) == {"taskIds": ["run-9"]}


def test_a_server_without_key_is_asked_without_one(vendor: FakeVendor) -> None:
    LoadedAdapter(ADAPTER).call("task_query", context_for(ADAPTER, vendor.address), {"taskId": "run-1"})
    assert all("authorization" not in seen.headers for seen in vendor.requests)


def test_an_old_server_is_refused(vendor: FakeVendor) -> None:
    vendor.on("GET", "/config", {"auth_enabled": False, "version": "0.4.2"})
    with pytest.raises(VendorError, match="版本"):
        call(vendor, "connection_check")
