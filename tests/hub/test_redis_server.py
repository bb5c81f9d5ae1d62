"""The embedded Redis-compatible server, with the real binary."""
from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from redis import RedisError

from config.settings import Settings, load
from hub.processes import wait_until
from hub.redis_client import patient_client, quick_client
from hub.redis_server import RedisServer, RedisServerError, find_binary, private_folder


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load(data=tmp_path / "data")


def test_server_answers_on_a_private_socket_and_on_no_port(settings: Settings) -> None:
    with RedisServer(settings) as server, quick_client(settings) as client:
        assert client.ping()
        assert stat.S_IMODE(settings.redis_socket.stat().st_mode) == 0o700
        assert stat.S_IMODE(settings.run_folder.stat().st_mode) == 0o700
        assert psutil.Process(server.pid).net_connections("inet") == []


def test_server_is_a_session_of_its_own_so_that_ctrl_c_does_not_reach_it(settings: Settings) -> None:
    with RedisServer(settings) as server:
        assert os.getsid(server.pid) == server.pid != os.getsid(0)


def test_data_survives_kill_9(settings: Settings) -> None:
    with RedisServer(settings) as server, quick_client(settings) as client:
        with client.pipeline() as pipeline:
            for number in range(2000):
                pipeline.rpush("queue", number)
            pipeline.execute()
        os.kill(server.pid, signal.SIGKILL)
        assert wait_until(lambda: server.poll() is not None, 5)
    with RedisServer(settings), quick_client(settings) as client:
        assert [int(each) for each in client.lrange("queue", 0, -1)] == list(range(2000))


def test_data_survives_a_clean_stop_which_is_quick(settings: Settings) -> None:
    server = RedisServer(settings)
    with server, quick_client(settings) as client:
        client.set("name", "值")
        began = time.monotonic()
    assert server.poll() == 0
    assert time.monotonic() - began < 2
    with RedisServer(settings), quick_client(settings) as client:
        assert client.get("name") == "值".encode()


def test_stopped_server_ends_as_well(settings: Settings) -> None:
    server = RedisServer(settings)
    with server:
        os.kill(server.pid, signal.SIGSTOP)
    assert server.poll() == 0


def test_server_dies_with_the_process_that_started_it(settings: Settings) -> None:
    program = (
        "import sys, time\nfrom config.settings import load\nfrom hub.redis_server import RedisServer\n"
        "server = RedisServer(load(data=sys.argv[1])); server.start(); server.wait(); print(server.pid, flush=True); time.sleep(60)"
    )
    root = Path(__file__).parents[2]
    starter = subprocess.Popen([sys.executable, "-c", program, str(settings.data)], cwd=root, stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    server = psutil.Process(int(starter.stdout.readline()))
    starter.kill()
    starter.communicate()
    assert wait_until(lambda: not server.is_running() or server.status() == psutil.STATUS_ZOMBIE, 5)


def test_deep_data_folder_works(tmp_path: Path) -> None:
    settings = load(data=tmp_path / ("deep 空/" * 20))
    assert not settings.redis_socket.is_relative_to(tmp_path)
    with RedisServer(settings), quick_client(settings) as client:
        client.set("x", 1)
        assert (settings.data / "redis" / "appendonlydir").is_dir()
    settings.redis_socket.parent.rmdir()


def test_broken_data_is_told_in_the_server_s_own_words(settings: Settings) -> None:
    with RedisServer(settings), quick_client(settings) as client:
        client.set("x", 1)
    manifest = next((settings.data / "redis" / "appendonlydir").glob("*.manifest"))
    manifest.write_text("nonsense\n")
    with pytest.raises(RedisServerError, match=r"ended with status 1: .*Invalid AOF manifest"), RedisServer(settings):
        pytest.fail("a server started on broken data")


def test_missing_binary_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("platform.machine", lambda: "vax")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RedisServerError, match="RPAHUB_REDIS_URL"):
        find_binary()
    installed = tmp_path / "redis-server"
    installed.write_text("#!/bin/sh\n")
    installed.chmod(0o755)
    assert find_binary() == installed


def test_folder_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "theirs")
    with pytest.raises(RedisServerError, match="not a folder of this user"):
        private_folder(tmp_path / "link")


def test_quick_client_says_soon_that_redis_is_away(settings: Settings) -> None:
    began = time.monotonic()
    with quick_client(settings) as client, pytest.raises(RedisError):
        client.get("x")
    assert time.monotonic() - began < 2.5


def test_patient_client_outlasts_a_restart(settings: Settings) -> None:
    server = RedisServer(settings)
    with server, patient_client(settings) as client:
        client.set("x", 1)
        server.stop()
        # The thread asks and this one starts the server, which dies with the thread that started it.
        answers: list[bytes | None] = []
        asking = threading.Thread(target=lambda: answers.append(client.get("x")))
        asking.start()
        time.sleep(1)  # long enough for an impatient client to have given up
        assert asking.is_alive()
        server.start()
        asking.join(20)
    assert answers == [b"1"]
