"""`rpahub master-key`: changing the key under which secrets are kept. The hub may run meanwhile."""
from __future__ import annotations

from pathlib import Path

import click

from config.settings import Settings, load
from hub.core import Hub
from hub.reseal import reseal
from hub.vault import KeyFile, key_file
from plugins.errors import ConfigurationError

DATA = click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Folder of everything that the hub keeps.")


@click.group("master-key", context_settings={"help_option_names": ["-h", "--help"]})
def master_key() -> None:
    """The key under which secrets are kept: replace it, seal everything anew."""


@master_key.command()
@DATA
def rotate(data: Path | None) -> None:
    """Make a new master key in the data folder and seal everything with it. Older keys stay, for backups of the database."""
    settings = load(data=data)
    _file(settings).add()
    click.echo(f"new master key in {key_file(settings).path}; {_reseal(settings)}")


@master_key.command("reseal")
@DATA
def reseal_all(data: Path | None) -> None:
    """Seal everything with the present key and cipher: after RPAHUB_MASTER_KEY or RPAHUB_AT_REST_CIPHER was changed."""
    click.echo(_reseal(load(data=data)))


@master_key.command()
@DATA
def forget(data: Path | None) -> None:
    """Seal what is left, then drop the older keys of the data folder. Backups made before a rotation can then be opened no more."""
    settings = load(data=data)
    file = _file(settings)
    told = _reseal(settings)
    click.echo(f"{told}; {file.keep_current()} older keys dropped")


def _file(settings: Settings) -> KeyFile:
    if settings.master_key.get_secret_value():
        raise ConfigurationError(
            "the master key is a setting: put the new one in RPAHUB_MASTER_KEY and the old one in RPAHUB_PREVIOUS_MASTER_KEYS, "
            "restart the hub, and run `rpahub master-key reseal`"
        )
    file = key_file(settings)
    if not file.path.exists():
        raise ConfigurationError(f"no master key in {settings.data}; `rpahub init` makes one")
    return file


def _reseal(settings: Settings) -> str:
    hub = Hub(settings)
    try:
        return f"{reseal(hub)} values sealed anew"
    finally:
        hub.db.dispose()
