"""The web server with the real granian and a small application."""
from __future__ import annotations

import http.client
import os
import signal
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from config.settings import Settings, load
from hub import web
from hub.listening import reserve
from hub.processes import Forked, kill_tree, wait_until


def application(settings: Settings) -> Any:
    """/slow takes ten seconds, /pid tells who answers."""

    def answer(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        if environ["PATH_INFO"] == "/slow":
            time.sleep(10)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [str(os.getpid()).encode()]

    return answer


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Forked, int]]:
    monkeypatch.setattr(web, "create_app", application)
    with reserve("localhost", 0) as held:
        port = held.getsockname()[1]
        settings = load(data=tmp_path, host="localhost", port=port, web_threads=4)
        main = Forked(partial(web.main, settings))
        assert wait_until(lambda: get(port) is not None, 15)
        yield main, port
        if main.poll() is None:
            kill_tree(main.pid)
            assert wait_until(lambda: main.poll() is not None, 5)


def get(port: int, path: str = "/pid") -> int | None:
    """The process id of the worker that answered, or None where nobody did."""
    connection = http.client.HTTPConnection("localhost", port, timeout=12)
    try:
        connection.request("GET", path)
        return int(connection.getresponse().read())
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def test_dead_web_worker_is_replaced(server: tuple[Forked, int]) -> None:
    main, port = server
    first = get(port)
    assert first is not None
    os.kill(first, signal.SIGKILL)
    assert wait_until(lambda: get(port) not in (None, first), 15)
    assert main.poll() is None


def test_web_worker_does_not_outlive_its_killed_main_process(server: tuple[Forked, int]) -> None:
    main, port = server
    worker = psutil.Process(get(port))
    os.kill(main.pid, signal.SIGKILL)
    # Without a look at the main process, which would end what is left of its session.
    assert wait_until(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE, 5)


def test_sigterm_ends_the_server_although_a_request_runs_long(server: tuple[Forked, int]) -> None:
    main, port = server
    asking = threading.Thread(target=get, args=(port, "/slow"), daemon=True)
    asking.start()
    time.sleep(0.5)  # for the request to arrive
    began = time.monotonic()
    os.kill(main.pid, signal.SIGTERM)
    assert wait_until(lambda: main.poll() is not None, 10)
    assert time.monotonic() - began < 3.5
    asking.join(5)


def test_idle_keep_alive_connection_does_not_hold_up_the_end(server: tuple[Forked, int]) -> None:
    main, port = server
    connection = http.client.HTTPConnection("localhost", port, timeout=5)
    connection.request("GET", "/pid")
    connection.getresponse().read()
    os.kill(main.pid, signal.SIGTERM)
    assert wait_until(lambda: main.poll() is not None, 4)
    assert main.poll() == 0
    connection.close()
