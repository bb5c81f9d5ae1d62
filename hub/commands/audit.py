"""`rpahub audit`: the audit log checked and exported from the command line, on this machine's data folder. The hub may run meanwhile."""
from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

import click
from sqlalchemy import inspect, select

from config.settings import load
from hub import audit as chain
from hub.core import Hub
from hub.models import AuditEntry

DATA = click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Folder of everything that the hub keeps.")
COLUMNS = ("id", "seq", "time", "actor", "operation", "resultCode", "clientIp", "departmentId", "traceId", "subject", "digest")
BATCH = 1000
BROKEN = 1


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def audit() -> None:
    """The audit log: check that nothing was changed, export it."""


@audit.command()
@DATA
def verify(data: Path | None) -> None:
    """Check that no entry was changed, deleted or reordered. Exit status 1, and the position, where one was."""
    with _opened(data) as hub:
        found = chain.verify(hub)
    if not found.is_whole:
        click.echo(f"broken at entry {found.broken_at}: {found.problem} ({found.sealed} entries before it are in order)")
        sys.exit(BROKEN)
    click.echo(f"whole: {found.sealed} entries are in order, {found.pending} wait to be taken into the chain")


@audit.command()
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write; by default the standard output.")
@click.option("--format", "form", type=click.Choice(["jsonl", "csv"]), default="jsonl", show_default=True)
@click.option("--since", type=click.DateTime(), help="From this time on, in the deployment's zone.")
@click.option("--until", type=click.DateTime(), help="Before this time, in the deployment's zone.")
@click.option("--actor", help="What this user or application did.")
@click.option("--operation", help="Calls of this operation, such as task_create.")
@DATA
def export(
    *, output: Path | None, form: str, since: datetime | None, until: datetime | None, actor: str | None, operation: str | None, data: Path | None
) -> None:
    """Write the audit log as one JSON object a line, or as CSV."""
    with _opened(data) as hub:
        conditions: list[Any] = [AuditEntry.actor == actor] if actor else []
        conditions += [AuditEntry.operation == operation] if operation else []
        conditions += [AuditEntry.happened_at >= since.replace(tzinfo=hub.zone)] if since else []
        conditions += [AuditEntry.happened_at < until.replace(tzinfo=hub.zone)] if until else []
        rows = _rows(hub, conditions)
        count = _write(rows, form, sys.stdout) if output is None else _write_file(rows, form, output)
    click.echo(f"{count} entries", err=True)


@contextmanager
def _opened(data: Path | None) -> Iterator[Hub]:
    hub = Hub(load(data=data and data.resolve()))
    settings = hub.settings
    there = settings.data.exists() or not settings.database.startswith("sqlite")
    if not there or not inspect(hub.db.engine).has_table(AuditEntry.__tablename__):
        raise click.ClickException(f"there is no hub in {settings.data} yet; prepare it with `rpahub init`")
    try:
        yield hub
    finally:
        hub.db.dispose()


def _rows(hub: Hub, conditions: list[Any]) -> Iterator[dict[str, Any]]:
    last = 0
    while True:
        with hub.db.read() as session:
            found = list(session.scalars(select(AuditEntry).where(AuditEntry.id > last, *conditions).order_by(AuditEntry.id).limit(BATCH)))
        for row in found:
            values = (
                row.id, row.seq, row.happened_at.astimezone(hub.zone).isoformat(timespec="milliseconds"), row.actor, row.operation,
                row.result_code, row.client_ip, row.department_id, row.trace_id, row.subject, row.digest,
            )  # fmt: skip
            yield dict(zip(COLUMNS, values, strict=True))
        if len(found) < BATCH:
            return
        last = found[-1].id


def _write_file(rows: Iterator[dict[str, Any]], form: str, output: Path) -> int:
    # Excel takes a CSV file for UTF-8 only when it begins with a mark.
    with output.open("w", encoding="utf-8-sig" if form == "csv" else "utf-8", newline="") as file:
        return _write(rows, form, file)


def _write(rows: Iterator[dict[str, Any]], form: str, file: TextIO) -> int:
    write = _csv(file) if form == "csv" else lambda row: file.write(json.dumps(row, ensure_ascii=False) + "\n")
    return sum(1 for row in rows if write(row))


def _csv(file: TextIO) -> Callable[[dict[str, Any]], int]:
    writer = csv.DictWriter(file, COLUMNS)
    writer.writeheader()

    def write(row: dict[str, Any]) -> int:
        return writer.writerow({name: _cell(value) for name, value in row.items()})

    return write


def _cell(value: Any) -> Any:
    """A cell of CSV; a text that a spreadsheet would take for a formula begins with an apostrophe."""
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value
    return f"'{text}" if isinstance(text, str) and text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
