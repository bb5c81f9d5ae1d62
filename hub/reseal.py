"""Sealing everything anew, with the current master key and cipher (clause 6.1.3.2: key management), while the hub runs.

A column of sealed values says so where it is declared: ``info={"sealed": "<purpose>"}``. That is the whole registry.
"""
from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import Column, select, tuple_, update

from hub import audit
from hub.models import Base

if TYPE_CHECKING:
    from hub.core import Hub

BATCH = 500
MARK = "sealed"

log = structlog.get_logger(__name__)


def sealed_columns() -> Iterator[Column[Any]]:
    """Every column of the database that holds sealed values."""
    for table in Base.metadata.sorted_tables:
        yield from (column for column in table.columns if MARK in column.info)


def reseal(hub: Hub) -> int:
    """Seal all that is not sealed with the current key and cipher; gives the number of values.

    Raises ConfigurationError, which names the purpose, where the key of a value is not at hand; what was done before stays done.
    """
    done = sum(_reseal(hub, column) for column in sealed_columns())
    audit.sign_again(hub)
    log.info("sealed anew", values=done)
    return done


def _reseal(hub: Hub, column: Column[Any]) -> int:
    keys = list(column.table.primary_key)
    outdated = select(*keys, column).where(column != "", ~column.startswith(hub.vault.prefix, autoescape=True)).order_by(*keys).limit(BATCH)
    done, page = 0, outdated
    while True:
        with hub.db.write() as session:
            rows = session.execute(page).all()
            for *key, sealed in rows:
                fresh = hub.vault.seal(hub.vault.open(sealed, column.info[MARK]), column.info[MARK])
                # A value that was changed meanwhile is left alone: who changed it has sealed it with the current key.
                same = (column == sealed, *(each == value for each, value in zip(keys, key, strict=True)))
                session.execute(update(column.table).where(*same).values({column: fresh, **_unchanged(column)}))
        if not rows:
            return done
        done += len(rows)
        page = outdated.where(tuple_(*keys) > tuple_(*rows[-1][:-1]))


def _unchanged(column: Column[Any]) -> dict[Any, Any]:
    """Nobody has changed the thing itself, so the time of its last change stays."""
    stamp = column.table.columns.get("updated_at")
    return {} if stamp is None else {stamp: stamp}
