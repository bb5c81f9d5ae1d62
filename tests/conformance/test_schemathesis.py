"""The served OpenAPI document against the served operations: Schemathesis calls each with what the document allows, and with what it does not."""
from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
import schemathesis
from flask import Flask
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from hub import auth
from hub.core import Hub
from hub.models import Robot
from tests.conformance.app_client import AppClient
from tests.conformance.conftest import application
from tests.end_to_end.client import assert_envelope

DOCUMENT = "/api/ext/openapi.json"
NO_LIMITS = {f"rate_limit_{each}": 0 for each in ("ip", "client", "operation", "login")} | {"login_failures": 0}
LEFT_OUT = {
    # The tables say nothing of formats, of blank mandatory texts and of rules between parameters; what breaks these is 400 as well.
    "positive_data_acceptance",
    # Its probe cannot call an application in this process; a test of its own does the same below.
    "ignored_auth",
}
CONFIG: dict[str, Any] = {
    "seed": 1,
    "suppress-health-check": ["all"],
    "continue-on-failure": True,
    "generation": {"max-examples": 3, "deterministic": True, "database": "none", "no-shrink": True, "with-security-parameters": False},
    "checks": {name: {"enabled": False} for name in LEFT_OUT},
    "phases": {
        # The document has no examples.
        "examples": {"enabled": False},
        "coverage": {"unexpected-methods": ["GET", "DELETE"]},
        # All addresses are POST without ids inside, so that there are no links between operations; test_life_cycles.py follows the things.
        "stateful": {"enabled": False},
    },
    # Every bound of every parameter is tried for the standard's own operations; the hub's are called at random only, for time's sake.
    "operations": [{"include-path-regex": "^/api/ext/", "phases": {"coverage": {"enabled": False}}}],
}


class Signed:
    """The application, called with a token of the administrator or of a robot; with a new one after calls that end tokens, or delete robots."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.tokens: dict[str, str] = {}

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        side = "robot" if environ["PATH_INFO"].startswith("/api/robot/") else "platform"
        token = self.tokens.get(side) or self._token(side)

        def started(status: str, *rest: Any) -> Any:
            if status.startswith("401"):
                self.tokens.clear()
            return start_response(status, *rest)

        return self.app({**environ, "HTTP_TOKEN": token}, started)

    def _token(self, side: str) -> str:
        hub: Hub = self.app.extensions["hub"]
        with hub.db.write() as session:
            holder = {"employee_id": 1}
            if side == "robot":
                robot = Robot(department_id=1, connection_id=1, machine_id=1, name=uuid.uuid4().hex)
                session.add(robot)
                session.flush()
                holder = {"robot_id": robot.id}
            self.tokens[side], _ = auth.issue_token(hub, session, **holder)
        return self.tokens[side]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """An application in strict mode, where the document means what it says, with fresh data and without limits."""
    with application(tmp_path_factory.mktemp("schemathesis") / "data", strict=True, **NO_LIMITS) as made:
        yield made


def holds_null(value: Any) -> bool:
    """Whether a body is null or holds one: an optional parameter that is null counts as absent, and so does a body (errata E08, E23)."""
    if isinstance(value, dict):
        return any(map(holds_null, value.values()))
    return any(map(holds_null, value)) if isinstance(value, list) else value is None


def problems_in(event: events.ScenarioFinished) -> Iterator[str]:
    """What Schemathesis found wrong, with the call and the answer."""
    recorder = event.recorder
    for case_id, checks in recorder.checks.items():
        for check in checks:
            if check.failure_info is None:
                continue
            if check.name == "negative_data_rejection" and holds_null(recorder.cases[case_id].value.body):
                continue
            response = recorder.interactions[case_id].response
            told = response.text[:500] if response else "no answer"
            yield f"{recorder.label}: {check.name}: {check.failure_info.failure.message}\n{check.failure_info.code_sample}\n{told}"


def test_every_operation_keeps_to_the_published_document(app: Flask) -> None:
    schema = schemathesis.openapi.from_wsgi(DOCUMENT, Signed(app), config=SchemathesisConfig.from_dict(CONFIG))
    problems: list[str] = []
    called, succeeded = set(), set()
    for event in from_schema(schema).execute():
        assert not isinstance(event, (events.FatalError, events.Interrupted)), event
        if isinstance(event, events.NonFatalError):
            problems.append(f"{event.label}: {event.value!r}")
        elif isinstance(event, events.ScenarioFinished):
            problems += problems_in(event)
            statuses = {each.response.status_code for each in event.recorder.interactions.values() if each.response}
            called |= {event.recorder.label} if statuses else set()
            succeeded |= {event.recorder.label} if statuses & {200, 201} else set()
    assert not problems, "\n\n".join(problems[:20])
    assert called == {f"POST {path}" for path in app.extensions["dispatcher"].catalogue.by_path}
    # The calls got past the door: without a good token nothing would succeed.
    assert len(succeeded) > 50, sorted(succeeded)


def test_every_operation_that_is_documented_to_need_a_token_refuses_calls_without_a_good_one(app: Flask) -> None:
    document = app.test_client().get(DOCUMENT).json
    guarded = [path for path, item in document["paths"].items() if item["post"]["security"]]
    assert len(guarded) > 150
    for path in guarded:
        for token in ("", "no-such-token"):
            assert_envelope(AppClient(app, token).post(path), "10001", 401)
