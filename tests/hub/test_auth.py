"""Tokens: they open the hub for their user until they end, and not a moment longer."""
from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from config.settings import Settings
from hub.bootstrap import initialise
from hub.core import Hub
from hub.database import now
from hub.dispatch import Answer, Dispatcher
from hub.models import AccessToken, Employee
from hub.scheduler import purge
from hub.security import token_digest
from plugins.errors import ConfigurationError

# As the fixture `settings` has it.
PASSWORD = "Admin-of-tests-1"


@pytest.fixture
def dispatcher(hub: Hub) -> Dispatcher:
    """All operations of the hub."""
    return Dispatcher(hub)


def log_in(dispatcher: Dispatcher, username: str = "admin", password: str = PASSWORD) -> Answer:
    """The answer to account/authenticate."""
    return dispatcher.call(dispatcher.catalogue["account_authenticate"], {"username": username, "password": password})


def code_with(dispatcher: Dispatcher, token: str | None) -> str:
    """The result code of a call with this token."""
    return dispatcher.call(dispatcher.catalogue["department_list"], {}, token=token).code.value


@pytest.fixture
def token(dispatcher: Dispatcher) -> str:
    """A fresh token of admin."""
    return str(log_in(dispatcher).data["token"])


def test_a_token_opens_the_hub(dispatcher: Dispatcher, token: str) -> None:
    assert code_with(dispatcher, token) == "00000"


@pytest.mark.parametrize("wrong", [None, "", "x", "x" * 513, "令牌"])
def test_what_is_no_token_is_refused(dispatcher: Dispatcher, wrong: str | None) -> None:
    assert code_with(dispatcher, wrong) == "10001"


def test_a_changed_token_is_refused(dispatcher: Dispatcher, token: str) -> None:
    changed = token[:-1] + ("A" if token[-1] != "A" else "B")
    assert (code_with(dispatcher, changed), code_with(dispatcher, token.upper()), code_with(dispatcher, token + " ")) == ("10001",) * 3


def test_a_token_ends_at_its_time_and_is_purged_then(hub: Hub, dispatcher: Dispatcher, token: str) -> None:
    other = str(log_in(dispatcher).data["token"])
    with hub.db.write() as session:
        session.execute(update(AccessToken).where(AccessToken.digest == token_digest(token)).values(expires_at=now() - timedelta(seconds=1)))
    assert (code_with(dispatcher, token), code_with(dispatcher, other)) == ("10001", "00000")
    purge(hub)
    with hub.db.read() as session:
        assert session.scalars(select(AccessToken.digest)).all() == [token_digest(other)]


def test_the_told_time_of_expiry_is_the_kept_one(hub: Hub, dispatcher: Dispatcher) -> None:
    data = log_in(dispatcher).data
    with hub.db.read() as session:
        kept = session.scalars(select(AccessToken.expires_at)).one()
    assert data["expirationTime"] == kept.astimezone(hub.zone).strftime("%Y-%m-%d %H:%M:%S")
    assert abs(kept - now() - timedelta(seconds=hub.settings.token_lifetime)) < timedelta(seconds=30)


@pytest.mark.parametrize("change", [{"is_locked": True}, {"is_deleted": True}], ids=["locked", "deleted"])
def test_the_tokens_of_a_user_who_is_locked_or_deleted_are_dead(
    hub: Hub, dispatcher: Dispatcher, token: str, change: dict[str, bool]
) -> None:
    with hub.db.write() as session:
        session.execute(update(Employee).values(**change))
    assert code_with(dispatcher, token) == "10001"
    assert log_in(dispatcher).code.value == ("30006" if "is_locked" in change else "10003")


def test_neither_token_nor_password_lies_in_the_data_folder_in_plain_text(hub: Hub, dispatcher: Dispatcher, token: str, settings: Settings) -> None:
    log_in(dispatcher, password="a-wrong-password")
    hub.calls.close()
    content = b"".join(path.read_bytes() for path in settings.data.rglob("*") if path.is_file())
    assert token_digest(token).encode() in content
    for secret in (token, PASSWORD, "a-wrong-password"):
        assert secret.encode() not in content


def test_a_weak_first_password_is_refused_and_a_random_one_is_made_and_told_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        initialise(Settings(data=tmp_path / "weak", admin_password="short"))
    fresh = Settings(data=tmp_path / "fresh", robots=0)
    made = initialise(fresh)
    assert made and len(made) >= 12
    assert initialise(fresh) is None
    hub = Hub(fresh)
    assert log_in(Dispatcher(hub), password=made).code.value == "00000"
    hub.calls.close()
    hub.db.dispose()
