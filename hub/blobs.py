"""Where the bytes of contents lie: in a folder of this machine, or in an object store that many machines share."""
from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from config.settings import Settings
from plugins import codes
from plugins.errors import ConfigurationError, HubError
from plugins.files import CHUNK

IN_MEMORY = 8 << 20
CONNECT_TIMEOUT, TIMEOUT, RETRIES = "3s", "60s", 2


class Blobs(Protocol):
    """Named blobs, each written once and never changed. Every method raises HubError where the place cannot be used."""

    def put(self, pieces: Iterable[bytes], key: Callable[[], str]) -> None:
        """Write a blob durably, all of it or nothing. ``key`` is asked once the last piece was taken: a name may depend on the content."""

    def open(self, key: str) -> BinaryIO:
        """A seekable stream of a blob. Raises HubError (10203) where there is none."""

    def size(self, key: str) -> int | None:
        """The size of a blob in bytes, None where there is none."""

    def remove(self, key: str) -> None:
        """Forget a blob. One that is not there does no harm."""

    def place(self, key: str) -> str:
        """The path of a blob on this machine; empty where it has none here."""


class FolderBlobs:
    """Blobs as files of a folder, in subfolders by the first two letters of their names."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, pieces: Iterable[bytes], key: Callable[[], str]) -> None:
        """See Blobs."""
        draft: str | None = None
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, draft = tempfile.mkstemp(dir=self._folder, prefix="draft-")
            with os.fdopen(handle, "wb") as file:
                for piece in pieces:
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            target = self._path(key())
            target.parent.mkdir(mode=0o700, exist_ok=True)
            os.replace(draft, target)
            draft = None
        except OSError as error:
            raise HubError("存储空间不可用", code=codes.FILE_NOT_SAVED) from error
        finally:
            if draft is not None:
                Path(draft).unlink(missing_ok=True)

    def open(self, key: str) -> BinaryIO:
        """See Blobs."""
        try:
            return self._path(key).open("rb")
        except FileNotFoundError as error:
            raise HubError(code=codes.FILE_MISSING) from error

    def size(self, key: str) -> int | None:
        """See Blobs."""
        try:
            return self._path(key).stat().st_size
        except FileNotFoundError:
            return None

    def remove(self, key: str) -> None:
        """See Blobs."""
        self._path(key).unlink(missing_ok=True)

    def place(self, key: str) -> str:
        """See Blobs."""
        return str(self._path(key))

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / key


class ObjectBlobs:
    """Blobs as objects of an S3 bucket, under a prefix."""

    def __init__(self, store: Any, prefix: str) -> None:
        self._store = store
        self._prefix = prefix

    def put(self, pieces: Iterable[bytes], key: Callable[[], str]) -> None:
        """See Blobs. The content is gathered here first: an object needs its name before its first byte."""
        import obstore

        with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as draft:
            try:
                for piece in pieces:
                    draft.write(piece)
                draft.seek(0)
                obstore.put(self._store, self._path(key()), cast(Any, iter(lambda: draft.read(CHUNK), b"")))
            except (OSError, obstore.exceptions.BaseError) as error:
                raise HubError("对象存储不可用", code=codes.FILE_NOT_SAVED) from error

    def open(self, key: str) -> BinaryIO:
        """See Blobs."""
        import obstore

        try:
            reader = obstore.open_reader(self._store, self._path(key), buffer_size=CHUNK)
        except FileNotFoundError as error:
            raise HubError(code=codes.FILE_MISSING) from error
        except obstore.exceptions.BaseError as error:
            raise HubError("对象存储不可用") from error
        return cast(BinaryIO, io.BufferedReader(_ObjectStream(reader), CHUNK))

    def size(self, key: str) -> int | None:
        """See Blobs."""
        import obstore

        try:
            return int(obstore.head(self._store, self._path(key))["size"])
        except FileNotFoundError:
            return None
        except obstore.exceptions.BaseError as error:
            raise HubError("对象存储不可用") from error

    def remove(self, key: str) -> None:
        """See Blobs."""
        import obstore

        try:
            obstore.delete(self._store, self._path(key))
        except FileNotFoundError:
            return
        except obstore.exceptions.BaseError as error:
            raise HubError("对象存储不可用") from error

    def place(self, key: str) -> str:
        """See Blobs."""
        return ""

    def _path(self, key: str) -> str:
        return f"{self._prefix}/{key[:2]}/{key}"


class _ObjectStream(io.RawIOBase):
    """A reader of obstore as Python's own streams are."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return int(self._reader.tell())

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return int(self._reader.seek(offset, whence))

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        piece = bytes(self._reader.read(len(view)))
        view[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        if not self.closed:
            self._reader.close()
        super().close()


def blobs(settings: Settings, name: str) -> Blobs:
    """The place of one kind of contents: the folder ``name`` in the data folder, or that prefix in the bucket.

    Raises ConfigurationError where an object store is set and cannot be used with what is installed and given.
    """
    return ObjectBlobs(_bucket(settings), name) if settings.s3_bucket else FolderBlobs(settings.data / name)


def _bucket(settings: Settings) -> Any:
    try:
        from obstore.exceptions import BaseError
        from obstore.store import S3Store
    except ImportError as error:
        raise ConfigurationError("s3_bucket is set, but obstore is not installed: pip install 'rpahub[s3]'") from error
    given = {
        "endpoint": settings.s3_endpoint,
        "region": settings.s3_region,
        "access_key_id": settings.s3_access_key_id.get_secret_value(),
        "secret_access_key": settings.s3_secret_access_key.get_secret_value(),
    }
    try:
        return S3Store(
            settings.s3_bucket,
            **cast(Any, {key: value for key, value in given.items() if value}),
            virtual_hosted_style_request=False,
            client_options={"allow_http": settings.s3_allow_http, "connect_timeout": CONNECT_TIMEOUT, "timeout": TIMEOUT},
            retry_config={"max_retries": RETRIES},
        )
    except (BaseError, ValueError) as error:
        raise ConfigurationError("the object store cannot be used: look at the settings s3_…") from error
