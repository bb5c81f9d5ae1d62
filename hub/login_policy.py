"""The rules for signing in (clause 5.7): as the settings have them, with what was changed at run time over it."""
from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from config.settings import Settings
from hub.models import LoginPolicy as Stored

if TYPE_CHECKING:
    from hub.core import Hub

ROW = 1


@dataclass(frozen=True)
class LoginPolicy:
    """The rules in force. Durations are in seconds unless named otherwise.

    ``allow_ips`` and ``deny_ips`` are networks in CIDR form from which users may sign in; ``hide_unknown_users`` answers 10004 for an
    unknown user too (erratum E13).
    """

    token_lifetime: int
    single_session: bool
    login_failures: int
    login_lock: int
    password_length: int
    password_kinds: int
    password_days: int
    allow_ips: tuple[str, ...] = ()
    deny_ips: tuple[str, ...] = ()
    hide_unknown_users: bool = False


CONFIGURED = tuple(each.name for each in fields(LoginPolicy) if each.name in Settings.model_fields)


def in_force(settings: Settings, session: Session) -> LoginPolicy:
    """The rules of this moment."""
    stored = session.get(Stored, ROW)
    values: dict[str, Any] = {name: getattr(settings, name) for name in CONFIGURED}
    return LoginPolicy(**{**values, **(stored.changes if stored else {})})


def of(hub: Hub) -> LoginPolicy:
    """The rules of this moment, where no session is open."""
    with hub.db.read() as session:
        return in_force(hub.settings, session)


def change(session: Session, changes: dict[str, Any], *, anew: bool = False) -> None:
    """Change rules at run time; ``anew`` takes back all changes made before."""
    row = session.get(Stored, ROW)
    if row is None:
        row = Stored(id=ROW, changes={})
        session.add(row)
    row.changes = {**({} if anew else row.changes), **changes}
