"""What Alembic runs for each migration."""
from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

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


engine = context.config.attributes["engine"]
with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=engine.dialect.name == "sqlite",
        transaction_per_migration=True,
        compare_type=True,
        render_item=render_item,
    )
    with context.begin_transaction():
        context.run_migrations()
