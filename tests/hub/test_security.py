"""Passwords and tokens: what is stored of them tells nothing."""
from __future__ import annotations

from pathlib import Path

import pytest

from config.settings import Settings
from hub.security import hash_password, new_token, password_matches, token_digest
from hub.vault import open_vault


def test_a_password_matches_its_own_hash_only() -> None:
    stored = hash_password("密码 with spaces ")
    assert password_matches(stored, "密码 with spaces ")
    assert not any(password_matches(stored, wrong) for wrong in ("密码 with spaces", "", stored, "密码 With spaces "))


def test_a_hash_is_argon2id_with_a_salt_of_its_own() -> None:
    first, second = hash_password("same"), hash_password("same")
    assert first != second and first.startswith("$argon2id$") and "same" not in first


@pytest.mark.parametrize("stored", ["", "x", "$argon2id$", "same", "$2b$12$abcdefghijklmnopqrstuv"])
def test_a_stored_value_that_is_no_hash_matches_nothing(stored: str) -> None:
    assert not password_matches(stored, "same")


def test_tokens_are_long_random_and_known_by_their_digest_only() -> None:
    tokens = {new_token() for _ in range(1000)}
    assert len(tokens) == 1000 and all(len(token) >= 43 for token in tokens)
    assert len({token_digest(token) for token in tokens}) == 1000 and not {token_digest(token) for token in tokens} & tokens


def test_a_signature_holds_until_its_time_and_for_its_thing_only(tmp_path: Path) -> None:
    vault = open_vault(Settings(data=tmp_path))
    assert vault.verify("package:1", vault.sign("package:1", 60))
    assert not vault.verify("package:1", vault.sign("package:1", -1))
    assert not vault.verify("package:2", vault.sign("package:1", 60))
