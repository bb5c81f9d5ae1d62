"""Files: folders, versions, passwords, and what lies on the disk."""
from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest

from hub.app import create_app
from plugins.errors import HubError

CONTENT = b"a sheet of secret trades " * 100_000  # 2.4 MB: three pieces


@pytest.fixture
def file_id(api):
    return api("file_create", depId=1, folderPath="日报//2026/./", fileName="a.xlsx", file=base64.b64encode(CONTENT).decode())["fileId"]


def download(api, file_id, **params):
    url = api("file_query", fileId=file_id, **params)["url"]
    client = create_app(api.dispatcher.hub.settings).test_client()
    return client.get(url.removeprefix("http://hub.test")), client


def test_a_file_comes_back_as_it_was_sent(api, file_id):
    response, _ = download(api, file_id)
    assert response.status_code == 200
    assert response.data == CONTENT
    assert api("file_query", fileId=file_id)["folderPath"] == "/日报/2026"


def test_a_part_of_a_file_can_be_asked_for(api, file_id):
    url = api("file_query", fileId=file_id)["url"].removeprefix("http://hub.test")
    client = create_app(api.dispatcher.hub.settings).test_client()
    response = client.get(url, headers={"Range": "bytes=1048570-1048585"})
    assert response.status_code == 206
    assert response.data == CONTENT[1048570:1048586]


def test_contents_are_encrypted_on_the_disk(api, file_id):
    blobs = [path for path in Path(api.dispatcher.hub.settings.data / "files").rglob("*") if path.is_file()]
    assert len(blobs) == 1
    assert b"secret trades" not in blobs[0].read_bytes()
    assert blobs[0].stat().st_size > len(CONTENT)


@pytest.mark.parametrize("change", ["flip", "cut", "swap"])
def test_a_changed_blob_does_not_open(api, file_id, change):
    blob = next(path for path in Path(api.dispatcher.hub.settings.data / "files").rglob("*") if path.is_file())
    content = bytearray(blob.read_bytes())
    piece = (1 << 20) + 16
    if change == "flip":
        content[-1] ^= 1
    elif change == "cut":
        del content[8 + 2 * piece :]
    else:
        content[8 : 8 + piece], content[8 + piece : 8 + 2 * piece] = content[8 + piece : 8 + 2 * piece], content[8 : 8 + piece]
    blob.write_bytes(content)
    with pytest.raises(HubError, match="已损坏"):
        _ = download(api, file_id)[0].data


def test_a_name_stands_once_in_a_folder(api, file_id):
    again = {"depId": 1, "folderPath": "/日报/2026", "fileName": "a.xlsx", "file": base64.b64encode(b"x").decode()}
    assert api.code("file_create", **again) == "10201"
    other = api("file_create", **{**again, "folderPath": "/"})["fileId"]
    assert api.code("file_update", fileId=other, folderPath="/日报/2026") == "10201"
    api("file_delete", fileId=file_id)
    api("file_update", fileId=other, folderPath="/日报/2026")


def test_new_content_is_a_new_version_of_the_same_file(api, file_id):
    api("file_update", fileId=file_id, file=base64.b64encode(b"second").decode())
    assert api("file_query", fileId=file_id)["version"] == 2
    assert download(api, file_id)[0].data == b"second"


@pytest.mark.parametrize("path", ["../x", "/a/../b", "C:/x", "c:\\x", "/a\x00b", "/a\nb", "/" + "a/" * 40])
def test_a_path_that_leaves_its_place_is_refused(api, path):
    assert api.code("file_create", depId=1, folderPath=path, fileName="a", file=base64.b64encode(b"x").decode()) == "10007"


@pytest.mark.parametrize("name", ["..", "a/b", "a\\b", "a\tb"])
def test_a_name_that_is_a_path_is_refused(api, name):
    assert api.code("file_create", depId=1, folderPath="/", fileName=name, file=base64.b64encode(b"x").decode()) == "10007"


def test_a_guarded_file_shows_itself_but_no_address_without_its_password(api):
    file = base64.b64encode(b"x").decode()
    guarded = api("file_create", depId=1, folderPath="/", fileName="g", filePassword="open sesame", file=file)["fileId"]
    shown = api("file_query", fileId=guarded)
    assert (shown["fileName"], shown["url"], shown["isProtected"]) == ("g", "", True)
    assert api.code("file_query", fileId=guarded, filePassword="wrong") == "10203"
    assert download(api, guarded, filePassword="open sesame")[0].data == b"x"
    assert api.code("file_update", fileId=guarded, fileName="h") == "10203"
    api("file_update", fileId=guarded, filePassword="open sesame", newFilePassword="")
    assert api("file_query", fileId=guarded)["url"]


def test_a_forged_or_foreign_address_gives_nothing(api, file_id):
    client = create_app(api.dispatcher.hub.settings).test_client()
    for address in (f"/api/ext/file/download/{file_id}", f"/api/ext/file/download/{file_id}?sign=9999999999.{os.urandom(8).hex()}"):
        response = client.get(address)
        assert response.status_code == 403
        assert response.get_json()["resultCode"] == "30001"
    other = api("file_create", depId=1, folderPath="/", fileName="b", file=base64.b64encode(b"x").decode())["fileId"]
    url = api("file_query", fileId=other)["url"].removeprefix("http://hub.test")
    assert client.get(url.replace(f"/{other}?", f"/{file_id}?")).status_code == 403


def test_files_of_another_department_are_not_found(api, file_id):
    mine = api("department_create", depName="one", parentId=1)["depId"]
    other = api.within(mine)
    assert other.code("file_query", fileId=file_id) == "10501"
    assert other.code("file_update", fileId=file_id, fileName="z") == "10501"
    assert other.code("file_delete", fileId=file_id) == "10501"
    assert other("file_list")["files"] == []
