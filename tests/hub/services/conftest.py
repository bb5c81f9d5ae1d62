"""The services are tested on both databases: SQLite, and a real PostgreSQL server where one can be started."""
from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import create_engine, make_url, text

from config.settings import Settings
from hub.bootstrap import initialise
from tests.hub.conftest import ADMIN_PASSWORD


@pytest.fixture(scope="session")
def prepared_postgresql(prepared_data: Path, new_postgresql: Callable[[], str]) -> str:
    """The address of a PostgreSQL database after the first start, to be copied."""
    address = new_postgresql()
    initialise(Settings(data=prepared_data, database_url=SecretStr(address), admin_password=SecretStr(ADMIN_PASSWORD), robots=2))
    return address


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, prepared_data: Path, tmp_path: Path) -> Settings:
    """Settings over fresh copies of the prepared data, on each of the databases."""
    shutil.copytree(prepared_data, tmp_path / "data")
    given: dict[str, Any] = {"data": tmp_path / "data", "admin_password": ADMIN_PASSWORD, "robots": 2}
    if request.param == "postgresql":
        given["database_url"] = copy_of(request.getfixturevalue("prepared_postgresql"))
    return Settings(**given)


def copy_of(address: str) -> str:
    """The address of a copy of a PostgreSQL database."""
    source = make_url(address)
    name = f"copy_{uuid.uuid4().hex}"
    engine = create_engine(source.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {source.database}"))
    engine.dispose()
    return source.set(database=name).render_as_string(hide_password=False)
