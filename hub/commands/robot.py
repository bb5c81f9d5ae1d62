"""`rpahub robot`: the native robots of this machine, or one robot that stands alone."""
from __future__ import annotations

from pathlib import Path

import click

from hub.cli import options, run_part, settings_of

ROLE = "robot"


@click.group(invoke_without_command=True)
@options("data")
@click.option("--name", help="Run the robot of this name only.")
@click.pass_context
def robot(ctx: click.Context, data: Path | None, name: str | None) -> None:
    """Run the native robots of this machine for a hub; or, with `up`, one robot alone that needs no hub."""
    if ctx.invoked_subcommand is None:
        run_part("robots", "hub.robots.host:main", *([name] if name else []), data=data and data.resolve())


@robot.command()
@options("data", "host", "port")
def up(data: Path | None, host: str | None, port: int | None) -> None:
    """Run a standalone robot: its own interface (clause 6.3) on embedded stores. Ctrl+C stops it.

    The first start prints the secret that it made, unless RPAHUB_ROBOT_SECRET gives one.
    """
    from hub.supervisor import Supervisor

    Supervisor(settings_of(role=ROLE, data=data and data.resolve(), host=host, port=port)).run()


@robot.command()
@options("data")
def secret(data: Path | None) -> None:
    """Give a standalone robot another secret and print it; the old one and all tokens end at once."""
    from hub.core import Hub
    from hub.robots.standalone import new_secret

    click.echo(f"robot secret {new_secret(Hub(settings_of(role=ROLE, data=data and data.resolve())))}")
