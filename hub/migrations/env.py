"""What Alembic runs for each migration."""
from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection

from hub.database import BigId, Document, Moment
from hub.models import Base


def render_item(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Write our own column types by their names."""
    if kind != "type":
        return False
    for name, ours in (("Moment()", isinstance(item, Moment)), ("BigId", item is BigId), ("Document", item is Document)):
        if ours:
            autogen.imports.add(f"from hub.database import {name.removesuffix('()')}")
            return name
    return False


def migrate(connection: Connection) -> None:
    """Run the migrations, all or none of each."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        transaction_per_migration=True,
        compare_type=True,
        render_item=render_item,
    )
    with context.begin_transaction():
        context.run_migrations()


def without_foreign_keys(connection: Connection) -> None:
    """Run the migrations as SQLite asks for it: a table is changed by making it anew, which its foreign keys must not notice.

    Raises RuntimeError when rows point to nothing afterwards.
    """
    driver = connection.connection.dbapi_connection
    assert driver is not None
    driver.execute("PRAGMA foreign_keys=OFF")  # only takes effect outside of a transaction
    try:
        migrate(connection)
        broken = driver.execute("PRAGMA foreign_key_check").fetchall()
        if broken:
            raise RuntimeError(f"the migration left rows that point to nothing: {broken[:5]}")
    finally:
        connection.rollback()
        driver.execute("PRAGMA foreign_keys=ON")


engine = context.config.attributes["engine"]
with engine.connect() as connected:
    (without_foreign_keys if engine.dialect.name == "sqlite" else migrate)(connected)
