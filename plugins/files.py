"""The content of a file on its way between a caller, the hub's store and an adapter."""
from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

CHUNK = 1 << 20


@dataclass(frozen=True)
class FileContent:
    """A named, re-readable content. ``open`` gives a fresh binary stream from its start; ``size`` is in bytes."""

    name: str
    size: int
    open: Callable[[], BinaryIO]

    @classmethod
    def of(cls, content: bytes, name: str = "") -> FileContent:
        """A content that is held in memory."""
        return cls(name, len(content), lambda: io.BytesIO(content))

    def chunks(self) -> Iterator[bytes]:
        """The content in pieces of at most 1 MiB."""
        with self.open() as stream:
            while piece := stream.read(CHUNK):
                yield piece

    def read(self) -> bytes:
        """The whole content; for small files only."""
        with self.open() as stream:
            return stream.read()

    def digest(self) -> str:
        """SHA-256 of the content, in hexadecimal."""
        total = hashlib.sha256()
        for piece in self.chunks():
            total.update(piece)
        return total.hexdigest()
