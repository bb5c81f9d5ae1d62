"""The capability matrix: which adapter answers which operation, made from the declarations themselves (rule 8 of the architecture).

native: the vendor's own answer. emulated: the hub answers in the vendor's place. cannot: the vendor has no way to do it, with the reason.
not yet: nobody answers, the caller gets 20102.
"""
from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from hub.serving import handlers
from plugins.adapter import Adapter
from plugins.manager import Adapters, LoadedAdapter, Support, discover, standard_catalogue
from plugins.operation import Operation

WIDE = 200
FILE = "docs/vendors/matrix.md"
COLOURS = {"native": "green", "emulated": "cyan", "cannot": "yellow", "not yet": "dim"}
LEGEND = (
    "`native`: the vendor's own answer. `emulated`: the hub answers in the vendor's place. `cannot`: the vendor has no way to do it; the number "
    "leads to the reason. `not yet`: nobody answers, the caller gets 20102. The column `hub` says whether the hub serves the operation today."
)

CLAIMED = (
    "`proven`: the tests show it, as the last column says. `unproved`: made for it and not tried there; nobody should rely on it before trying. "
    "`no`: not there."
)


@dataclass(frozen=True)
class Row:
    """One operation: whether the hub serves it, and how it is answered for each adapter, with the reason where it is not."""

    operation: Operation
    served: bool
    support: dict[str, tuple[Support, str]]


def rows(operations: Iterable[Operation], adapters: Adapters, served: Collection[str]) -> list[Row]:
    """The matrix. ``served`` are the names of the operations that the hub serves."""
    return [
        Row(each, each.name in served, {name: _support(adapters[name], each, each.name in served) for name in sorted(adapters)})
        for each in operations
    ]


def _support(adapter: LoadedAdapter, operation: Operation, served: bool) -> tuple[Support, str]:
    """What the adapter says; but what only the hub could emulate is not there before the hub serves it."""
    support, reason = adapter.support(operation)
    return ("not yet", reason) if support == "emulated" and not served else (support, reason)


def present() -> list[Row]:
    """The matrix of this program: the standard's operations, and the adapters that are installed."""
    return rows(standard_catalogue(), discover(), handlers().keys())


def as_json(matrix: list[Row]) -> str:
    """The matrix for programs."""
    found: list[dict[str, Any]] = [
        {
            "code": each.operation.code,
            "name": each.operation.name,
            "title": each.operation.title,
            "clause": each.operation.clause,
            "path": each.operation.path,
            "served": each.served,
            "adapters": {name: {"support": support, "reason": reason} for name, (support, reason) in each.support.items()},
        }
        for each in matrix
    ]
    return json.dumps(found, ensure_ascii=False, indent=2)


def as_markdown(matrix: list[Row], adapters: Iterable[Adapter] = ()) -> str:
    """The matrix as a page of the documents, with what the robots of these adapters claim."""
    notes = _Notes()
    names = list(matrix[0].support)
    lines = [
        "# Capability matrix", "", "Made by `rpahub matrix --write`; not to be edited by hand.", "", LEGEND, "",
        _line("code", "operation", "title", "hub", *names), _line(*["---"] * (4 + len(names))),
    ]
    for each in matrix:
        cells = [f"{support}{notes.mark(reason)}" for support, reason in each.support.values()]
        lines.append(_line(each.operation.code, f"`{each.operation.name}`", each.operation.title, "yes" if each.served else "no", *cells))
    lines += ["", "## Reasons", "", *notes.lines()] if notes.lines() else []
    return "\n".join([*lines, *_claims(adapters)]) + "\n"


def _claims(adapters: Iterable[Adapter]) -> list[str]:
    lines: list[str] = []
    for each in adapters:
        if each.claims:
            lines += ["", f"## What the robots of `{each.name}` claim per system", "", CLAIMED, ""]
            lines += [_line("feature", "system", "state", "what it rests on"), _line(*["---"] * 4)]
            lines += [_line(claim.feature, claim.system, claim.state, claim.note) for claim in each.claims]
    return lines


def _line(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


class _Notes:
    """Numbers for reasons, one for each different text."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def mark(self, reason: str) -> str:
        """What is put behind a cell that has this reason."""
        return f" ({self._numbers.setdefault(reason, len(self._numbers) + 1)})" if reason else ""

    def lines(self) -> list[str]:
        """The reasons in the order of their numbers."""
        return [f"{number}. {reason}" for reason, number in self._numbers.items()]


def _show(matrix: list[Row]) -> None:
    notes = _Notes()
    table = Table(*(Column(name, no_wrap=True) for name in ("code", "operation", "title", "hub", *matrix[0].support)))
    for each in matrix:
        cells = [Text(f"{support}{notes.mark(reason)}", COLOURS[support]) for support, reason in each.support.values()]
        served = Text("yes", "green") if each.served else Text("no", "dim")
        table.add_row(each.operation.code, each.operation.name, each.operation.title, served, *cells)
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDE
    console.print(table)
    console.print("\n".join(notes.lines()), markup=False)
    console.print(f"{sum(each.served for each in matrix)} of {len(matrix)} operations are served by the hub.", markup=False)


@click.command()
@click.option("--json", "wants_json", is_flag=True, help="Print it as JSON.")
@click.option("--write", type=click.Path(dir_okay=False, path_type=Path), is_flag=False, flag_value=Path(FILE), help=f"Write the page, {FILE} by default.")
@click.option("--check", type=click.Path(dir_okay=False, path_type=Path), is_flag=False, flag_value=Path(FILE), help="Fail when that page is out of date.")
def matrix(wants_json: bool, write: Path | None, check: Path | None) -> None:
    """Show which adapter answers which operation."""
    found, adapters = present(), [each.adapter for each in discover().values()]
    if check is not None:
        if not check.is_file() or check.read_text("utf-8") != as_markdown(found, adapters):
            raise click.ClickException(f"{check} is out of date; `rpahub matrix --write {check}` brings it up to date")
        click.echo(f"{check} is up to date")
    if write is not None:
        write.parent.mkdir(parents=True, exist_ok=True)
        write.write_text(as_markdown(found, adapters), "utf-8")
        click.echo(f"wrote {write}")
    if wants_json:
        click.echo(as_json(found))
    elif write is None and check is None:
        _show(found)
