"""A hub in a folder of its own, called in this process: what the tests of services and of the pipeline share."""
from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from config.settings import Settings
from hub.bootstrap import initialise
from hub.call import ANONYMOUS, Caller, Source
from hub.core import Hub
from hub.dispatch import Answer, Dispatcher
from hub.models import Department
from hub.redis_server import RedisServer

ADMIN_PASSWORD = "Admin-of-tests-1"


@dataclass
class Api:
    """Calls operations as one caller. ``api("department_create", depName="x", parentId=1)`` gives the data of a good answer."""

    dispatcher: Dispatcher
    caller: Caller

    def answer(self, operation: str, source: Source | None = None, /, **params: Any) -> Answer:
        """The answer, whatever it is."""
        chosen = source or Source(kind="test", client_ip="127.0.0.1", base_url="http://hub.test/")
        return self.dispatcher.call(self.dispatcher.catalogue[operation], params, caller=self.caller, source=chosen)

    def __call__(self, operation: str, /, **params: Any) -> dict[str, Any]:
        answer = self.answer(operation, **params)
        assert answer.code.value == "00000", f"{operation}: {answer.code.value} {answer.message}"
        return answer.data

    def code(self, operation: str, /, **params: Any) -> str:
        """The result code of an answer."""
        return self.answer(operation, **params).code.value

    def within(self, department_id: int, *permissions: str, name: str = "somebody") -> Api:
        """The same hub as a caller of a department sees it; with all permissions unless some are named."""
        with self.dispatcher.hub.db.read() as session:
            path = session.scalars(select(Department.path).where(Department.id == department_id)).one()
        return Api(self.dispatcher, Caller(name, path, department_id, None, frozenset(permissions or {"*"})))


@dataclass
class Signed(Api):
    """Calls operations with a token, from an address, as callers over HTTP do: through authentication, limits and permissions."""

    token: str | None = None
    ip: str = "10.1.1.1"
    key: str = ""

    def answer(self, operation: str, source: Source | None = None, /, **params: Any) -> Answer:
        chosen = source or Source(kind="http", client_ip=self.ip, base_url="https://hub.test/", idempotency_key=self.key)
        return self.dispatcher.call(self.dispatcher.catalogue[operation], params, token=self.token, source=chosen)

    def log_in(self, username: str, password: str, **params: Any) -> Signed:
        """The same from the same address with a fresh token of this user or application."""
        return replace(self, token=self("account_authenticate", username=username, password=password, **params)["token"])


@pytest.fixture(scope="session")
def prepared_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder after the first start, to be copied."""
    folder = tmp_path_factory.mktemp("prepared") / "data"
    initialise(Settings(data=folder, admin_password=ADMIN_PASSWORD, robots=2))
    return folder


@pytest.fixture
def settings(prepared_data: Path, tmp_path: Path) -> Settings:
    """Settings over a fresh copy of the prepared data."""
    shutil.copytree(prepared_data, tmp_path / "data")
    return Settings(data=tmp_path / "data", admin_password=ADMIN_PASSWORD, robots=2)


@pytest.fixture
def hub(settings: Settings) -> Iterator[Hub]:
    """A hub without its Redis server: jobs stay in the outbox."""
    made = Hub(settings)
    yield made
    made.calls.close()
    made.db.dispose()


@pytest.fixture
def redis_server(settings: Settings) -> Iterator[RedisServer]:
    """The hub's own Redis server, running."""
    with RedisServer(settings) as server:
        yield server


@pytest.fixture
def api(hub: Hub) -> Api:
    """The hub as a caller with all rights over the root department."""
    dispatcher = Dispatcher(hub)
    return Api(dispatcher, Caller("admin", "/", 1, 1, frozenset({"*"})))


@pytest.fixture
def anybody(api: Api) -> Signed:
    """The hub as a caller without a token."""
    return Signed(api.dispatcher, ANONYMOUS)


@pytest.fixture
def new_settings(settings: Settings) -> Callable[..., Settings]:
    """The same settings with some changed."""
    return lambda **changes: settings.model_copy(update=changes)
