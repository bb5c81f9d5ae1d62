"""Packages that are no good are refused with a reason, and nothing of them reaches the disk outside their folder."""
from __future__ import annotations

import hashlib
import io
import random
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

from adapters.native.archive import Archive, Limits
from adapters.native.package import package_create
from plugins import Connection, Context, FileContent, HubError, InvalidInput

MAIN = b"print(1)\n"
MANIFEST_HEAD = 'kind = "python"\nentry = "main.py"\n'


def zipped(entries: list[tuple[str | zipfile.ZipInfo, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return buffer.getvalue()


def create(content: bytes, **limits: int) -> dict:
    context = Context(Connection("native", "native"))
    return package_create(context, {"packageName": "p", "package": FileContent.of(content, "p.zip"), "limits": limits})


def entry(name: str, mode: int = 0, flags: int = 0) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    info.flag_bits = flags
    return info


def patched(content: bytes, signature: bytes, offset: int, value: bytes) -> bytes:
    """``content`` with ``value`` written ``offset`` bytes after each ``signature``."""
    data = bytearray(content)
    at = data.find(signature)
    while at >= 0:
        data[at + offset:at + offset + len(value)] = value
        at = data.find(signature, at + 4)
    return bytes(data)


def encrypted() -> bytes:
    content = zipped([("main.py", MAIN)])
    return patched(patched(content, b"PK\x01\x02", 8, b"\x01\x00"), b"PK\x03\x04", 6, b"\x01\x00")


def overlapping() -> bytes:
    """A directory that names the same compressed bytes again and again."""
    content = zipped([("main.py", MAIN)])
    start, end = content.index(b"PK\x01\x02"), content.index(b"PK\x05\x06")
    record = content[start:end]
    directory = b"".join(record.replace(b"main.py", b"mai%d.py" % index) for index in range(5))
    tail = bytearray(content[end:])
    struct.pack_into("<HHI", tail, 8, 5, 5, len(directory))
    return content[:start] + directory + bytes(tail)


def lying_size() -> bytes:
    """More content than the directory admits."""
    return patched(zipped([("main.py", b"x" * 5000)]), b"PK\x01\x02", 24, struct.pack("<I", 100))


def damaged() -> bytes:
    content = zipped([("main.py", bytes(range(256)) * 40)], zipfile.ZIP_STORED)
    return content.replace(bytes(range(100, 110)), b"0123456789", 1)


def zip64() -> bytes:
    content = zipped([("main.py", MAIN)])
    end = content.index(b"PK\x05\x06")
    return content[:end] + b"PK\x06\x07" + bytes(16) + content[end:]


def with_manifest(text: str) -> bytes:
    return zipped([("main.py", MAIN), ("rpa.toml", text.encode())])


BAD: list[tuple[str, Callable[[], bytes], str, str]] = [
    ("not a zip", lambda: b"hello, world" * 10, "10007", "zip"),
    ("truncated", lambda: zipped([("main.py", MAIN)])[:-10], "10007", "zip"),
    ("directory misplaced", lambda: patched(zipped([("main.py", MAIN)]), b"PK\x05\x06", 16, b"\xff\xff\xff\x7f"), "10007", "损坏"),
    ("no files", lambda: zipped([]), "10007", "没有文件"),
    ("no entry", lambda: zipped([("readme.txt", b"x")]), "10007", "没有入口"),
    ("parent folder", lambda: zipped([("main.py", MAIN), ("../evil.py", MAIN)]), "10007", "不安全"),
    ("parent folder inside", lambda: zipped([("main.py", MAIN), ("a/../../evil.py", MAIN)]), "10007", "不安全"),
    ("absolute path", lambda: zipped([("main.py", MAIN), ("/etc/evil", MAIN)]), "10007", "不安全"),
    ("drive letter", lambda: zipped([("main.py", MAIN), ("C:evil.py", MAIN)]), "10007", "不安全"),
    ("backslash", lambda: zipped([("main.py", MAIN), ("..\\evil.py", MAIN)]), "10007", "不安全"),
    ("control character", lambda: zipped([("main.py", MAIN), ("a\nb.py", MAIN)]), "10007", "不安全"),
    ("long name", lambda: zipped([("main.py", MAIN), ("名" * 90, MAIN)]), "10007", "过长"),
    ("symbolic link", lambda: zipped([("main.py", MAIN), (entry("link", stat.S_IFLNK | 0o777), b"/etc/passwd")]), "10007", "符号链接"),
    ("device", lambda: zipped([("main.py", MAIN), (entry("null", stat.S_IFCHR | 0o666), b"")]), "10007", "符号链接"),
    ("encrypted", encrypted, "10007", "加密"),
    ("other compression", lambda: zipped([("main.py", MAIN)], zipfile.ZIP_LZMA), "10007", "deflate"),
    ("file and folder of one name", lambda: zipped([("main.py", MAIN), ("a", MAIN), ("a/b.py", MAIN)]), "10007", "重名"),
    ("overlapping entries", overlapping, "10505", "重叠"),
    ("size in the header too small", lying_size, "10007", "损坏"),
    ("damaged content", damaged, "10007", "损坏"),
    ("zip64", zip64, "10007", "Zip64"),
    ("manifest is no TOML", lambda: with_manifest("kind = "), "10007", "TOML"),
    ("manifest in GBK", lambda: zipped([("main.py", MAIN), ("rpa.toml", f"# 说明\n{MANIFEST_HEAD}".encode("gbk"))]), "10007", "TOML"),
    ("manifest without kind", lambda: with_manifest('entry = "main.py"'), "10007", "kind"),
    ("manifest of unknown kind", lambda: with_manifest('kind = "perl"\nentry = "main.py"'), "10007", "kind"),
    ("manifest without entry", lambda: with_manifest('kind = "python"'), "10007", "entry"),
    ("entry missing from the package", lambda: with_manifest('kind = "python"\nentry = "other.py"'), "10007", "不存在"),
    ("entry outside the package", lambda: with_manifest('kind = "command"\nentry = "../../bin/sh"'), "10007", "相对路径"),
    ("absolute entry", lambda: with_manifest('kind = "command"\nentry = "/bin/sh"'), "10007", "相对路径"),
    ("misspelt key", lambda: with_manifest(MANIFEST_HEAD + 'argument = ["x"]'), "10007", "argument"),
    ("desktop that is no truth value", lambda: with_manifest(MANIFEST_HEAD + 'desktop = "yes"'), "10007", "desktop"),
    ("arguments that are no texts", lambda: with_manifest(MANIFEST_HEAD + "arguments = [1]"), "10007", "arguments"),
    ("parameter default that is a list", lambda: with_manifest(MANIFEST_HEAD + "[parameters]\na = [1]"), "10007", "默认值"),
    ("unknown key of a parameter", lambda: with_manifest(MANIFEST_HEAD + "[parameters.a]\ntype = 'int'"), "10007", "参数 a"),
]


@pytest.mark.parametrize(("make", "code", "word"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_bad_package_is_refused_with_a_reason(make: Callable[[], bytes], code: str, word: str) -> None:
    with pytest.raises(HubError) as caught:
        create(make())
    assert str(caught.value.code) == code
    assert word in caught.value.reason


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_duplicate_names_are_refused() -> None:
    with pytest.raises(InvalidInput, match="重名"):
        create(zipped([("main.py", MAIN), ("main.py", b"import os")]))


@pytest.mark.parametrize(
    ("limits", "word"),
    [({"max_package": 100}, "不能超过 100 字节"), ({"max_unpacked": 1000}, "过大"), ({"max_entries": 3}, "不能超过 3 个")],
)
def test_limits_are_obeyed(limits: dict[str, int], word: str) -> None:
    content = zipped([("main.py", MAIN), ("data.csv", b"1,2,3\n" * 500), ("a", b"a"), ("b", b"b")])
    create(content)
    with pytest.raises(HubError, match=word) as caught:
        create(content, **limits)
    assert str(caught.value.code) == "10505"


def test_total_of_many_small_files_is_limited() -> None:
    content = zipped([("main.py", MAIN)] + [(f"d{index}", b"x" * 900) for index in range(10)])
    with pytest.raises(InvalidInput, match="解压后不能超过 5000 字节"):
        create(content, max_unpacked=5000)


def test_bomb_is_recognised_by_its_ratio() -> None:
    content = zipped([("main.py", MAIN), ("zeros", bytes(80 << 20))])
    with pytest.raises(InvalidInput, match="压缩炸弹"):
        create(content)


def test_size_that_the_upload_denies_is_counted() -> None:
    content = zipped([("main.py", b"x" * 5000)], zipfile.ZIP_STORED)
    lying = FileContent("p.zip", 10, lambda: io.BytesIO(content))
    with pytest.raises(InvalidInput, match="不能超过"):
        package_create(Context(Connection("native", "native")), {"package": lying, "limits": {"max_package": 1000}})


def test_empty_upload_is_named_as_empty() -> None:
    with pytest.raises(InvalidInput) as caught:
        create(b"")
    assert str(caught.value.code) == "10005"


@pytest.mark.parametrize(
    "names",
    [["main.py"], ["suite.robot"], ["tasks.py"], ["suites/a.robot", "lib/x.py"], ["top/main.py", "top/x.py"], ["__MACOSX/x", "p/main.py"]],
)
def test_every_kind_of_package_is_taken(names: list[str]) -> None:
    content = zipped([(name, MAIN) for name in names])
    assert create(content) == {"packageId": hashlib.sha256(content).hexdigest()}


def test_manifest_may_name_folder_and_command() -> None:
    create(zipped([("flow/a.robot", MAIN), ("rpa.toml", b'kind = "robot"\nentry = "flow"')]))
    create(zipped([("run.sh", b"#!/bin/sh"), ("rpa.toml", b'kind = "command"\nentry = "run.sh"\n[parameters]\nday = "2025-01-02"')]))
    create(zipped([("x.jar", b""), ("rpa.toml", b'kind = "command"\nentry = "java"\narguments = ["-jar", "x.jar"]')]))


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_chinese_names_without_the_utf8_flag_are_read(encoding: str, tmp_path: Path) -> None:
    stream = io.BytesIO(_without_utf8_flag([("流程/对账.csv".encode(encoding), b"1"), ("流程/main.py".encode(encoding), MAIN)]))
    archive = Archive(stream, Limits())
    archive.unpack(tmp_path)
    assert (tmp_path / "对账.csv").read_bytes() == b"1"
    assert (tmp_path / "main.py").read_bytes() == MAIN


def _without_utf8_flag(entries: list[tuple[bytes, bytes]]) -> bytes:
    """A zip file with names as raw bytes: written under ASCII names of the same length, which are then replaced."""
    stand_ins = [(chr(ord("a") + index) * len(name), content) for index, (name, content) in enumerate(entries)]
    content = zipped(list(stand_ins), zipfile.ZIP_STORED)
    for (name, _), (stand_in, _) in zip(entries, stand_ins, strict=True):
        content = content.replace(stand_in.encode(), name)
    return content


def test_executable_bit_survives_and_nothing_else_of_the_mode(tmp_path: Path) -> None:
    content = zipped([("main.py", MAIN), (entry("run.sh", stat.S_IFREG | 0o4777), b"#!/bin/sh")])
    Archive(io.BytesIO(content), Limits()).unpack(tmp_path)
    assert stat.S_IMODE((tmp_path / "run.sh").stat().st_mode) == 0o755
    assert not (tmp_path / "main.py").stat().st_mode & 0o111


def test_refused_package_leaves_nothing_outside_its_folder(tmp_path: Path) -> None:
    target = tmp_path / "in"
    target.mkdir()
    with pytest.raises(InvalidInput):
        Archive(io.BytesIO(zipped([("main.py", MAIN), ("../out.py", MAIN)])), Limits()).unpack(target)
    assert not (tmp_path / "out.py").exists()
    assert list(target.iterdir()) == []


def test_single_top_folder_is_left_out() -> None:
    archive = Archive(io.BytesIO(zipped([("对账/main.py", MAIN), ("对账/lib/x.py", MAIN)])), Limits())
    assert set(archive.files) == {PurePosixPath("main.py"), PurePosixPath("lib/x.py")}


def test_damage_anywhere_gives_a_reason_and_never_another_error() -> None:
    content = zipped([("main.py", MAIN * 20), ("数据/a.csv", b"1,2\n" * 50), ("rpa.toml", MANIFEST_HEAD.encode())])
    chance = random.Random(7)
    refused = 0
    for _ in range(600):
        data = bytearray(content)
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        try:
            create(bytes(data[: chance.choice((len(data), chance.randrange(len(data))))]))
        except InvalidInput as error:
            refused += 1
            assert error.reason
    assert refused > 400
