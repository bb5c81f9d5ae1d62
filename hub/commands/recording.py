"""`rpahub recording`: checks a recording that was handed out, away from any hub."""
from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from hub.screens import evidence
from hub.screens.evidence import LARGEST, Refuted

CHUNK = 1 << 20
FALSE = 1
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def recording() -> None:
    """Recordings as evidence: check one against its signed manifest. Needs no hub."""


@recording.command()
@click.argument("film", metavar="FILE", type=FILE)
@click.argument("manifest", metavar="MANIFEST", type=FILE)
@click.option("--key", required=True, help="The public key: a PEM file, or the key itself in base64. Not from the manifest: it could be anybody's.")
def verify(film: Path, manifest: Path, key: str) -> None:
    """Check that FILE is the recording that MANIFEST speaks of, and that the holder of the key has signed it. Exit status 1 where not."""
    try:
        path = Path(key)
        public = evidence.read_key(path.read_text("ascii") if path.is_file() else key)
    except (ValueError, OSError) as error:
        raise click.UsageError(f"--key: {error}") from error
    try:
        if manifest.stat().st_size > LARGEST:
            raise Refuted("the manifest is too large to be one")
        said = evidence.open_manifest(json.loads(manifest.read_text("utf-8-sig")), public)
        evidence.compare(_pieces(film), said)
    except (Refuted, ValueError) as error:
        click.echo(f"false: {error}")
        sys.exit(FALSE)
    click.echo("genuine: film, manifest and signature agree")
    for name in ("taskId", "processName", "robotId", "robotName", "operator", "startTime", "endTime", "isInterrupted", "hub"):
        click.echo(f"  {name}: {said.get(name)}")


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            yield piece
