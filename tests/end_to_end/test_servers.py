"""The application behind another server, and the answers to what breaks inside."""
from __future__ import annotations

import logging
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config.settings import Settings
from hub import serving
from hub.app import create_app
from hub.bootstrap import initialise
from tests.end_to_end.client import Client, Reply, assert_envelope, until
from tests.end_to_end.hub_process import PASSWORD, HubProcess, clean_environment


@pytest.fixture
def gunicorn(hub: HubProcess, tmp_path: Path) -> Iterator[Client]:
    """`gunicorn wsgi:app` on the data of the running hub, as a second web server of it."""
    pytest.importorskip("gunicorn")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (tmp_path / "gunicorn.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--threads", "2", "wsgi:app"],
            env=clean_environment(data=hub.data), cwd=tmp_path, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        until(lambda: process.poll() is not None or _listens(port), 60, "gunicorn to listen")
        assert process.poll() is None, (tmp_path / "gunicorn.log").read_text()
        yield Client(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(15)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_gunicorn_serves_the_same_application(gunicorn: Client) -> None:
    assert_envelope(gunicorn.send("GET", "/api/ext/health/live"), "00000", 200)
    assert_envelope(gunicorn.send("GET", "/api/ext/health/ready"), "00000", 200)
    departments = gunicorn.log_in("admin", PASSWORD).call("department/list")["departments"]
    assert departments[0]["depName"] == "总部"


def test_what_breaks_inside_shows_a_trace_id_and_never_a_stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(call: Any, params: dict[str, Any]) -> dict[str, Any]:
        raise RuntimeError("secret detail of the inside")

    served = {**serving.handlers(), "account_authenticate": broken}
    monkeypatch.setattr("hub.dispatch.handlers", lambda: served)
    settings = Settings(data=tmp_path, admin_password=PASSWORD)
    initialise(settings)
    app = create_app(settings)
    app.add_url_rule("/broken", "broken", lambda: 1 / 0)
    client = app.test_client()
    with caplog.at_level(logging.ERROR):
        answers = [client.post("/api/platform/account/authenticate", json={"username": "a", "password": "b"}), client.get("/broken")]
    for answer in answers:
        reply = Reply(answer.status_code, {key.lower(): value for key, value in answer.headers.items()}, answer.data)
        assert_envelope(reply, "20001", 500)
        assert reply.json["traceId"] == reply.headers["x-trace-id"] and reply.json["traceId"] in reply.json["message"]
        assert "secret detail" not in reply.body.decode() and "ZeroDivision" not in reply.body.decode()
