"""The command line: what it imports, what it says, how it ends."""
from __future__ import annotations

import os
import subprocess
import sys
import types
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from hub import cli

ROOT = Path(__file__).parents[2]


def rpahub(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RPAHUB_")}
    command = [sys.executable, "-m", "hub.cli", *words]
    return subprocess.run(command, cwd=ROOT, env=clean | environment, capture_output=True, text=True, timeout=60, check=False)


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys\nfrom click.testing import CliRunner\nfrom hub.cli import rpahub\n"
        "before = set(sys.modules)\nprint(CliRunner().invoke(rpahub, ['--help']).exit_code)\n"
        "print({'flask', 'sqlalchemy', 'rq', 'redis', 'pydantic', 'structlog', 'granian'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.split("\n")[:2] == ["0", "set()"]


def test_every_command_has_its_line_in_the_help() -> None:
    shown = CliRunner().invoke(cli.rpahub, ["--help"]).output
    for name in ("up", "web", "worker", "scheduler", "robot", "init", "settings", "demo", "matrix", "connection"):
        assert f"\n  {name} " in shown


def test_settings_are_shown_with_their_source_and_without_secrets(tmp_path: Path) -> None:
    file = tmp_path / "hub.toml"
    file.write_text("workers = 7\n")
    done = rpahub("--config", str(file), "settings", RPAHUB_PORT="9005", RPAHUB_MASTER_KEY="s3cret")
    assert done.returncode == 0
    assert "port = 9005   [environment]" in done.stdout
    assert "workers = 7   [file]" in done.stdout
    assert "host = 127.0.0.1   [default]" in done.stdout
    assert "master_key = ***   [environment]" in done.stdout
    assert "s3cret" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("words", "environment", "status", "told"),
    [
        (("up",), {"RPAHUB_PORT": "many"}, 2, "rpahub: port: Input should be a valid integer"),
        (("settings",), {"RPAHUB_PROT": "1"}, 2, "rpahub: RPAHUB_PROT is no setting (is port meant?)"),
        (("up", "--host", "no-such-host.invalid"), {}, 1, "rpahub: no-such-host.invalid is no address of this machine"),
        (("init", "--data", "/proc/nowhere"), {}, 1, "rpahub: [Errno 2] No such file or directory: '/proc/nowhere'"),
        (("init",), {"RPAHUB_DATABASE_URL": "sqlite:////proc/nowhere/hub.db"}, 1, "rpahub: (sqlite3.OperationalError) unable to open"),
    ],
)
def test_errors_of_users_are_one_line(words: tuple[str, ...], environment: dict[str, str], status: int, told: str, tmp_path: Path) -> None:
    done = rpahub(*words, **({"RPAHUB_DATA": str(tmp_path)} | environment))
    assert done.returncode == status
    assert done.stdout == ""
    assert done.stderr.startswith(told)
    assert len(done.stderr.splitlines()) == 1


def test_wrong_use_is_status_2() -> None:
    done = rpahub("up", "--port", "70000")
    assert done.returncode == 2
    assert "--port" in done.stderr


def test_init_tells_the_password_once(tmp_path: Path) -> None:
    first, second = (rpahub("init", "--data", str(tmp_path / "data")) for _ in range(2))
    assert first.returncode == second.returncode == 0
    assert first.stdout.startswith("first start: user admin, password ")
    assert second.stdout == f"ready in {tmp_path / 'data'}\n"
    assert first.stdout.split()[-1] not in (tmp_path / "data" / "logs" / "hub.log").read_text("utf-8")


def test_group_from_elsewhere_is_loaded_when_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    @click.group()
    def things() -> None:
        """All about things."""

    @things.command("list")
    @click.option("--long", is_flag=True)
    def list_(long: bool) -> None:
        click.echo(f"listed {long}")

    module = types.ModuleType("things_of_the_test")
    module.things = things  # type: ignore[attr-defined]
    top = click.Group("top")
    top.add_command(cli._Elsewhere("things", "things_of_the_test:things", "All about things."))
    assert "All about things." in CliRunner().invoke(top, ["--help"]).output
    monkeypatch.setitem(sys.modules, "things_of_the_test", module)
    assert CliRunner().invoke(top, ["things", "list", "--long"]).output == "listed True\n"
    assert "list" in CliRunner().invoke(top, ["things", "--help"]).output
    assert CliRunner().invoke(top, ["things", "nonsense"]).exit_code == 2
