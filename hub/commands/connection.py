"""`rpahub connection`: vendor platforms added, listed, checked and imported from the command line, on this machine's data folder.

The commands go through the same dispatch as every other call. A credential never stands on the command line, where other users and the
shell's history see it: it is asked for, or comes from the environment or from the standard input.
"""
from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy import inspect

from config.logging import set_up
from config.settings import PREFIX, load
from hub.call import SYSTEM
from hub.core import Hub
from hub.dispatch import Dispatcher
from hub.models import Department
from plugins import codes
from plugins.adapter import Adapter

DATA = click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Folder of everything that the hub keeps.")
ENVIRONMENT = "env:"


class Calls:
    """The hub's operations, called as the hub itself."""

    def __init__(self, data: Path | None) -> None:
        """Raises click.ClickException where no hub has been prepared."""
        if data is not None:
            os.environ[f"{PREFIX}DATA"] = str(data.resolve())
        settings = load()
        self.hub = Hub(settings)
        if settings.data.exists() or not settings.database.startswith("sqlite"):
            set_up(settings, "command", terminal="error")
            if inspect(self.hub.db.engine).has_table(Department.__tablename__):
                self._dispatcher = Dispatcher(self.hub)
                return
        raise click.ClickException(f"there is no hub in {settings.data} yet; prepare it with `rpahub init`, or start it with `rpahub up`")

    def __call__(self, operation: str, **params: Any) -> dict[str, Any]:
        """Call an operation by its name; raises click.ClickException for any answer but 00000."""
        answer = self._dispatcher.call(self._dispatcher.catalogue[operation], params, caller=SYSTEM)
        if answer.code is not codes.OK:
            raise click.ClickException(f"{answer.message} ({answer.code})")
        return answer.data

    def named(self, name: str) -> dict[str, Any]:
        """The connection with this name or id."""
        rows = self.all()
        found = [each for each in rows if each["connectionName"] == name] or [each for each in rows if str(each["connectionId"]) == name]
        if not found:
            raise click.ClickException(f"there is no connection {name}; `rpahub connection list` shows all")
        return found[0]

    def all(self) -> list[dict[str, Any]]:
        """All connections."""
        rows: list[dict[str, Any]] = []
        while True:
            page = self("connection_list", pageNum=len(rows) // 100 + 1, pageSize=100)
            rows += page["connections"]
            if len(page["connections"]) < 100:
                return rows


@click.group()
def connection() -> None:
    """Connections to vendor platforms: add, list, check, import."""


@connection.command()
@click.argument("name")
@click.option("--adapter", required=True, help="Name of the adapter, as `rpahub matrix` shows it.")
@click.option("--address", default="", help="Address of the platform, such as http://10.0.0.5:8080.")
@click.option("--department", type=int, help="Id of the department that the connection belongs to; by default the root.")
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="A field of the adapter's form that is no secret. Can be repeated.")
@click.option(
    "--credential", "credentials", multiple=True, metavar="NAME=-|NAME=env:VARIABLE",
    help="Where a secret field comes from: a line of the standard input, or an environment variable. By default it is asked for.",
)
@DATA
def add(
    name: str, adapter: str, address: str, department: int | None, options: tuple[str, ...], credentials: tuple[str, ...], data: Path | None
) -> None:
    """Add the connection NAME. It is tried out first; one that does not work is not stored."""
    call = Calls(data)
    if adapter not in call.hub.adapters:
        raise click.ClickException(f"there is no adapter {adapter}; there are {', '.join(sorted(call.hub.adapters))}")
    found = call(
        "connection_create",
        connectionName=name,
        adapter=adapter,
        address=address,
        depId=department,
        options=_pairs(options, "--option"),
        credentials=_credentials(call.hub.adapters[adapter].adapter, _pairs(credentials, "--credential")),
    )
    click.echo(f"added connection {name} (id {found['connectionId']}): {found['product']} {found['productVersion']}")
    click.echo(f"take over what exists there with `rpahub connection import {name}`")


@connection.command("list")
@click.option("--json", "wants_json", is_flag=True, help="Print them as JSON.")
@DATA
def show(wants_json: bool, data: Path | None) -> None:
    """Show all connections, without their credentials."""
    rows = Calls(data).all()
    if wants_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    table = Table("id", "name", "adapter", "address", "version", "department", "created")
    for each in rows:
        keys = ("connectionId", "connectionName", "adapter", "address", "productVersion", "depId", "createTime")
        table.add_row(*(str(each[key]) for key in keys))
    Console(highlight=False).print(table)


@connection.command()
@click.argument("name")
@DATA
def check(name: str, data: Path | None) -> None:
    """Ask the platform of the connection NAME (or id) whether it answers."""
    call = Calls(data)
    found = call("connection_check", connectionId=call.named(name)["connectionId"])
    click.echo(f"{name} works: {found['product']} {found['productVersion']}")


@connection.command("import")
@click.argument("name")
@DATA
def import_(name: str, data: Path | None) -> None:
    """Take what exists on the platform of the connection NAME (or id) into the hub: packages, processes, robots."""
    call = Calls(data)
    found = call("connection_import", connectionId=call.named(name)["connectionId"])
    click.echo(", ".join(f"{key} {found[key]}" for key in ("packages", "processes", "robots", "removed")))


def _pairs(given: tuple[str, ...], option: str) -> dict[str, str]:
    pairs = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not name or not equals:
            raise click.UsageError(f"{option} takes NAME=…")
        pairs[name] = value
    return pairs


def _credentials(adapter: Adapter, given: Mapping[str, str]) -> dict[str, str]:
    """The secret fields of the adapter's form: from where the caller says, else asked for. Raises click.UsageError and click.ClickException."""
    secret = {name: field for name, field in adapter.form().fields.items() if getattr(field, "secret", False)}
    unknown = sorted(given.keys() - secret.keys())
    if unknown:
        known = f"it has {', '.join(secret)}" if secret else "it has none"
        raise click.UsageError(f"the form of {adapter.name} has no secret field {', '.join(unknown)}; {known}")
    found = {name: _source(name, given[name])() for name in given}
    for name, field in secret.items():
        if name in given:
            continue
        if sys.stdin.isatty():
            found[name] = click.prompt(f"{name} ({field.metadata.get('description', 'secret')})", default="", show_default=False, hide_input=True)
        elif field.required:
            raise click.ClickException(f"{name} is needed: give --credential {name}=- or --credential {name}=env:VARIABLE")
    return {name: value for name, value in found.items() if value}


def _source(name: str, source: str) -> Callable[[], str]:
    if source == "-":
        return lambda: sys.stdin.readline().rstrip("\r\n")
    variable = source.removeprefix(ENVIRONMENT)
    if source.startswith(ENVIRONMENT) and variable:
        if variable not in os.environ:
            raise click.ClickException(f"the environment variable {variable} is not set")
        return lambda: os.environ[variable]
    raise click.UsageError(f"a credential does not belong on the command line: give {name}=- or {name}=env:VARIABLE, or leave it out to be asked")
