"""Private keys that open what was encrypted to their public keys."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from plugins.crypto import layouts, rsa, sm2
from plugins.crypto.public_key import Algorithm, PublicKey


class PrivateKey(Protocol):
    """Decrypts."""

    def decrypt(self, blob: bytes) -> bytes | None:
        """The text, or None where the bytes are no ciphertext for this key, whatever the reason."""


@dataclass(frozen=True)
class Sm2Key:
    """An SM2 key; it takes ciphertext in every layout."""

    secret: bytes = field(repr=False)
    maker: sm2.Sm2

    def decrypt(self, blob: bytes) -> bytes | None:
        """See PrivateKey."""
        for reading in layouts.readings(blob):
            try:
                return self.maker.decrypt(self.secret, reading)
            except sm2.Sm2Error:
                continue
        return None


@dataclass(frozen=True)
class RsaKey:
    """An RSA key, for OAEP with SHA-256."""

    secret: RSAPrivateKey = field(repr=False)

    def decrypt(self, blob: bytes) -> bytes | None:
        """See PrivateKey."""
        try:
            return rsa.decrypt(self.secret, blob)
        except rsa.RsaError:
            return None


def new_pair(algorithm: Algorithm) -> tuple[bytes, PublicKey]:
    """A new private key, in plain bytes for the vault, and its public key."""
    private, public = rsa.new_pair() if algorithm == "RSA" else sm2.new_pair()
    return private, PublicKey(algorithm, public)


def load(algorithm: Algorithm, private: bytes) -> PrivateKey:
    """A private key from the bytes that new_pair gave."""
    return RsaKey(rsa.load_private(private)) if algorithm == "RSA" else Sm2Key(private, sm2.best())
