"""A multipart form whose files are read piece by piece while they are sent, so that a large one never lies in memory (erratum E05)."""
from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping

from plugins.files import FileContent


class Multipart:
    """A form as the body of a request: give it as ``data``, and ``content_type`` as the header. It can be sent again."""

    def __init__(self, fields: Mapping[str, str], files: Mapping[str, FileContent]) -> None:
        self._boundary = uuid.uuid4().hex
        self._fields = b"".join(self._head(name, "") + value.encode() + b"\r\n" for name, value in fields.items())
        self._files = [(self._head(name, f'; filename="{_plain(file.name or name)}"'), file) for name, file in files.items()]
        self._end = f"--{self._boundary}--\r\n".encode()

    @property
    def content_type(self) -> str:
        """The header that goes with this body."""
        return f"multipart/form-data; boundary={self._boundary}"

    def __len__(self) -> int:
        return len(self._fields) + sum(len(head) + file.size + 2 for head, file in self._files) + len(self._end)

    def __iter__(self) -> Iterator[bytes]:
        yield self._fields
        for head, file in self._files:
            yield head
            yield from file.chunks()
            yield b"\r\n"
        yield self._end

    def _head(self, name: str, more: str) -> bytes:
        kind = "Content-Type: application/octet-stream\r\n" if more else ""
        return f'--{self._boundary}\r\nContent-Disposition: form-data; name="{_plain(name)}"{more}\r\n{kind}\r\n'.encode()


def _plain(name: str) -> str:
    """A name as it may stand in a header: what would end the quotes or the line is written as browsers write it."""
    return re.sub(r'["\r\n]', lambda found: f"%{ord(found[0]):02X}", name)
