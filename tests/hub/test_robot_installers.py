"""The repository of robot installers."""
from __future__ import annotations

import base64
import hashlib

import pytest
from flask import Flask
from sqlalchemy import update

from config.settings import Settings
from hub import rights
from hub.app import create_app
from hub.core import Hub
from hub.models import RobotInstaller
from hub.serving import full_catalogue
from tests.hub.conftest import Api

CONTENT = b"\x7fELF installer" * 1000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def app(settings: Settings) -> Flask:
    """The web application over the same data."""
    return create_app(settings)


def upload(api: Api, version: str = "1.0.0", **changes: str) -> dict[str, object]:
    given = {"installerName": "金智维机器人", "installerVersion": version, "system": "windows-x86_64"}
    file = {"name": f"robot-{version}.exe", "content": base64.b64encode(CONTENT).decode()}
    return api("robot_installer_upload", file=file, **{**given, **changes})


def test_an_installer_is_fetched_as_it_was_uploaded(api: Api, app: Flask, hub: Hub) -> None:
    made = upload(api, digest=DIGEST.upper(), remark="首版")
    assert (made["digest"], made["size"]) == (DIGEST, len(CONTENT))
    [row] = api("robot_installer_list", keyword="首版")["installers"]
    assert (row["fileName"], row["uploader"], row["isDeleted"]) == ("robot-1.0.0.exe", "admin", False)
    answer = app.test_client().get(row["url"].removeprefix("http://hub.test"))
    assert answer.status_code == 200 and answer.data == CONTENT
    assert answer.headers["Content-Disposition"].endswith("robot-1.0.0.exe")
    assert CONTENT not in b"".join(path.read_bytes() for path in (hub.settings.data / "files").rglob("*") if path.is_file())


def test_a_version_is_there_once_for_each_system(api: Api) -> None:
    upload(api)
    assert api.code("robot_installer_upload", installerName="金智维机器人", installerVersion="1.0.0", system="windows-x86_64", file="QQ==") == "10502"
    upload(api, system="linux-x86_64")
    upload(api, version="1.0.1")
    assert api("robot_installer_list", system="windows-x86_64")["total"] == 2


def test_a_wrong_digest_stores_nothing(api: Api, hub: Hub) -> None:
    given = {"installerName": "x", "installerVersion": "1", "digest": "0" * 64, "file": base64.b64encode(CONTENT).decode()}
    assert api.code("robot_installer_upload", **given) == "10007"
    assert api("robot_installer_list")["total"] == 0
    assert not [path for path in (hub.settings.data / "files").rglob("*") if path.is_file()]


def test_a_deleted_installer_is_gone_and_its_addresses_with_it(api: Api, app: Flask) -> None:
    key = upload(api)["installerId"]
    url = api("robot_installer_list")["installers"][0]["url"].removeprefix("http://hub.test")
    api("robot_installer_delete", installerId=key)
    assert api("robot_installer_list")["installers"] == []
    assert app.test_client().get(url).status_code == 404
    assert api.code("robot_installer_delete", installerId=key) == "10501"
    assert upload(api)["installerId"] != key


def test_a_changed_content_is_not_handed_out(api: Api, app: Flask, hub: Hub) -> None:
    upload(api)
    with hub.db.write() as session:
        session.execute(update(RobotInstaller).values(blob="0" * 32))
    url = api("robot_installer_list")["installers"][0]["url"].removeprefix("http://hub.test")
    assert app.test_client().get(url).status_code == 404


def test_operators_read_installers_and_administrators_put_them_there() -> None:
    operator = rights.builtin_roles(full_catalogue())[rights.OPERATOR]
    assert "robot-installer:list" in operator
    assert not {"robot-installer:upload", "robot-installer:delete"} & set(operator)
