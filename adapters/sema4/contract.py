"""What the contract suite needs to know: one call of each operation, and the server's healthy answers to it."""
from __future__ import annotations

import json
from typing import Any

from plugins.testing import FakeVendor, Reply

RUN = {
    "id": "run-1",
    "status": 2,
    "action_id": "act-1",
    "start_time": "2026-11-24T03:09:57.258446+00:00",
    "run_time": 0.9,
    "inputs": '{"name": "Li", "times": 2}',
    "result": '{"greeting": "Hello", "parts": [1, 2]}',
    "error_message": None,
    "relative_artifacts_dir": "run-1",
    "numbered_id": 1,
    "request_id": "key-1",
}
SCHEMA = {
    "properties": {"name": {"type": "string"}, "times": {"type": "integer", "default": 1}},
    "type": "object",
    "required": ["name"],
}
ACTION = {
    "id": "act-1",
    "action_package_id": "ap-1",
    "name": "greet",
    "docs": "Greets somebody.",
    "file": "things_actions.py",
    "lineno": 6,
    "input_schema": json.dumps(SCHEMA),
    "output_schema": '{"type": "string"}',
    "enabled": True,
    "is_consequential": None,
    "managed_params_schema": "",
    "options": '{"display_name": "Greet"}',
}
ROBOLOG = """V 0.0.4
T 2026-11-24T03:09:57.549+00:00
M a:"stdout"
M b:"first line\\n"
C a|b|0.5
"""

EXAMPLES: dict[str, dict[str, Any]] = {
    "connection_check": {},
    "connection_import": {},
    "task_create": {
        "processId": "things/greet", "packageId": "things", "key": "key-1",
        "inParameters": [{"name": "name", "value": "Li"}, {"name": "times", "value": "2"}],
    },
    "task_find": {"key": "key-1"},
    "task_cancel": {"taskId": "run-1"},
    "task_query": {"taskId": "run-1"},
    "task_list": {},
    "task_watch": {"taskIds": ["run-1", "run-2", "run-3", "run-4"]},
    "task_log_query": {"taskId": "run-1"},
}

FORGIVES = {
    ("connection_check", "list of numbers"): "without actions there is nothing to try the key on",
}


def vendor(server: FakeVendor) -> None:
    """The answers of a server with one action and a few runs of it."""
    server.on("GET", "/config", {"expose_url": False, "auth_enabled": True, "version": "2.6.0", "mtime_uuid": "x"})
    server.on("GET", "/api/actionPackages", [{"id": "ap-1", "name": "things", "actions": [ACTION]}])
    server.on("POST", "/api/actions/things/greet/run", _run)
    server.on("GET", "/api/runs", [{**RUN, "id": f"run-{number}"} for number in (3, 2, 1)])
    server.on("GET", "/api/runs/{}", lambda seen: {**RUN, "id": seen.path.rsplit("/", 1)[1]})
    server.on("GET", "/api/runs/run-id-from-request-id/{}", {"run_id": "run-1"})
    server.on("POST", "/api/runs/{}/cancel", "cancelled")
    server.on("GET", "/api/runs/{}/artifacts/text-content", {"output.robolog": ROBOLOG, "__action_server_output.txt": "first line\n"})


def _run(seen: Any) -> Reply:
    if seen.content == b"{":
        return Reply({"error_code": "validation-error", "message": "cannot be interpreted as json"}, 422)
    return Reply("async-return", headers={"X-Action-Server-Run-Id": "run-1", "x-action-async-completion": "1"})
