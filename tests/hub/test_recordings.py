"""Recordings as evidence: stored once, encrypted, signed; whatever was changed is found."""
from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from config.settings import Settings
from hub import rights
from hub.app import create_app
from hub.core import Hub
from hub.models import AuditEntry, Recording, Robot, SigningKey, Task
from hub.parts import plan_of
from hub.redis_server import RedisServer
from hub.reseal import reseal
from hub.screens import evidence, recordings
from hub.screens.desktop import Ticket, address_of, announce, issue, take
from hub.serving import full_catalogue
from hub.tasks.screen import Screen, State, state_of, watch
from hub.vault import key_file
from plugins.errors import HubError
from tests.hub.conftest import Api
from tests.hub.services import making


@pytest.fixture
def task_id(api: Api) -> int:
    group = api("robot_group_list")["robotGroups"][0]["robotGroupId"]
    return making.tasks(api, making.process(api, 1, group))[0]


def blobs(hub: Hub) -> list[Path]:
    return [path for path in (hub.settings.data / "files").rglob("*") if path.is_file()]


def test_a_recording_is_stored_encrypted_and_says_what_it_shows(api: Api, hub: Hub, task_id: int) -> None:
    key = making.recording(hub, task_id)
    assert not any(b"a film" in path.read_bytes() for path in blobs(hub))
    assert api("task_query", taskId=task_id)["recordFileIds"] == [key]
    assert [row["recordFileIds"] for row in api("task_list")["tasks"]] == [[key]]
    with hub.db.read() as session:
        row = session.get_one(Recording, key)
    assert row.manifest is not None
    assert row.manifest["operator"] == "admin" and row.manifest["startTime"] == "2026-03-02T09:00:00.000+00:00"
    assert (row.manifest["size"], row.manifest["sha256"], row.manifest["taskId"]) == (len(making.FILM), row.digest, task_id)
    assert len(row.manifest["sm3"]) == 64 and row.manifest["display"]["width"] == 1280
    assert api("recording_verify", recordFileId=key) == {"isGenuine": True, "problem": ""}


def test_sm3_is_that_of_the_standard() -> None:
    """GB/T 32905, example 1."""
    assert evidence.digests_of([b"a", b"bc"])["sm3"] == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"


def test_one_changed_byte_is_found(api: Api, hub: Hub, task_id: int) -> None:
    key = making.recording(hub, task_id)
    [blob] = blobs(hub)
    content = bytearray(blob.read_bytes())
    content[len(content) // 2] ^= 1
    blob.write_bytes(content)
    assert api("recording_verify", recordFileId=key)["isGenuine"] is False
    with hub.db.read() as session:
        subjects = [entry.subject for entry in session.scalars(select(AuditEntry).where(AuditEntry.operation == "recording_verify"))]
    assert [each["isGenuine"] for each in subjects] == [False]


def test_a_film_put_in_the_place_of_another_is_found(api: Api, hub: Hub, task_id: int) -> None:
    first, second = making.recording(hub, task_id), making.recording(hub, task_id, content=b"another film" * 100)
    with hub.db.write() as session:
        other = session.get_one(Recording, second)
        values = {"blob": other.blob, "sealed_key": other.sealed_key, "digest": other.digest, "size": other.size}
        session.execute(update(Recording).where(Recording.id == first).values(values))
    assert "内容已被改动" in api("recording_verify", recordFileId=first)["problem"]
    with hub.db.write() as session:
        session.execute(update(Recording).where(Recording.id == first).values(manifest=other.manifest, signature=other.signature))
    assert api("recording_verify", recordFileId=first)["problem"] == "清单属于另一个录屏"


def test_a_changed_manifest_is_found(api: Api, hub: Hub, task_id: int) -> None:
    key = making.recording(hub, task_id)
    with hub.db.write() as session:
        row = session.get_one(Recording, key)
        row.manifest = {**(row.manifest or {}), "operator": "somebody else"}
    assert "签名不正确" in api("recording_verify", recordFileId=key)["problem"]


def test_what_is_handed_in_twice_is_stored_once(hub: Hub, task_id: int) -> None:
    assert making.recording(hub, task_id, "run-1") == making.recording(hub, task_id, "run-1")
    assert making.recording(hub, task_id, "run-2") != making.recording(hub, task_id, "run-1")
    assert len(blobs(hub)) == 2


def test_a_recording_that_cannot_be_stored_leaves_nothing(hub: Hub, task_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Session) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Session, "flush", full)
    with pytest.raises(OSError, match="No space"):
        making.recording(hub, task_id)
    assert not blobs(hub)


def test_the_signing_key_is_sealed_and_sealed_anew_with_a_new_master_key(api: Api, hub: Hub, settings: Settings, task_id: int) -> None:
    key = making.recording(hub, task_id)
    with hub.db.read() as session:
        [before] = session.scalars(select(SigningKey))
    assert before.sealed_private_key.startswith("v2:")
    key_file(settings).add()
    assert reseal(hub) >= 2
    with hub.db.read() as session:
        [after] = session.scalars(select(SigningKey))
    assert after.sealed_private_key.startswith(hub.vault.prefix) and after.public_key == before.public_key
    assert api("recording_verify", recordFileId=key)["isGenuine"]
    assert api("recording_public_key")["key"] == after.name == api("recording_public_key", key=after.name)["key"]
    assert api.code("recording_public_key", key="0" * 16) == "10501"


def test_a_manifest_is_checked_without_the_hub(api: Api, hub: Hub, task_id: int, tmp_path: Path) -> None:
    given = api("recording_download", recordFileId=making.recording(hub, task_id))
    film, manifest = tmp_path / "film", tmp_path / "manifest"
    film.write_bytes(making.FILM)
    manifest.write_text(given["manifest"], "utf-8")
    key = api("recording_public_key")["publicKey"]

    def check(public: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "hub.cli", "recording", "verify", str(film), str(manifest), "--key", public]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])

    assert check(key).returncode == 0
    stranger = base64.b64encode(bytes([9]) + bytes(31)).decode()
    assert check(stranger).returncode == 1
    assert check("nonsense").returncode == 2
    envelope = json.loads(given["manifest"])
    manifest.write_text(json.dumps({**envelope, "payload": envelope["payload"][:-8] + "AAAAAAA="}))
    assert "false" in check(key).stdout
    manifest.write_text(given["manifest"], "utf-8")
    film.write_bytes(making.FILM[:-1])
    assert "size" in check(key).stdout


def test_a_download_that_cannot_be_noted_is_not_given(api: Api, hub: Hub, settings: Settings, task_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    url = api("recording_download", recordFileId=making.recording(hub, task_id))["url"].removeprefix("http://hub.test")
    client = create_app(settings).test_client()
    assert client.get(url).data == making.FILM
    assert client.get(url.replace("&by=admin", "")).status_code == 403
    monkeypatch.setattr("hub.api.downloads.AuditEntry", None)
    assert client.get(url).status_code == 500


def test_recordings_follow_the_departments_of_their_tasks(api: Api, hub: Hub, task_id: int) -> None:
    key = making.recording(hub, task_id)
    stranger = api.within(making.department(api))
    assert stranger("recording_list")["recordings"] == []
    assert {stranger.code(name, recordFileId=key) for name in ("recording_download", "recording_verify")} == {"10501"}
    assert [row["recordFileId"] for row in api("recording_list", taskId=task_id)["recordings"]] == [key]


def test_only_who_may_takes_the_keyboard() -> None:
    roles = rights.builtin_roles(full_catalogue())
    assert "robot:remote-desktop" in roles[rights.OPERATOR] and "robot:remote-control" not in roles[rights.OPERATOR]
    assert "recording:list" in roles[rights.READER] and not {"recording:start", "live:open", "robot:remote-desktop"} & set(roles[rights.READER])


def start(hub: Hub, task_id: int) -> str:
    """Have the hub believe that the task runs."""
    with hub.db.write() as session:
        task = session.get_one(Task, task_id)
        robot = session.scalars(select(Robot).order_by(Robot.id.desc())).first()
        assert robot is not None
        task.state, task.run_key, task.robot_id, robot.task_id = "running", f"run-{task_id}", robot.id, task_id
    return f"run-{task_id}"


def test_a_view_is_open_for_a_running_task_only_and_until_it_is_closed(api: Api, hub: Hub, task_id: int, redis_server: RedisServer) -> None:
    assert api.code("live_open", taskId=task_id) == "10504"
    assert api.code("recording_start", taskId=task_id) == "10504"
    run_key = start(hub, task_id)
    assert api("live_open", taskId=task_id)["framesUrl"] == ""
    assert api.code("recording_start", taskId=task_id) == "11001"
    Screen(hub, task_id, run_key).tell(State(True, False))
    view = api("live_open", taskId=task_id)
    assert view["hasDisplay"] and view["framesUrl"].startswith(f"http://hub.test/api/ext/live/frames/{view['liveId']}?sign=")
    stranger = api.within(making.department(api))
    assert stranger.code("live_close", liveId=view["liveId"]) == "10501"
    api("live_close", liveId=view["liveId"])
    assert api.code("live_close", liveId=view["liveId"]) == "10501"


def test_a_run_takes_pictures_only_while_somebody_watches(hub: Hub, task_id: int, redis_server: RedisServer) -> None:
    screen = Screen(hub, task_id, "run")
    assert not screen.is_watched() and state_of(hub, "run").reason
    assert watch(hub, "run") is None
    other = Screen(hub, task_id, "run")
    assert other.is_watched()
    other.show(b"picture")
    assert watch(hub, "run") == b"picture"


def test_without_redis_nobody_watches_and_the_run_goes_on(hub: Hub, api: Api, task_id: int) -> None:
    screen = Screen(hub, task_id, "run")
    screen.tell(State(True, True))
    assert not screen.is_watched()
    screen.show(b"picture")
    start(hub, task_id)
    assert api.code("live_open", taskId=task_id) == "20001"


def test_a_ticket_is_good_once(hub: Hub, redis_server: RedisServer) -> None:
    ticket = Ticket(1, 2, "run", 3, 4, "admin", "10.0.0.1", "trace", False)
    secret = issue(hub, ticket)
    assert take(hub, secret) == ticket and take(hub, secret) is None
    assert not any(secret.encode() in key for key in hub.redis.keys("*")), "its secret is not kept"


def test_a_remote_desktop_is_refused_with_the_reason(api: Api, hub: Hub, task_id: int, redis_server: RedisServer) -> None:
    run_key = start(hub, task_id)
    with hub.db.read() as session:
        robot_id = session.get_one(Task, task_id).robot_id
    assert api.code("robot_remote_desktop", robotId=robot_id) == "11001"
    Screen(hub, task_id, run_key).tell(State(True, False))
    answer = api.answer("robot_remote_desktop", robotId=robot_id)
    assert answer.code.value == "20102" and "desktop_enabled" in answer.message and "x11vnc" in answer.message


def test_remote_desktops_are_reached_where_the_hub_is_unless_told_otherwise(
    hub: Hub, redis_server: RedisServer, settings: Settings
) -> None:
    assert address_of(hub, "m", "http://hub.example:8000/") is None
    announce(hub, "m")
    assert address_of(hub, "m", "http://hub.example:8000/") == "http://hub.example:8002"
    announce(Hub(settings.model_copy(update={"desktop_url": "https://desktop.example/"})), "m")
    assert address_of(hub, "m", "http://hub.example:8000/") == "https://desktop.example"


def test_recordings_of_killed_runs_do_not_keep_a_robot_from_starting(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> dict[str, object]:
        raise HubError("nothing works")

    monkeypatch.setattr("hub.connections.ask", broken)
    recordings.hand_in_left(hub, 1)


def test_remote_desktops_are_a_part_only_where_they_are_wanted_and_possible(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = settings.model_copy(update={"desktop_enabled": True})

    def names(given: Settings) -> set[str]:
        return {part.name for part in plan_of(given).parts}

    monkeypatch.setattr("hub.screens.desktop.missing", lambda: "")
    assert "desktop" in names(wanted) and "desktop" not in names(settings)
    monkeypatch.setattr("hub.screens.desktop.missing", lambda: "x11vnc is not there")
    assert "desktop" not in names(wanted)
