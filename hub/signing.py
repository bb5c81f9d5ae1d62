"""The key with which the hub signs the manifests of recordings: made at first use, its private part sealed in the vault."""
from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from hub.models import SigningKey
from hub.screens.evidence import read_key

if TYPE_CHECKING:
    from hub.core import Hub

PURPOSE = "signing key"
log = structlog.get_logger(__name__)


class Signer:
    """Signs with the newest key; knows the public parts of all."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def current(self) -> SigningKey:
        """The key in force. The first call makes one; of several that make one at once, one succeeds for all."""
        found = self._newest()
        if found is None:
            self._make()
            found = self._newest()
        assert found is not None
        return found

    def sign(self, payload: bytes, key: SigningKey) -> str:
        """The signature, in base64."""
        secret = base64.b64decode(self._hub.vault.open(key.sealed_private_key, PURPOSE))
        return base64.b64encode(Ed25519PrivateKey.from_private_bytes(secret).sign(payload)).decode()

    def public(self, key_id: str) -> SigningKey | None:
        """The key of that name."""
        with self._hub.db.read() as session:
            return session.scalar(select(SigningKey).where(SigningKey.name == key_id))

    def _newest(self) -> SigningKey | None:
        with self._hub.db.read() as session:
            return session.scalar(select(SigningKey).order_by(SigningKey.version.desc()).limit(1))

    def _make(self) -> None:
        secret = Ed25519PrivateKey.generate()
        public = secret.public_key().public_bytes_raw()
        row = SigningKey(
            version=1,
            name=hashlib.sha256(public).hexdigest()[:16],
            public_key=base64.b64encode(public).decode(),
            sealed_private_key=self._hub.vault.seal(base64.b64encode(secret.private_bytes_raw()).decode(), PURPOSE),
        )
        try:
            with self._hub.db.write() as session:
                session.add(row)
        except IntegrityError:
            log.info("another process made the signing key")


def opened(key: SigningKey) -> Ed25519PublicKey:
    """The public key itself."""
    return read_key(key.public_key)


def pem(key: SigningKey) -> str:
    """The public key as openssl reads it."""
    return opened(key).public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
