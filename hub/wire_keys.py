"""The key pairs to which callers encrypt the secrets they send: made at first use, replaced by newer ones while the hub serves."""
from __future__ import annotations

import base64
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import Select, func, or_, select
from sqlalchemy.exc import IntegrityError

from hub.crypto import private_key
from hub.crypto.private_key import PrivateKey
from hub.database import now
from hub.models import WireKey
from plugins.crypto.public_key import Algorithm
from plugins.errors import Conflict

if TYPE_CHECKING:
    from hub.call import Call
    from hub.core import Hub

log = structlog.get_logger(__name__)

PURPOSE = "wire key"
# Each ciphertext that fits no key is tried with all that are in force, so there must not be too many.
MOST_IN_FORCE = 5


class WireKeys:
    """The wire keys of a hub. Their private parts stay opened in this process."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._opened: dict[int, PrivateKey] = {}

    def current(self, algorithm: Algorithm) -> WireKey:
        """The key that is published now. The first call makes one; of several that make one at once, one succeeds for all."""
        found = self._published(algorithm)
        if found is None:
            self._make_first(algorithm)
            found = self._published(algorithm)
        assert found is not None
        return found

    def _make_first(self, algorithm: Algorithm) -> None:
        made = self._new(algorithm, 1)
        try:
            with self._hub.db.write() as session:
                session.add(made)
        except IntegrityError:
            log.info("another process made the wire key", algorithm=algorithm)

    def _published(self, algorithm: Algorithm) -> WireKey | None:
        with self._hub.db.read() as session:
            return session.scalar(_of(algorithm).where(WireKey.expires_at.is_(None)))

    def _new(self, algorithm: Algorithm, version: int) -> WireKey:
        secret, public = private_key.new_pair(algorithm)
        sealed = self._hub.vault.seal(base64.b64encode(secret).decode(), PURPOSE)
        return WireKey(algorithm=algorithm, version=version, public_key=public.text, sealed_private_key=sealed)

    def rotate(self, call: Call, algorithm: Algorithm) -> WireKey:
        """Publish a new key. The present one decrypts for some time yet. Raises Conflict where that happens too often."""
        made = self._new(algorithm, self.current(algorithm).version + 1)
        session = call.session
        in_force = session.scalar(select(func.count()).select_from(_in_force(algorithm).subquery())) or 0
        if in_force >= MOST_IN_FORCE:
            raise Conflict(f"仍有效的旧密钥过多（{in_force} 个），请待其过期后再更换")
        for old in session.scalars(_of(algorithm).where(WireKey.expires_at.is_(None)).with_for_update()):
            old.expires_at = now() + timedelta(seconds=self._hub.settings.wire_key_overlap)
        session.add(made)
        session.flush()
        return made

    def decrypt(self, algorithm: Algorithm, blob: bytes) -> bytes | None:
        """What was encrypted to one of the keys in force, the newest tried first; None where it fits none of them."""
        with self._hub.db.read() as session:
            keys = session.scalars(_in_force(algorithm)).all()
        return next((plain for key in keys if (plain := self._open(key).decrypt(blob)) is not None), None)

    def _open(self, key: WireKey) -> PrivateKey:
        if key.id not in self._opened:
            secret = base64.b64decode(self._hub.vault.open(key.sealed_private_key, PURPOSE))
            self._opened[key.id] = private_key.load("RSA" if key.algorithm == "RSA" else "SM2", secret)
        return self._opened[key.id]


def _of(algorithm: Algorithm) -> Select[WireKey]:
    return select(WireKey).where(WireKey.algorithm == algorithm).order_by(WireKey.version.desc())


def _in_force(algorithm: Algorithm) -> Select[WireKey]:
    return _of(algorithm).where(or_(WireKey.expires_at.is_(None), WireKey.expires_at > now()))
