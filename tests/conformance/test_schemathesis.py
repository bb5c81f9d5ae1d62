"""The served OpenAPI document against the served operations: Schemathesis calls each with what the document allows, and with what it does not."""
from __future__ import annotations

import json
import time
from collections import defaultdict
from pathlib import Path

import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from tests.conformance.app_client import AppClient
from tests.conformance.conftest import application
from tests.end_to_end.hub_process import PASSWORD

LIMITS = {f"rate_limit_{each}": 0 for each in ("ip", "client", "operation", "login")} | {"login_failures": 0}


def config(token: str) -> SchemathesisConfig:
    return SchemathesisConfig.from_dict(
        {
            "seed": 1,
            "suppress-health-check": ["all"],
            "continue-on-failure": True,
            "generation": {"max-examples": 3, "deterministic": True, "database": "none", "no-shrink": True},
            "auth": {"openapi": {"token": {"api_key": token}}},
            "phases": {"coverage": {"unexpected-methods": ["GET", "DELETE"]}, "stateful": {"enabled": False}},
        }
    )


def test_every_operation_keeps_to_the_published_document(tmp_path: Path) -> None:
    with application(tmp_path / "data", strict=True, **LIMITS) as app:
        token = AppClient(app).log_in("admin", PASSWORD).token
        schema = schemathesis.openapi.from_wsgi("/api/ext/openapi.json", app, config=config(token))
        began = time.monotonic()
        found = defaultdict(dict)
        calls = defaultdict(int)
        for event in from_schema(schema).execute():
            if isinstance(event, (events.NonFatalError, events.FatalError)):
                print(event)
            if isinstance(event, events.PhaseFinished):
                print(event.phase, time.monotonic() - began, dict(calls))
            if isinstance(event, events.ScenarioFinished):
                for case_id, nodes in event.recorder.checks.items():
                    calls[event.phase] += 1
                    st = event.recorder.interactions[case_id].response
                    calls[event.phase, st.status_code if st else None] += 1
                    for node in nodes:
                        if node.failure_info:
                            inter = event.recorder.interactions[case_id]
                            found[node.name].setdefault(event.recorder.label + "|" + node.failure_info.failure.title, (
                                node.failure_info.failure.message, node.failure_info.code_sample, inter.response and inter.response.text))
        with open("/tmp/w/schema/found.json", "w") as f:
            json.dump(found, f, ensure_ascii=False, indent=1)
        print({k: len(v) for k, v in found.items()}, time.monotonic() - began)
    assert not found
