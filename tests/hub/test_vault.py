"""Secrets at rest: sealed with the chosen cipher, opened under any known master key, and sealed anew when the key changes."""
from __future__ import annotations

import base64
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import String, Text, select

from config.settings import Settings
from hub import audit
from hub.commands.master_key import master_key
from hub.core import Hub
from hub.crypto.at_rest import Cipher
from hub.models import AuditEntry, Base, Connection, Robot
from hub.reseal import reseal, sealed_columns
from hub.vault import KEY_FILE, KeyFile, MasterKey, Vault, open_vault, parse_keys
from plugins.errors import ConfigurationError
from tests.hub.conftest import Api

TEXT = "口令 Pa55-word!"


def a_key() -> MasterKey:
    return MasterKey(os.urandom(32))


def vault_of(*keys: MasterKey, cipher: Cipher = Cipher.AES) -> Vault:
    return Vault(lambda: keys, cipher)


@pytest.mark.parametrize("cipher", Cipher)
def test_what_is_sealed_opens_in_its_place_only(cipher: Cipher) -> None:
    vault = vault_of(a_key(), cipher=cipher)
    for text in (TEXT, "", "x" * 100_000):
        assert vault.open(vault.seal(text, "credential"), "credential") == text
    sealed = vault.seal(TEXT, "credential")
    assert f":{cipher}:" in sealed and TEXT not in sealed
    assert sealed != vault.seal(TEXT, "credential")
    for wrong in (sealed[:-8] + "AAAAAAA=", sealed[:-4], sealed.replace("v2:", "v3:"), sealed[4:], "", "v2:", "v1:AAAA", "v2:a:b:c"):
        with pytest.raises(ConfigurationError):
            vault.open(wrong, "credential")
    other = "sm4" if cipher is Cipher.AES else "aes"
    with pytest.raises(ConfigurationError):
        vault.open(sealed.replace(f":{cipher}:", f":{other}:"), "credential")
    with pytest.raises(ConfigurationError) as caught:
        vault.open(sealed, "asset")
    assert TEXT not in str(caught.value) and sealed not in str(caught.value)


def test_older_keys_open_and_the_first_seals() -> None:
    old, new = a_key(), a_key()
    before = vault_of(old).seal(TEXT, "x")
    assert vault_of(new, old).open(before, "x") == TEXT
    assert vault_of(new).open(vault_of(new, old).seal(TEXT, "x"), "x") == TEXT
    with pytest.raises(ConfigurationError):
        vault_of(new).open(before, "x")


def test_values_of_the_first_release_still_open() -> None:
    """They named neither key nor cipher."""
    old = a_key()
    nonce = os.urandom(12)
    body = AESGCM(old.derived("at rest")).encrypt(nonce, TEXT.encode(), b"connection")
    assert vault_of(a_key(), old).open("v1:" + base64.b64encode(nonce + body).decode(), "connection") == TEXT


def test_addresses_and_marks_outlast_a_change_of_the_key() -> None:
    old, new = a_key(), a_key()
    signature, mark = vault_of(old).sign("package:1", 60), vault_of(old).mark("audit")
    after = vault_of(new, old)
    assert after.verify("package:1", signature) and after.is_mark("audit", mark)
    assert after.sign("package:1", 60).partition(".")[2] != signature.partition(".")[2]
    for vault in (after, vault_of(old)):
        assert not vault.verify("package:2", signature) and not vault.is_mark("other", mark)
        assert not vault.verify("package:1", vault_of(old).sign("package:1", -1))
        for wrong in ("", "1", ".", "9" * 13 + ".x", "²." + mark, "0." + mark):
            assert not vault.verify("package:1", wrong)
    assert not vault_of(new).verify("package:1", signature)


def test_a_key_shows_itself_nowhere() -> None:
    key = a_key()
    shown = repr(key) + str(key.__dict__.keys()) + vault_of(key).seal("", "x") + vault_of(key).mark("x")
    for form in (key.secret.hex(), base64.b64encode(key.secret).decode(), repr(key.secret)):
        assert form not in shown


def test_key_file_is_private_and_one_for_all(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    with ThreadPoolExecutor(8) as pool:
        sealed = list(pool.map(lambda _: open_vault(settings).seal(TEXT, "x"), range(32)))
    assert all(open_vault(settings).open(each, "x") == TEXT for each in sealed)
    assert [path.name for path in tmp_path.iterdir()] == [KEY_FILE]
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600


def test_a_running_vault_takes_up_a_new_key(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    running = open_vault(settings)
    before, prefix = running.seal(TEXT, "x"), running.prefix
    KeyFile(tmp_path / KEY_FILE).add()
    assert running.prefix != prefix
    assert running.open(before, "x") == TEXT
    assert open_vault(settings).open(running.seal(TEXT, "x"), "x") == TEXT
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert KeyFile(tmp_path / KEY_FILE).keep_current() == 1
    with pytest.raises(ConfigurationError):
        running.open(before, "x")


def test_configured_keys(tmp_path: Path) -> None:
    old, new = (base64.b64encode(os.urandom(32)).decode() for _ in range(2))
    before = open_vault(Settings(data=tmp_path, master_key=old)).seal(TEXT, "x")
    after = open_vault(Settings(data=tmp_path, master_key=new, previous_master_keys=f"{old},{old}", at_rest_cipher="sm4-gcm"))
    assert after.open(before, "x") == TEXT
    assert after.seal(TEXT, "x").split(":")[2] == "sm4"
    assert not (tmp_path / KEY_FILE).exists()
    for wrong in ("short", "AAAA", "?" * 44, f"{new[:-4]}"):
        with pytest.raises(ConfigurationError) as caught:
            parse_keys(wrong, "RPAHUB_MASTER_KEY")
        assert "RPAHUB_MASTER_KEY" in str(caught.value) and wrong not in str(caught.value)


def test_every_sealed_column_is_in_the_registry() -> None:
    """A column that holds sealed values is named so, is a text, and says its purpose; else a rotation would leave it out."""
    found = set(sealed_columns())
    named = {column for table in Base.metadata.sorted_tables for column in table.columns if column.name.startswith("sealed_")}
    assert {f"{column.table.name}.{column.name}" for column in named ^ found} == set()
    assert all(isinstance(column.type, (String, Text)) and column.info["sealed"] for column in found)


def fill(api: Api, hub: Hub) -> int:
    """Something in some of the sealed columns, in two tables with many rows. Gives the id of a robot."""
    robot_ids = [
        api("robot_create", depId=1, robotName=f"r{number}", robotType=0, machineId=1, machineName="m", machineUsername="u", machinePassword=TEXT)[
            "robotId"
        ]
        for number in range(20)
    ]
    with hub.db.write() as session:
        session.add(Connection(name="vendor", adapter="sema4", department_id=1, sealed_credentials=hub.vault.seal("{}", "connection")))
    hub.wire_keys.current("SM2")
    return int(robot_ids[7])


def sealed_values(hub: Hub) -> list[str]:
    with hub.db.read() as session:
        return [value for column in sealed_columns() for value in session.scalars(select(column).where(column != ""))]


def test_everything_is_sealed_anew_while_the_hub_runs(api: Api, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.reseal.BATCH", 7)
    robot_id = fill(api, hub)
    with hub.db.read() as session:
        changed_at = session.get_one(Robot, robot_id).updated_at
    other = Hub(hub.settings)  # another process
    KeyFile(hub.settings.data / KEY_FILE).add()
    count = len(sealed_values(hub))
    assert count >= 22
    assert reseal(other) == count
    assert all(value.startswith(hub.vault.prefix) for value in sealed_values(hub))
    assert reseal(hub) == 0
    with hub.db.read() as session:
        row = session.get_one(Robot, robot_id)
        assert hub.vault.open(row.sealed_machine_password or "", "machine password") == TEXT
        assert row.updated_at == changed_at


def test_a_change_of_the_cipher_reaches_everything(api: Api, hub: Hub, new_settings: Callable[..., Settings]) -> None:
    fill(api, hub)
    national = Hub(new_settings(at_rest_cipher="sm4-gcm"))
    count = len(sealed_values(hub))
    assert reseal(national) == count
    assert {value.split(":")[2] for value in sealed_values(national)} == {"sm4"}
    assert reseal(hub) == count
    assert {value.split(":")[2] for value in sealed_values(hub)} == {"aes"}


def test_command_rotates_reseals_and_forgets(api: Api, hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(api, hub)
    with hub.db.write() as session:
        session.add(AuditEntry(trace_id="0" * 32, operation="x", actor="admin", client_ip="", subject={}, result_code="00000"))
    audit.seal_pending(hub)
    count = len(sealed_values(hub))
    data = ["--data", str(hub.settings.data)]
    rotated = run("rotate", *data)
    assert f"{count} values" in rotated
    assert audit.verify(hub).is_whole
    assert "0 values" in run("reseal", *data)
    assert "1 older keys dropped" in run("forget", *data)
    fresh = Hub(hub.settings)
    assert all(fresh.vault.open(value, column.info["sealed"]) is not None for column in sealed_columns() for value in of(fresh, column))
    assert audit.verify(fresh).is_whole
    assert (hub.settings.data / KEY_FILE).read_text().count("\n") == 1

    monkeypatch.setenv("RPAHUB_MASTER_KEY", base64.b64encode(os.urandom(32)).decode())
    refused = CliRunner().invoke(master_key, ["rotate", *data])
    assert isinstance(refused.exception, ConfigurationError) and "RPAHUB_PREVIOUS_MASTER_KEYS" in str(refused.exception)
    missing = CliRunner().invoke(master_key, ["reseal", *data])
    assert isinstance(missing.exception, ConfigurationError)


def of(hub: Hub, column: object) -> list[str]:
    with hub.db.read() as session:
        return list(session.scalars(select(column).where(column != "")))  # type: ignore[call-overload]


def run(*arguments: str) -> str:
    result = CliRunner().invoke(master_key, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output
