"""Takes in a process package: proves that it is one and harmless, before the hub stores it."""
from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from adapters.native.archive import Archive, Limits, in_mib, too_large
from adapters.native.manifest import FILE, LARGEST, read_manifest
from plugins import Context, FileContent, InvalidInput, codes, hookimpl

IN_MEMORY = 8 << 20


@hookimpl
def package_create(ctx: Context, params: dict) -> dict:
    """Check the uploaded ``package`` (Tables 21 and 127). Its reference is the SHA-256 of its content.

    ``limits`` may hold ``max_package`` and ``max_unpacked`` (bytes) and ``max_entries``. Raises InvalidInput: 10505 for what is too
    large, 10007 for everything else that is wrong with the file.
    """
    content = params.get("package")
    if not isinstance(content, FileContent) or content.size == 0:
        raise InvalidInput("流程包", code=codes.PARAMETER_EMPTY)
    limits = Limits.of(params.get("limits"))
    with spooled(content, limits) as (stream, digest):
        archive = Archive(stream, limits)
        read_manifest(archive.files.keys(), archive.read(FILE, LARGEST))
        archive.unpack(None)
    return {"packageId": digest}


@contextmanager
def spooled(content: FileContent, limits: Limits) -> Iterator[tuple[BinaryIO, str]]:
    """A seekable copy of ``content`` and its SHA-256. Raises InvalidInput when there is more of it than a package may have."""
    digest = hashlib.sha256()
    size = 0
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as stream:
        for piece in content.chunks():
            size += len(piece)
            if size > limits.max_package:
                raise too_large(f"流程包不能超过 {in_mib(limits.max_package)}")
            digest.update(piece)
            stream.write(piece)
        stream.seek(0)
        yield stream, digest.hexdigest()  # type: ignore[misc]
