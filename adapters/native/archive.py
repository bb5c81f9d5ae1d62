"""Checks a process package, byte by byte, and unpacks it. A package is a zip file that nobody has vouched for.

What the headers promise is checked first, because it is cheap; then everything is really decompressed, because headers may lie.
"""
from __future__ import annotations

import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from plugins import InvalidInput, codes

MIB = 1 << 20
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED = 0x1 | 0x40 | 0x2000
BOMB_RATIO = 200
BOMB_FROM = 64 * MIB
END_RECORD = b"PK\x05\x06"
ZIP64_LOCATOR = b"PK\x06\x07"
DRIVE = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True)
class Limits:
    """The largest package that is taken: bytes packed, bytes unpacked, number of entries."""

    max_package: int = 200 * MIB
    max_unpacked: int = 1024 * MIB
    max_entries: int = 20_000

    @classmethod
    def of(cls, given: Mapping[str, Any] | None) -> Limits:
        """The limits in ``given``, the defaults for those that it does not name."""
        given = given or {}
        return cls(**{name: int(given[name]) for name in cls.__dataclass_fields__ if given.get(name)})


def too_large(reason: str) -> InvalidInput:
    """The error of a package beyond a limit (10505)."""
    return InvalidInput(reason, code=codes.TOO_LARGE)


class Archive:
    """A zip file whose directory has been found harmless. ``files`` are its entries by the path they will have when unpacked.

    Raises InvalidInput, with a reason for the person who made the package.
    """

    def __init__(self, stream: BinaryIO, limits: Limits) -> None:
        self.limits = limits
        self.size = stream.seek(0, 2)
        if self.size > limits.max_package:
            raise too_large(f"流程包不能超过 {in_mib(limits.max_package)}")
        _check_directory_size(stream, self.size, limits)
        self._zip = _open(stream)
        entries = [info for info in self._zip.infolist() if not _is_rubbish(info)]
        if len(entries) > limits.max_entries:
            raise too_large(f"流程包内的文件不能超过 {limits.max_entries} 个")
        _check_overlap(self._zip)
        self.files = _without_top_folder(_files_by_path(entries))
        if not self.files:
            raise InvalidInput("流程包内没有文件")

    def read(self, path: str, most: int) -> bytes | None:
        """The content of a small entry, None if there is none. Raises InvalidInput when it is larger than ``most`` bytes."""
        info = self.files.get(PurePosixPath(path))
        if info is None:
            return None
        return b"".join(self._pieces(info, most))

    def unpack(self, target: Path | None) -> int:
        """Decompress every entry, into the folder ``target`` or, if None, to nowhere, as a test. Gives the total size in bytes."""
        total = 0
        for path, info in self.files.items():
            if target is None:
                total = self._copy(info, None, total)
                continue
            place = target.joinpath(*path.parts)
            place.parent.mkdir(parents=True, exist_ok=True)
            with place.open("xb") as sink:
                total = self._copy(info, sink, total)
            if info.external_attr >> 16 & 0o111:
                place.chmod(0o755)
        return total

    def _copy(self, info: zipfile.ZipInfo, sink: BinaryIO | None, total: int) -> int:
        """Decompress one entry; ``total`` and the answer are the bytes decompressed before and after it."""
        for piece in self._pieces(info, self.limits.max_unpacked):
            total += len(piece)
            if total > self.limits.max_unpacked:
                raise too_large(f"流程包解压后不能超过 {in_mib(self.limits.max_unpacked)}")
            if total > BOMB_FROM and total > self.size * BOMB_RATIO:
                raise too_large("流程包的压缩比异常，疑似压缩炸弹")
            if sink is not None:
                sink.write(piece)
        return total

    def _pieces(self, info: zipfile.ZipInfo, most: int) -> Iterator[bytes]:
        """The real content of an entry, at most 1 MiB at a time."""
        seen = 0
        try:
            with self._zip.open(info) as stream:
                while piece := stream.read(MIB):
                    seen += len(piece)
                    if seen > most:
                        raise too_large(f"流程包内的文件过大：{_shown(info.filename)}")
                    yield piece
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError, struct.error) as error:
            raise InvalidInput(f"流程包已损坏，无法解压 {_shown(info.filename)}") from error
        if seen != info.file_size:
            raise InvalidInput(f"流程包已损坏，{_shown(info.filename)} 的大小与目录不符")


def in_mib(size: int) -> str:
    """A size as shown in messages."""
    return f"{size / MIB:g} MiB" if size >= MIB else f"{size} 字节"


def _check_directory_size(stream: BinaryIO, size: int, limits: Limits) -> None:
    """Refuse a directory of millions of entries before zipfile reads it into memory."""
    tail_size = min(size, 22 + 0xFFFF)
    stream.seek(size - tail_size)
    tail = stream.read(tail_size)
    at = len(tail) - 22 if tail[-22:-18] == END_RECORD and tail.endswith(b"\0\0") else tail.rfind(END_RECORD)
    if at < 0 or len(tail) - at < 22:
        raise InvalidInput("流程包应为 zip 文件")
    count, directory_size = struct.unpack_from("<HI", tail, at + 10)
    if tail[max(at - 20, 0):at].startswith(ZIP64_LOCATOR):
        raise InvalidInput("流程包不支持 Zip64 格式")
    if count > limits.max_entries or directory_size > limits.max_entries * 512:
        raise too_large(f"流程包内的文件不能超过 {limits.max_entries} 个")


def _open(stream: BinaryIO) -> zipfile.ZipFile:
    """The zip file, with the names of its entries in the encoding that they were most likely written in.

    Entries without the UTF-8 flag are UTF-8 all the same when macOS made them, and GB18030 when a Chinese Windows did.
    """
    for encoding in ("utf-8", "gb18030", None):
        try:
            return zipfile.ZipFile(stream, metadata_encoding=encoding)
        except UnicodeDecodeError:
            continue
        except (zipfile.BadZipFile, zipfile.LargeZipFile, struct.error, ValueError, OSError, RuntimeError) as error:
            raise InvalidInput("流程包应为 zip 文件") from error
    raise InvalidInput("流程包内的文件名无法识别")


def _is_rubbish(info: zipfile.ZipInfo) -> bool:
    """What macOS adds on its own when it zips a folder."""
    return info.filename.startswith("__MACOSX/") or info.filename.rsplit("/", 1)[-1] == ".DS_Store"


def _check_overlap(archive: zipfile.ZipFile) -> None:
    """Refuse entries that share their compressed bytes, as the densest bombs do."""
    end = 0
    for info in sorted(archive.infolist(), key=lambda info: info.header_offset):
        if info.header_offset < 0:
            raise InvalidInput("流程包已损坏，目录位置不正确")
        if info.header_offset < end:
            raise too_large("流程包内的文件相互重叠，疑似压缩炸弹")
        end = info.header_offset + 30 + len(info.orig_filename) + info.compress_size


def _files_by_path(entries: list[zipfile.ZipInfo]) -> dict[PurePosixPath, zipfile.ZipInfo]:
    """The entries that are files, by a path proven to stay inside the folder they are unpacked into."""
    files: dict[PurePosixPath, zipfile.ZipInfo] = {}
    folders: set[PurePosixPath] = set()
    for info in entries:
        path = _safe_path(info)
        _check_kind(info)
        folders.update(path.parents)
        if info.is_dir():
            folders.add(path)
        elif path in files:
            raise InvalidInput(f"流程包内有重名文件：{_shown(info.filename)}")
        else:
            files[path] = info
    for path in files:
        if path in folders:
            raise InvalidInput(f"流程包内有重名文件：{_shown(str(path))}")
    return files


def _safe_path(info: zipfile.ZipInfo) -> PurePosixPath:
    name = unicodedata.normalize("NFC", info.orig_filename)
    parts = (name.removesuffix("/")).split("/")
    if (
        "\\" in name
        or any(part in ("", ".", "..") or DRIVE.match(part) for part in parts)
        or any(unicodedata.category(character) in ("Cc", "Cs") for character in name)
    ):
        raise InvalidInput(f"流程包内的路径不安全：{_shown(name)}")
    if len(name.encode()) > 1024 or any(len(part.encode()) > 255 for part in parts):
        raise InvalidInput(f"流程包内的路径过长：{_shown(name)}")
    return PurePosixPath(*parts)


def _check_kind(info: zipfile.ZipInfo) -> None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise InvalidInput(f"流程包内不能有符号链接或特殊文件：{_shown(info.filename)}")
    if info.flag_bits & ENCRYPTED:
        raise InvalidInput(f"流程包不能加密：{_shown(info.filename)}")
    if info.compress_type not in METHODS:
        raise InvalidInput(f"流程包只支持 deflate 压缩：{_shown(info.filename)}")


def _without_top_folder(files: dict[PurePosixPath, zipfile.ZipInfo]) -> dict[PurePosixPath, zipfile.ZipInfo]:
    """The files as if a single top folder that holds them all were not there: many people zip the folder, not what is in it."""
    tops = {path.parts[0] for path in files}
    if len(tops) != 1 or any(len(path.parts) == 1 for path in files):
        return files
    return {PurePosixPath(*path.parts[1:]): info for path, info in files.items()}


def _shown(name: str) -> str:
    """A name from the package, fit to be put into a message."""
    shown = "".join(character if character.isprintable() else "?" for character in name)
    return shown if len(shown) <= 80 else f"{shown[:77]}..."
