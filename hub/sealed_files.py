"""Encrypted contents: AES-256-GCM in pieces of 1 MiB, each bound to its place, under a key of its own that the vault seals.

A blob is an 8-byte nonce prefix and then the pieces. The nonce of a piece is the prefix and its number; its additional data say whether it
is the last, so that a blob that was cut off does not open.
"""
from __future__ import annotations

import base64
import hashlib
import io
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hub.blobs import Blobs
from hub.vault import Vault
from plugins import codes
from plugins.errors import HubError
from plugins.files import CHUNK, FileContent

PREFIX = 8
TAG = 16
PURPOSE = "file key"


@dataclass(frozen=True)
class Sealed:
    """A stored content: the name of its blob, its key (sealed), and the digest and size of the plain content."""

    blob: str
    sealed_key: str
    digest: str
    size: int


class SealedFiles:
    """Encrypted contents."""

    def __init__(self, blobs: Blobs, vault: Vault) -> None:
        self._blobs = blobs
        self._vault = vault

    def put(self, content: FileContent) -> Sealed:
        """Store a content durably. Raises HubError (10202) where it cannot be stored."""
        key, prefix = AESGCM.generate_key(256), os.urandom(PREFIX)
        total, size = hashlib.sha256(), 0
        blob = uuid.uuid4().hex

        def pieces() -> Iterator[bytes]:
            nonlocal size
            cipher = AESGCM(key)
            yield prefix
            with content.open() as stream:
                piece, number = stream.read(CHUNK), 0
                while True:
                    following = stream.read(CHUNK)
                    total.update(piece)
                    size += len(piece)
                    if size > content.size:  # It grows while it is read: whoever looked at its size has looked in vain.
                        raise HubError("文件在读取时被改动", code=codes.FILE_NOT_SAVED)
                    yield cipher.encrypt(_nonce(prefix, number), piece, _place(number, not following))
                    if not following:
                        return
                    piece, number = following, number + 1

        self._blobs.put(pieces(), lambda: blob)
        sealed_key = self._vault.seal(base64.b64encode(key).decode(), PURPOSE)
        return Sealed(blob, sealed_key, total.hexdigest(), size)

    def get(self, sealed: Sealed, name: str = "") -> FileContent:
        """The plain content. Raises HubError (10203) when the blob is gone; reading raises it when the blob was changed."""
        if self._blobs.size(sealed.blob) is None:
            raise HubError(code=codes.FILE_MISSING)
        key = base64.b64decode(self._vault.open(sealed.sealed_key, PURPOSE))

        def opened() -> BinaryIO:
            return cast(BinaryIO, io.BufferedReader(_Reader(self._blobs.open(sealed.blob), key, sealed.size), CHUNK))

        return FileContent(name, sealed.size, opened)

    def path(self, blob: str) -> str:
        """Where a blob lies on this machine; empty where it lies elsewhere."""
        return self._blobs.place(blob)

    def remove(self, blob: str) -> None:
        """Remove a blob that nothing refers to any more."""
        self._blobs.remove(blob)


class _Reader(io.RawIOBase):
    """Reads a blob, piece by piece, from any place."""

    def __init__(self, file: BinaryIO, key: bytes, size: int) -> None:
        self._file = file
        self._prefix = self._file.read(PREFIX)
        self._cipher = AESGCM(key)
        self._size = size
        self._at = 0
        self._number = -1
        self._piece = b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        if self._at >= self._size:
            return 0
        number, within = divmod(self._at, CHUNK)
        self._load(number)
        part = self._piece[within : within + len(view)]
        view[: len(part)] = part
        self._at += len(part)
        return len(part)

    def _load(self, number: int) -> None:
        if number == self._number:
            return
        last = max(0, (self._size - 1) // CHUNK)
        self._file.seek(PREFIX + number * (CHUNK + TAG))
        sealed = self._file.read(CHUNK + TAG)
        try:
            self._piece = self._cipher.decrypt(_nonce(self._prefix, number), sealed, _place(number, number == last))
        except InvalidTag as error:
            raise HubError("文件内容已损坏", code=codes.FILE_MISSING) from error
        self._number = number

    def close(self) -> None:
        self._file.close()
        super().close()


def _nonce(prefix: bytes, number: int) -> bytes:
    return prefix + number.to_bytes(4, "big")


def _place(number: int, is_last: bool) -> bytes:
    return number.to_bytes(8, "big") + (b"\x01" if is_last else b"\x00")
