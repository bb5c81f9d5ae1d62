"""A second factor for signing in (clause 5.7, 双因子): one-time codes of an authenticator on the user's phone, RFC 6238."""
from __future__ import annotations

import base64
import hmac
import secrets
import struct
import time
from typing import TYPE_CHECKING
from urllib.parse import quote

from sqlalchemy.orm import Session

from hub.database import now
from hub.models import SecondFactor

if TYPE_CHECKING:
    from hub.core import Hub

PURPOSE = "second factor"
ISSUER = "RPA Hub"
SECRET_BYTES = 20
STEP = 30  # seconds
DIGITS = 6
DRIFT = 1  # steps by which a phone's clock may be off


def enrol(hub: Hub, session: Session, employee_id: int) -> str:
    """Give a user a new secret, in base32. It counts from the first code that is verified; until then a former one holds no more."""
    secret = base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode()
    row = session.get(SecondFactor, employee_id, with_for_update=True) or SecondFactor(employee_id=employee_id)
    row.sealed_secret, row.active_since, row.last_step = hub.vault.seal(secret, PURPOSE), None, 0
    session.add(row)
    return secret


def address_of(secret: str, username: str) -> str:
    """The address that authenticators read from a QR code."""
    return f"otpauth://totp/{quote(ISSUER)}:{quote(username)}?secret={secret}&issuer={quote(ISSUER)}&digits={DIGITS}&period={STEP}"


def is_active(session: Session, employee_id: int) -> bool:
    """Whether a user signs in with a second factor."""
    row = session.get(SecondFactor, employee_id)
    return row is not None and row.active_since is not None


def accept(hub: Hub, session: Session, employee_id: int, code: str) -> bool:
    """Whether the code is right now and was not used before. The first one that is makes the factor active."""
    row = session.get(SecondFactor, employee_id, with_for_update=True)
    if row is None:
        return False
    secret = base64.b32decode(hub.vault.open(row.sealed_secret, PURPOSE))
    present = int(time.time()) // STEP
    for step in range(present - DRIFT, present + DRIFT + 1):
        if step > row.last_step and hmac.compare_digest(code_at(secret, step).encode(), code.encode()):
            row.last_step = step
            row.active_since = row.active_since or now()
            return True
    return False


def code_at(secret: bytes, step: int) -> str:
    """The code of a time step (RFC 4226, section 5.3)."""
    digest = hmac.digest(secret, struct.pack(">Q", step), "sha1")
    offset = digest[-1] & 0xF
    number = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}d}"
