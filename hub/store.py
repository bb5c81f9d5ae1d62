"""The store of file contents, by their SHA-256: what is written under a digest never changes."""
from __future__ import annotations

import hashlib
from collections.abc import Iterator

from hub.blobs import Blobs
from plugins import codes
from plugins.errors import HubError
from plugins.files import FileContent


class Store:
    """Contents by their digests."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    def put(self, content: FileContent) -> str:
        """Store a content durably and give its digest. Raises HubError (10202) where it cannot be stored."""
        total = hashlib.sha256()

        def pieces() -> Iterator[bytes]:
            for piece in content.chunks():
                total.update(piece)
                yield piece

        self._blobs.put(pieces(), total.hexdigest)
        return total.hexdigest()

    def get(self, digest: str, name: str = "") -> FileContent:
        """The content with a digest. Raises HubError (10203) when it is not there."""
        size = self._blobs.size(digest)
        if size is None:
            raise HubError(code=codes.FILE_MISSING)
        return FileContent(name, size, lambda: self._blobs.open(digest))

    def path(self, digest: str) -> str:
        """Where the content lies on this machine; empty where it lies elsewhere."""
        return self._blobs.place(digest)

    def has(self, digest: str) -> bool:
        """Whether there is a content with this digest."""
        return self._blobs.size(digest) is not None

    def remove(self, digest: str) -> None:
        """Forget a content. One that is not there does no harm."""
        self._blobs.remove(digest)
