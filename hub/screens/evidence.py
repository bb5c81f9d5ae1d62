"""Whether a film is the one that a signed manifest speaks of. Needs no hub: the film, the manifest's file, and the public key.

A manifest's file is JSON: ``payload`` is the base64 of the manifest's bytes, ``signature`` that of their Ed25519 signature, ``algorithm`` and
``publicKey`` say what it was made with. The signature is over exactly the bytes of the payload, however the JSON is written.
"""
from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

ALGORITHM = "Ed25519"
RAW = 32
LARGEST = 64 * 1024


class Refuted(Exception):
    """The film is not what the manifest says, or the manifest not what was signed. The message says which."""


def payload_of(manifest: dict[str, Any]) -> bytes:
    """The bytes of a manifest that are signed: JSON in one form only."""
    return json.dumps(manifest, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def read_key(text: str) -> Ed25519PublicKey:
    """A public key from PEM, or from base64 (32 raw bytes or the 44 of DER). Raises ValueError."""
    if "-----BEGIN" in text:
        key = load_pem_public_key(text.encode())
        if not isinstance(key, Ed25519PublicKey):
            raise ValueError("the key must be an Ed25519 public key")
        return key
    raw = base64.b64decode(text.strip(), validate=True)
    if len(raw) not in (RAW, RAW + 12):
        raise ValueError("the key must be an Ed25519 public key")
    return Ed25519PublicKey.from_public_bytes(raw[-RAW:])


class Digests:
    """Size, SHA-256 and SM3 of a content that goes by."""

    def __init__(self) -> None:
        self.size = 0
        self._sha256 = hashlib.sha256()
        self._sm3 = hashes.Hash(hashes.SM3())

    def add(self, piece: bytes) -> None:
        """Take in the next piece."""
        self.size += len(piece)
        self._sha256.update(piece)
        self._sm3.update(piece)

    def close(self) -> dict[str, Any]:
        """What a manifest says of the content."""
        return {"size": self.size, "sha256": self._sha256.hexdigest(), "sm3": self._sm3.finalize().hex()}


def digests_of(pieces: Iterable[bytes]) -> dict[str, Any]:
    """Size, SHA-256 and SM3 of a content."""
    digests = Digests()
    for piece in pieces:
        digests.add(piece)
    return digests.close()


def open_manifest(envelope: Any, key: Ed25519PublicKey) -> dict[str, Any]:
    """What the manifest says, its signature checked. Raises Refuted."""
    try:
        payload, signature = (base64.b64decode(envelope[name], validate=True) for name in ("payload", "signature"))
    except (KeyError, TypeError, ValueError) as error:
        raise Refuted("the manifest is no signed manifest of a recording") from error
    try:
        key.verify(signature, payload)
    except InvalidSignature as error:
        raise Refuted("the signature is not that of this manifest under this key") from error
    found: dict[str, Any] = json.loads(payload)
    return found


def compare(film: Iterable[bytes], manifest: dict[str, Any]) -> None:
    """Raise Refuted where the film is not the one that the manifest speaks of."""
    for name, value in digests_of(film).items():
        if manifest.get(name) != value:
            raise Refuted(f"the film was changed: its {name} is {value}, the manifest says {manifest.get(name)}")
