"""Secrets: password hashes, tokens, the sealing of secrets at rest, and signed download addresses."""
from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
import time
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from config.settings import Settings
from plugins.errors import ConfigurationError

KEY_BYTES = 32
NONCE_BYTES = 12
_hasher = PasswordHasher()


def hash_password(password: str) -> str:
    """The argon2id hash of a password."""
    return _hasher.hash(password)


def password_matches(password_hash: str, password: str) -> bool:
    """Whether the password is the one that was hashed."""
    try:
        return _hasher.verify(password_hash, password)
    except (VerifyMismatchError, InvalidHashError):
        return False


def new_token() -> str:
    """A fresh random token (256 bits)."""
    return secrets.token_urlsafe(32)


def token_digest(token: str) -> str:
    """What is stored of a token: it is random, so a plain SHA-256 tells nothing about it."""
    return hashlib.sha256(token.encode()).hexdigest()


class Vault:
    """Seals secrets for the database, and signs addresses. Both keys are derived from one master key."""

    def __init__(self, master_key: bytes) -> None:
        if len(master_key) != KEY_BYTES:
            raise ConfigurationError("the master key must be 32 bytes")
        self._aead = AESGCM(hmac.digest(master_key, b"rpahub at rest", "sha256"))
        self._signing_key = hmac.digest(master_key, b"rpahub addresses", "sha256")

    def seal(self, text: str, purpose: str) -> str:
        """The text encrypted (AES-256-GCM). ``purpose`` binds it to its place: it opens nowhere else."""
        nonce = os.urandom(NONCE_BYTES)
        return "v1:" + base64.b64encode(nonce + self._aead.encrypt(nonce, text.encode(), purpose.encode())).decode()

    def open(self, sealed: str, purpose: str) -> str:
        """The text of a sealed secret. Raises ConfigurationError when the key is another, or the value was changed."""
        try:
            version, _, body = sealed.partition(":")
            blob = base64.b64decode(body)
            if version != "v1":
                raise ValueError(version)
            return self._aead.decrypt(blob[:NONCE_BYTES], blob[NONCE_BYTES:], purpose.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise ConfigurationError(f"a stored secret ({purpose}) cannot be opened: is the master key the right one?") from error

    def sign(self, what: str, lifetime: int) -> str:
        """A signature of ``what`` that holds for ``lifetime`` seconds, as it goes into an address."""
        expires = int(time.time()) + lifetime
        return f"{expires}.{self._mac(what, expires)}"

    def verify(self, what: str, signature: str) -> bool:
        """Whether the signature is of ``what`` and has not expired."""
        expires, _, mac = signature.partition(".")
        if not expires.isdecimal() or len(expires) > 12:
            return False
        return hmac.compare_digest(mac.encode(), self._mac(what, int(expires)).encode()) and int(expires) >= time.time()

    def _mac(self, what: str, expires: int) -> str:
        digest = hmac.digest(self._signing_key, f"{what}|{expires}".encode(), "sha256")
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def open_vault(settings: Settings) -> Vault:
    """The vault with the configured master key, or with the one in the data folder, which the first call makes (mode 0600)."""
    configured = settings.master_key.get_secret_value()
    if configured:
        try:
            return Vault(base64.b64decode(configured, validate=True))
        except ValueError as error:
            raise ConfigurationError("RPAHUB_MASTER_KEY must be 32 bytes in base64") from error
    path = settings.data / "master.key"
    if not path.exists():
        _create_key(path)
    return Vault(base64.b64decode(path.read_text()))


def _create_key(path: Path) -> None:
    """Write a new key beside its place and link it there: two programs that start at once agree on one."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(base64.b64encode(os.urandom(KEY_BYTES)).decode())
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()
