"""Where settings come from, and what is said when one is wrong."""
from __future__ import annotations

import os
from pathlib import Path

import pytest
from sqlalchemy import make_url

from config.settings import Settings, SettingsError, load
from config.table import rows


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper().startswith("RPAHUB_"):
            monkeypatch.delenv(name)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "hub.toml"
    monkeypatch.setenv("RPAHUB_CONFIG", str(path))
    return path


def test_defaults_make_a_whole_configuration() -> None:
    settings = load()
    assert (settings.port, settings.profile, settings.embedded_redis) == (8000, "embedded", True)
    assert settings.data == Path("data").resolve()
    assert make_url(settings.database).database == str(settings.data / "hub.db")


def test_environment_goes_over_file_and_file_over_default(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text('port = 9001\nhost = "0.0.0.0"\n')
    monkeypatch.setenv("RPAHUB_PORT", "9002")
    settings = load()
    assert (settings.port, settings.host, settings.workers) == (9002, "0.0.0.0", 2)
    origin = {row.name: row.source for row in rows(settings)}
    assert (origin["port"], origin["host"], origin["workers"]) == ("environment", "file", "default")


def test_overrides_go_over_everything_unless_they_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RPAHUB_PORT", "9002")
    assert load(port=9003, host=None).port == 9003
    assert load(port=None).port == 9002


def test_wrong_type_is_named_with_its_source_and_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RPAHUB_WORKERS", "hunter2")
    with pytest.raises(SettingsError) as caught:
        load()
    assert "workers" in str(caught.value)
    assert "environment" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("variable", ["RPAHUB_PROT", "rpahub_prot"])
def test_misspelt_variable_is_refused_with_a_suggestion(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "9000")
    with pytest.raises(SettingsError, match=rf"{variable} is no setting \(is port meant\?\)"):
        load()


def test_unknown_name_in_the_file_is_refused(file: Path) -> None:
    file.write_text("workerz = 3\n")
    with pytest.raises(SettingsError, match=r"workerz is no setting \(is workers meant\?\)"):
        load()


def test_broken_and_missing_files_are_named(file: Path) -> None:
    with pytest.raises(SettingsError, match="names no file"):
        load()
    file.write_text("port = ")
    with pytest.raises(SettingsError, match=r"hub\.toml is not TOML"):
        load()


def test_production_refuses_plain_passwords() -> None:
    with pytest.raises(SettingsError, match="allow_plain_passwords must be false"):
        load(profile="production")
    assert load(profile="production", allow_plain_passwords=False).profile == "production"


def test_unknown_time_zone_is_refused() -> None:
    with pytest.raises(SettingsError, match="time_zone: no such time zone"):
        load(time_zone="Asia/Nowhere")


def test_secrets_are_masked_in_repr_and_in_the_table() -> None:
    settings = load(master_key="s3cret-key", redis_url="redis://:s3cret-pw@cache/0")
    table = {row.name: row for row in rows(settings)}
    assert "s3cret" not in repr(settings)
    assert not any("s3cret" in field for row in table.values() for field in vars(row).values())
    assert table["master_key"].value == "***"
    assert table["admin_password"].value == '""'


def test_table_describes_every_setting() -> None:
    table = {row.name: row for row in rows(load())}
    assert set(table) == set(Settings.model_fields)
    assert all(row.meaning and row.type for row in table.values())
    assert (table["port"].variable, table["port"].type, table["port"].default) == ("RPAHUB_PORT", "whole number", "8000")
    assert table["log_format"].type == "text or json"


def test_deep_data_folder_gets_a_short_socket(tmp_path: Path) -> None:
    deep = load(data=tmp_path / ("deep/" * 30))
    other = load(data=tmp_path / ("deeper/" * 30))
    assert len(os.fsencode(deep.redis_socket)) <= 100
    assert deep.redis_socket != other.redis_socket
    assert load(data="/srv/hub").redis_socket == Path("/srv/hub/run/redis.sock")


def test_odd_characters_in_the_data_path_survive_in_the_addresses() -> None:
    settings = load(data="/srv/空 a?b%41#c")
    assert make_url(settings.database).database == "/srv/空 a?b%41#c/hub.db"
    assert settings.redis == "unix:///srv/%E7%A9%BA%20a%3Fb%2541%23c/run/redis.sock"


def test_example_files_are_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    examples = sorted((Path(__file__).parents[2] / "config").glob("*.toml"))
    if not examples:
        pytest.skip("there are no example files")
    for example in examples:
        monkeypatch.setenv("RPAHUB_CONFIG", str(example))
        load()
