"""The store of file contents, by their SHA-256: what is written under a digest never changes."""
from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from plugins import codes
from plugins.errors import HubError
from plugins.files import FileContent


class Store:
    """Contents in a folder of the data folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, content: FileContent) -> str:
        """Store a content durably and give its digest. A content that is there already is not written twice."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        total = hashlib.sha256()
        handle, draft = tempfile.mkstemp(dir=self._folder, prefix="draft-")
        try:
            with os.fdopen(handle, "wb") as file:
                for piece in content.chunks():
                    total.update(piece)
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            target = self._path(total.hexdigest())
            target.parent.mkdir(mode=0o700, exist_ok=True)
            os.replace(draft, target)
        except OSError as error:
            Path(draft).unlink(missing_ok=True)
            raise HubError("存储空间不可用", code=codes.FILE_NOT_SAVED) from error
        return total.hexdigest()

    def get(self, digest: str, name: str = "") -> FileContent:
        """The content with a digest. Raises HubError (10203) when it is not there."""
        path = self._path(digest)
        try:
            size = path.stat().st_size
        except FileNotFoundError as error:
            raise HubError(code=codes.FILE_MISSING) from error
        return FileContent(name, size, lambda: path.open("rb"))

    def has(self, digest: str) -> bool:
        """Whether there is a content with this digest."""
        return self._path(digest).is_file()

    def remove(self, digest: str) -> None:
        """Forget a content. One that is not there does no harm."""
        self._path(digest).unlink(missing_ok=True)

    def _path(self, digest: str) -> Path:
        return self._folder / digest[:2] / digest
