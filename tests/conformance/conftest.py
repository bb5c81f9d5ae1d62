"""The two doors at which the standard's tables are tried: the running program as it comes, and an application in strict mode."""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest
from flask import Flask
from pydantic import SecretStr

from config.settings import Settings
from hub.app import create_app
from hub.bootstrap import initialise
from hub.redis_server import RedisServer
from tests.conformance.app_client import AppClient
from tests.conformance.checking import Checker
from tests.conformance.things import Things
from tests.end_to_end.client import Client
from tests.end_to_end.hub_process import PASSWORD, HubProcess


@dataclass
class Door:
    """A hub to be called: by its administrator and by somebody without a token."""

    admin: Client
    anybody: Client
    strict: bool

    @cached_property
    def checker(self) -> Checker:
        """Calls operations and checks the answers."""
        return Checker(self.admin)

    @cached_property
    def things(self) -> Things:
        """What is there to be named in calls."""
        return Things(self.checker)


@contextmanager
def application(folder: Path, **changes: object) -> Iterator[Flask]:
    """An application on a data folder of its own, with its Redis."""
    settings = Settings(data=folder, admin_password=SecretStr(PASSWORD), robots=2, **changes)  # type: ignore[arg-type]
    initialise(settings)
    with RedisServer(settings):
        app = create_app(settings)
        yield app
        app.extensions["hub"].calls.close()
        app.extensions["hub"].db.dispose()


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """`rpahub up` with its defaults, thus lenient; it must stop cleanly at the end."""
    process = HubProcess(tmp_path_factory.mktemp("conformance") / "data")
    with process:
        yield Door(process.admin(), Client(process.url), strict=False)
        status = process.stop()
    assert status == 0, process.said()


@pytest.fixture(scope="session")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """An application in strict mode."""
    with application(tmp_path_factory.mktemp("strict") / "data", strict=True) as app:
        yield Door(AppClient(app).log_in("admin", PASSWORD), AppClient(app), strict=True)


@pytest.fixture(params=["running", "strict"])
def door(request: pytest.FixtureRequest) -> Door:
    """Each of the doors."""
    found: Door = request.getfixturevalue(request.param)
    return found
