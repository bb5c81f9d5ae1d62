"""The command line `rpahub`. What a command needs is imported when it runs, so that `rpahub --help` is there at once."""
from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from config.settings import Settings

# Commands and groups that live in other modules: name -> (module:command, the line that --help shows).
ELSEWHERE = {
    "audit": ("hub.commands.audit:audit", "The audit log: check that nothing was changed, export it."),
    "connection": ("hub.commands.connection:connection", "Connections to vendor platforms: add, list, check, import."),
    "master-key": ("hub.commands.master_key:master_key", "The key under which secrets are kept: replace it, seal everything anew."),
    "robot": ("hub.commands.robot:robot", "The native robots of this machine; or one robot that stands alone."),
    "recording": ("hub.commands.recording:recording", "Recordings as evidence: check one against its signed manifest."),
    "matrix": ("hub.matrix:matrix", "Show which adapter answers which operation."),
}
FAILED = 1
WRONG_USE = 2


def _resolve(target: str) -> Any:
    module, name = target.split(":")
    return getattr(importlib.import_module(module), name)


class _Elsewhere(click.Command):
    """Stands in `--help` for a group whose module is not imported before it is used."""

    def __init__(self, name: str, target: str, line: str) -> None:
        super().__init__(name, help=line, add_help_option=False, context_settings={"ignore_unknown_options": True})
        self.target = target

    def make_context(self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any) -> click.Context:
        """The context of the real group, which then runs in place of this one."""
        group: click.Command = _resolve(self.target)
        return group.make_context(info_name, args, parent=parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the real group."""
        return ctx.command.invoke(ctx)


def settings_of(**given: object) -> Settings:
    """The settings in force. What the command line gives goes into the environment first, where programs that this one starts find it."""
    from config.settings import PREFIX, load

    os.environ.update({f"{PREFIX}{name.upper()}": str(value) for name, value in given.items() if value is not None})
    return load()


def run_part(name: str, main: str, *arguments: object, **given: object) -> None:
    """Run one part of the hub in this process, until SIGTERM or Ctrl+C."""
    from config.logging import set_up

    settings = settings_of(**given)
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    set_up(settings, name)
    _resolve(main)(settings, *arguments)


def options(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The options that several commands share, by name."""
    options = {
        "data": click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Folder of everything that the hub keeps."),
        "host": click.option("--host", help="Address to listen on."),
        "port": click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; 0 takes a free one."),
    }

    def add(function: Callable[..., None]) -> Callable[..., None]:
        for name in reversed(names):
            function = options[name](function)
        return function

    return add


def _show_version(ctx: click.Context, option: click.Parameter, wanted: bool) -> None:
    if wanted:
        try:
            click.echo(f"rpahub {version('rpahub')}")
        except PackageNotFoundError:
            click.echo("rpahub (not installed: running from its source)")
        ctx.exit()


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--config", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Settings file (TOML).")
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="Show the version.")
def rpahub(config: Path | None) -> None:
    """One API (T/TSAC 002-2025) over all the RPA products of a firm."""
    if config is not None:
        os.environ["RPAHUB_CONFIG"] = str(config.resolve())


@rpahub.command()
@options("data", "host", "port")
@click.option("--robots", type=click.IntRange(0, 1000), help="Native robots that the first start creates.")
@click.option("--workers", type=click.IntRange(1, 256), help="Worker processes that call vendor platforms.")
def up(data: Path | None, host: str | None, port: int | None, robots: int | None, workers: int | None) -> None:
    """Run the whole hub: web server, workers, scheduler, robots, and a Redis where none is named. Ctrl+C stops it."""
    from hub.supervisor import Supervisor

    Supervisor(settings_of(data=data and data.resolve(), host=host, port=port, robots=robots, workers=workers)).run()


@rpahub.command()
@options("data", "host", "port")
def web(data: Path | None, host: str | None, port: int | None) -> None:
    """Run the web server alone."""
    from hub.listening import reserve

    settings = settings_of(data=data and data.resolve(), host=host, port=port)
    with reserve(settings.host, settings.port) as held:
        chosen = held.getsockname()[1]
        click.echo(f"listening on {settings.host} port {chosen}")
        run_part("web", "hub.web:main", port=chosen)


@rpahub.command()
@options("data")
@click.option("--index", type=click.IntRange(0), default=0, show_default=True, help="Number of this worker, for its name.")
def worker(data: Path | None, index: int) -> None:
    """Run one worker alone."""
    run_part(f"worker-{index}", "hub.worker:main", index, data=data and data.resolve())


@rpahub.command()
@options("data")
def scheduler(data: Path | None) -> None:
    """Run the scheduler alone."""
    run_part("scheduler", "hub.scheduler:main", data=data and data.resolve())


@rpahub.command()
@options("data")
def desktop(data: Path | None) -> None:
    """Serve the remote desktops of this machine's robots alone."""
    run_part("desktop", "hub.screens.desktop_server:main", data=data and data.resolve())


@rpahub.command()
@options("data")
def init(data: Path | None) -> None:
    """Prepare the database and the first things in it, without starting anything."""
    from config.logging import set_up

    settings = settings_of(data=data and data.resolve())
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    set_up(settings, "init", terminal="warning")
    password = _resolve("hub.bootstrap:initialise")(settings)
    click.echo(f"ready in {settings.data}" if password is None else f"first start: user admin, password {password}")


@rpahub.command()
def settings() -> None:
    """Show every setting: value, where it comes from, type, default, meaning. Secrets are masked."""
    from config.table import rows

    for row in rows(settings_of()):
        click.echo(f"{row.name} = {row.value}   [{row.source}]\n    {row.meaning}\n    {row.variable}, {row.type}, default {row.default}")


@rpahub.command()
@options("data")
@click.option("--url", help="Address of the hub; by default the one that runs on the data folder.")
@click.option("--username", default="admin", show_default=True)
@click.option("--password", envvar="RPAHUB_ADMIN_PASSWORD", help="Better left out: RPAHUB_ADMIN_PASSWORD counts, else it is asked for.")
def demo(data: Path | None, url: str | None, username: str, password: str | None) -> None:
    """Walk through the standard on a running hub: upload a process, run it, read its log."""
    sys.exit(_resolve("hub.demo.run:main")(url=url or _running_url(data), username=username, password=password))


def _running_url(data: Path | None) -> str:
    from hub.data_lock import running

    settings = settings_of(data=data and data.resolve())
    owner = running(settings)
    if owner is None:
        raise click.ClickException(f"no hub runs on {settings.data}; start one with `rpahub up`, or name one with --url")
    return owner.address


for _name, (_target, _line) in ELSEWHERE.items():
    rpahub.add_command(_Elsewhere(_name, _target, _line))


def main() -> None:
    """The program `rpahub`. Exit status: 0 done, 1 failed, 2 wrong use; errors that a user can cause are one line on stderr."""
    try:
        rpahub(prog_name="rpahub", standalone_mode=False)
    except click.exceptions.Exit as left:
        sys.exit(left.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        sys.exit(130)
    except Exception as error:
        known = _status_of(error)
        if known is None:
            raise
        click.echo(f"rpahub: {_first_line(error)}", err=True)
        sys.exit(known)


def _first_line(error: Exception) -> str:
    from config.redaction import redact_text

    return redact_text(str(error)).partition("\n")[0]


def _status_of(error: Exception) -> int | None:
    """The exit status of an error that a user can mend, or None for any other, which is a fault of ours and shows its traceback."""
    from redis import RedisError
    from sqlalchemy.exc import OperationalError

    from config.settings import SettingsError
    from hub.data_lock import AlreadyRunning
    from hub.listening import PortTaken
    from hub.redis_server import RedisServerError
    from hub.supervisor import StartFailed
    from plugins.errors import ConfigurationError, HubError

    if isinstance(error, SettingsError):
        return WRONG_USE
    ours = (AlreadyRunning, PortTaken, RedisServerError, StartFailed, ConfigurationError, HubError)
    return FAILED if isinstance(error, (*ours, OSError, OperationalError, RedisError)) else None


if __name__ == "__main__":
    main()
