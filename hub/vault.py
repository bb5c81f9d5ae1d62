"""The keeper of secrets: seals them for the database, and signs addresses and marks, all with keys derived from the master keys.

There may be several master keys: the first is the current one, with which everything new is sealed and signed; with the older ones what was
sealed before can still be opened. A sealed value names its key and its cipher, so that both can be changed while the hub runs.
"""
from __future__ import annotations

import base64
import binascii
import hmac
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from cryptography.exceptions import InvalidTag

from config.settings import Settings
from hub.crypto import at_rest
from hub.crypto.at_rest import Cipher
from plugins.errors import ConfigurationError

KEY_BYTES = 32
KEY_FILE = "master.key"


@dataclass(frozen=True)
class MasterKey:
    """One master key. Nothing is ever encrypted or signed with it itself, but with keys derived from it."""

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_BYTES:
            raise ConfigurationError("a master key must be 32 bytes")

    @cached_property
    def id(self) -> str:
        """The name of the key in sealed values. It tells nothing about the key."""
        return self.derived("identity").hex()[:8]

    def derived(self, purpose: str) -> bytes:
        """The key for a purpose."""
        return hmac.digest(self.secret, f"rpahub {purpose}".encode(), "sha256")

    def encryption(self, cipher: Cipher) -> bytes:
        """The key for a cipher."""
        return self.derived("at rest" if cipher is Cipher.AES else f"at rest {cipher}")

    def mac(self, what: str, expires: int) -> str:
        """The signature of ``what``, bound to the time of its end."""
        digest = hmac.digest(self.derived("addresses"), f"{what}|{expires}".encode(), "sha256")
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


Keys = Callable[[], tuple[MasterKey, ...]]


class Vault:
    """Seals, opens, signs and verifies. ``keys`` gives the master keys that are in force, the current one first."""

    def __init__(self, keys: Keys, cipher: Cipher = Cipher.AES) -> None:
        self._keys = keys
        self._cipher = cipher
        self._current()

    def seal(self, text: str, purpose: str) -> str:
        """The text encrypted. ``purpose`` binds it to its place: it opens nowhere else."""
        key = self._current()
        blob = at_rest.encrypt(self._cipher, key.encryption(self._cipher), text.encode(), purpose.encode())
        return self.prefix + base64.b64encode(blob).decode()

    @property
    def prefix(self) -> str:
        """How everything begins that was sealed with the current key and cipher."""
        return f"v2:{self._current().id}:{self._cipher}:"

    def open(self, sealed: str, purpose: str) -> str:
        """The text of a sealed secret. Raises ConfigurationError when its key is not at hand, or the value was changed."""
        version, _, rest = sealed.partition(":")
        try:
            if version == "v1":  # Before there could be several keys and ciphers, a value did not name them.
                return self._open_any(rest, purpose)
            name, cipher, body = rest.split(":")
            keys = [key for key in self._keys() if key.id == name]
            if version != "v2" or not keys:
                raise ValueError("another key or form")
            return _decrypt(Cipher(cipher), keys[0], body, purpose)
        except (InvalidTag, ValueError) as error:
            raise ConfigurationError(f"a stored secret ({purpose}) cannot be opened: is its master key at hand?") from error

    def _open_any(self, body: str, purpose: str) -> str:
        for key in self._keys():
            try:
                return _decrypt(Cipher.AES, key, body, purpose)
            except InvalidTag:
                continue
        raise ValueError("another key")

    def sign(self, what: str, lifetime: int) -> str:
        """A signature of ``what`` that holds for ``lifetime`` seconds, as it goes into an address."""
        expires = int(time.time()) + lifetime
        return f"{expires}.{self._current().mac(what, expires)}"

    def verify(self, what: str, signature: str) -> bool:
        """Whether the signature is of ``what`` and has not expired."""
        expires, _, mac = signature.partition(".")
        if not expires.isdecimal() or not expires.isascii() or len(expires) > 12:
            return False
        return self._is_mac(what, int(expires), mac) and int(expires) >= time.time()

    def mark(self, what: str) -> str:
        """A signature of ``what`` without an end."""
        return self._current().mac(what, 0)

    def is_mark(self, what: str, mark: str) -> bool:
        """Whether the mark is of ``what``, also under an older key."""
        return self._is_mac(what, 0, mark)

    def _is_mac(self, what: str, expires: int, mac: str) -> bool:
        return any(hmac.compare_digest(mac.encode(), key.mac(what, expires).encode()) for key in self._keys())

    def _current(self) -> MasterKey:
        return self._keys()[0]


class KeyFile:
    """The master keys in a file of the data folder, one a line, the current one first.

    It is read again whenever it has changed, so that all running parts take up a new key at once.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, int, int] | None = None
        self._keys: tuple[MasterKey, ...] = ()

    def __call__(self) -> tuple[MasterKey, ...]:
        """The keys. Raises ConfigurationError when the file holds something else, and OSError when it cannot be read."""
        found = self.path.stat()
        seen = (found.st_ino, found.st_mtime_ns, found.st_size)
        if seen != self._seen:
            self._keys = parse_keys(self.path.read_text("ascii", errors="replace"), str(self.path))
            self._seen = seen
        return self._keys

    def make(self) -> None:
        """Make the file with a first key, unless it is there: two programs that start at once agree on one."""
        draft = self._draft(_new_key())
        try:
            os.link(draft, self.path)
        except FileExistsError:
            return
        finally:
            draft.unlink()

    def add(self) -> None:
        """Put a new key before those that there are."""
        self._replace(_new_key() + self.path.read_text("ascii"))

    def keep_current(self) -> int:
        """Drop all keys but the current one. Gives how many."""
        current, *older = self.path.read_text("ascii").split()
        self._replace(f"{current}\n")
        return len(older)

    def _replace(self, text: str) -> None:
        os.replace(self._draft(text), self.path)

    def _draft(self, text: str) -> Path:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=self.path.parent, prefix=f"{self.path.name}.")
        with os.fdopen(handle, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        return Path(draft)


def parse_keys(text: str, source: str) -> tuple[MasterKey, ...]:
    """Master keys in base64, with spaces, lines or commas between them. Raises ConfigurationError, which names the source."""
    try:
        keys = tuple(MasterKey(base64.b64decode(each, validate=True)) for each in text.replace(",", " ").split())
    except (binascii.Error, ConfigurationError) as error:
        raise ConfigurationError(f"{source}: a master key must be 32 bytes in base64") from error
    if not keys:
        raise ConfigurationError(f"{source}: no master key")
    return keys


def open_vault(settings: Settings) -> Vault:
    """The vault with the configured master keys, or with those of the data folder, the first of which the first call makes."""
    cipher = Cipher.SM4 if settings.at_rest_cipher == "sm4-gcm" else Cipher.AES
    current = settings.master_key.get_secret_value()
    if current:
        keys = parse_keys(f"{current} {settings.previous_master_keys.get_secret_value()}", "RPAHUB_MASTER_KEY")
        return Vault(lambda: keys, cipher)
    file = key_file(settings)
    if not file.path.exists():
        file.make()
    return Vault(file, cipher)


def key_file(settings: Settings) -> KeyFile:
    """Where the master keys are while none is configured."""
    return KeyFile(settings.data / KEY_FILE)


def _decrypt(cipher: Cipher, key: MasterKey, body: str, purpose: str) -> str:
    return at_rest.decrypt(cipher, key.encryption(cipher), base64.b64decode(body, validate=True), purpose.encode()).decode()


def _new_key() -> str:
    return base64.b64encode(os.urandom(KEY_BYTES)).decode() + "\n"
