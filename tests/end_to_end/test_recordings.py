"""Recordings, live views and remote desktops on the running hub, with real displays and films."""
from __future__ import annotations

import base64
import hashlib
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psutil
import pytest

from tests.end_to_end.client import Client, assert_envelope, until
from tests.end_to_end.hub_process import HubProcess, clean_environment, program

pytestmark = pytest.mark.skipif(not all(map(shutil.which, ("Xvfb", "ffmpeg", "ffprobe"))), reason="no Xvfb or ffmpeg here: apt-get install xvfb ffmpeg")

needs_desktop = pytest.mark.skipif(
    shutil.which("x11vnc") is None or find_spec("websockify") is None or find_spec("novnc") is None,
    reason="no remote desktops here: pip install 'rpahub[desktop]', apt-get install x11vnc",
)

WAITING = """
import os, time
from rpa_task import report_step
report_step("核对余额")
print("begun in", os.getcwd(), "on", os.environ.get("DISPLAY"), flush=True)
while not os.path.exists("done"):
    time.sleep(0.05)
print("going", flush=True)
"""
EXT = "/api/ext"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def filming(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """A hub of its own, with a robot that has a desktop and one that has none."""
    settings = {"desktop_enabled": "true", "desktop_port": free_port(), "recording_fps": 10, "live_streams": 2}
    process = HubProcess(tmp_path_factory.mktemp("filming") / "data", **settings)
    with process:
        yield process
        status = process.stop()
    assert status == 0, process.said()
    assert not displays(process.data), "no display outlives its hub"


def displays(data: Path) -> list[psutil.Process]:
    found = []
    for each in psutil.process_iter():
        try:
            if each.environ().get("RPA_RUN_ID", "").startswith("display-") and str(data) in " ".join([*each.cmdline(), *each.environ().values()]):
                found.append(each)
        except (psutil.Error, OSError):
            continue
    return found


@pytest.fixture(scope="module")
def boss(filming: HubProcess) -> Client:
    return filming.admin()


@pytest.fixture(scope="module")
def robots(boss: Client) -> list[int]:
    """The first has a desktop of 640 by 480, the second none."""
    found = sorted(each["robotId"] for each in boss.robots())
    boss.call("robot/update", {"robotId": found[0], "resolutionWidth": 640, "resolutionHeight": 480, "resolutionDepth": 24})
    boss.online(found)
    return found


@pytest.fixture(scope="module")
def waiting(boss: Client, robots: list[int]) -> int:
    group = boss.call("robot-group/list")["robotGroups"][0]["robotGroupId"]
    return boss.make_process(WAITING, group_id=group)


class Going:
    """A task that goes on until it is let go."""

    def __init__(self, boss: Client, process_id: int, robot_id: int, **params: Any) -> None:
        self.boss = boss
        [self.task_id] = boss.start(process_id, robotIds=[robot_id], **params)
        until(lambda: any("begun in" in line for line in boss.log(self.task_id)), 60, "the task to begin")

    def let_go(self) -> dict[str, Any]:
        line = next(line for line in self.boss.log(self.task_id) if "begun in" in line)
        Path(line.split()[2], "done").touch()
        return self.boss.ended([self.task_id])[0]


def fetched(boss: Client, url: str, headers: dict[str, str] | None = None) -> Any:
    parts = urlsplit(url)
    return boss.send("GET", f"{parts.path}?{parts.query}", headers=headers)


def audit(boss: Client, operation: str, count: int = 1) -> list[dict[str, Any]]:
    return until(
        lambda: found if len(found := boss.call(f"{EXT}/audit-log/list", {"operation": operation, "limit": 1000})["entries"]) >= count else None,
        10, f"{count} audit entries of {operation}",
    )


def test_a_recorded_task_leaves_a_film_that_proves_itself(filming: HubProcess, boss: Client, waiting: int, robots: list[int], tmp_path: Path) -> None:
    going = Going(boss, waiting, robots[1], isRecord=True)
    ended = going.let_go()
    assert ended["taskState"] == "succeeded" and len(ended["recordFileIds"]) == 1, boss.log(going.task_id)
    assert next(row for row in boss.call("task/list", {"pageSize": 1000})["tasks"] if row["taskId"] == going.task_id)["recordFileIds"] == ended["recordFileIds"]

    [shown] = boss.call("video/query", {"taskId": going.task_id})["recordFileInfos"]
    reply = fetched(boss, shown["url"])
    assert reply.status == 200 and reply.headers["content-type"] == "video/mp4"
    assert hashlib.sha256(reply.body).hexdigest() == shown["digest"]
    film = tmp_path / "film.mp4"
    film.write_bytes(reply.body)
    probed = subprocess.run(
        ["ffprobe", "-v", "error", "-show_entries", "stream=width,height", "-of", "csv=p=0", str(film)], capture_output=True, text=True, check=True
    )
    assert probed.stdout.strip() == "1280,720"
    stored = [path for path in (filming.data / "files").rglob("*") if path.is_file()]
    assert stored and not any(b"ftypisom" in path.read_bytes() for path in stored), "encrypted at rest"

    given = boss.call(f"{EXT}/recording/download", {"recordFileId": ended["recordFileIds"][0]})
    manifest = tmp_path / "film.json"
    manifest.write_text(given["manifest"], encoding="utf-8")
    said = json.loads(base64.b64decode(json.loads(given["manifest"])["payload"]))
    assert (said["taskId"], said["operator"], said["robotId"], said["sha256"]) == (going.task_id, "admin", robots[1], shown["digest"])
    assert boss.call(f"{EXT}/recording/verify", {"recordFileId": shown["recordFileId"]}) == {"isGenuine": True, "problem": ""}

    key = tmp_path / "key.pem"
    key.write_text(boss.call(f"{EXT}/recording/public-key")["publicKeyPem"])
    check = [*program("rpahub"), "recording", "verify", str(film), str(manifest), "--key", str(key)]
    environment = {**clean_environment(data=tmp_path / "nowhere"), "PYTHONPATH": os.getcwd()}
    right = subprocess.run(check, capture_output=True, text=True, env=environment, check=False)
    assert right.returncode == 0 and "genuine" in right.stdout, right.stdout + right.stderr
    changed = bytearray(reply.body)
    changed[len(changed) // 2] ^= 1
    film.write_bytes(changed)
    wrong = subprocess.run(check, capture_output=True, text=True, env=environment, check=False)
    assert wrong.returncode == 1 and "sha256" in wrong.stdout


def test_openssl_alone_can_check_a_manifest(boss: Client, waiting: int, robots: list[int], tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl here")
    ended = Going(boss, waiting, robots[1], isRecord=True).let_go()
    envelope = json.loads(boss.call(f"{EXT}/recording/download", {"recordFileId": ended["recordFileIds"][0]})["manifest"])
    for name in ("payload", "signature"):
        (tmp_path / name).write_bytes(base64.b64decode(envelope[name]))
    (tmp_path / "key.pem").write_text(boss.call(f"{EXT}/recording/public-key")["publicKeyPem"])
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "key.pem", "-rawin", "-in", "payload", "-sigfile", "signature"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 0
    (tmp_path / "payload").write_bytes((tmp_path / "payload").read_bytes().replace(b"admin", b"nimda"))
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode != 0


def test_each_use_of_an_address_stands_in_the_audit_log(boss: Client, waiting: int, robots: list[int]) -> None:
    ended = Going(boss, waiting, robots[1], isRecord=True).let_go()
    key = ended["recordFileIds"][0]
    url = boss.call(f"{EXT}/recording/download", {"recordFileId": key})["url"]
    assert fetched(boss, url, {"Range": "bytes=0-99"}).status == 206
    assert fetched(boss, url.replace("by=admin", "by=somebody")).status == 403, "the name is part of the signature"
    entry = [each for each in audit(boss, "recording_fetch") if each["subject"]["recordFileId"] == key][-1]
    assert (entry["actor"], entry["subject"]["range"], entry["subject"]["taskId"]) == ("admin", "bytes=0-99", ended["taskId"])
    assert [each for each in audit(boss, "recording_download") if each["subject"]["recordFileId"] == key]


def test_recording_is_switched_on_and_off_while_a_task_runs(boss: Client, waiting: int, robots: list[int]) -> None:
    going = Going(boss, waiting, robots[0])
    listed = lambda: boss.call(f"{EXT}/recording/list", {"taskId": going.task_id})["recordings"]  # noqa: E731
    for number in (1, 2):
        boss.call(f"{EXT}/recording/start", {"taskId": going.task_id})
        boss.call(f"{EXT}/recording/start", {"taskId": going.task_id})
        boss.call(f"{EXT}/recording/stop", {"taskId": going.task_id})
        until(lambda number=number: len(listed()) == number, 20, "the film to be stored")
    assert len(going.let_go()["recordFileIds"]) == 2
    assert all(each["isSigned"] and not each["isInterrupted"] for each in listed())
    boss.call(f"{EXT}/recording/start", {"taskId": going.task_id}, code="10102")


def test_a_task_without_a_desktop_says_why_there_is_nothing_to_see(boss: Client, waiting: int, robots: list[int]) -> None:
    going = Going(boss, waiting, robots[1])
    for path, params in (
        ("recording/start", {"taskId": going.task_id}), ("robot/remote-desktop", {"robotId": robots[1]}), ("robot/remote-control", {"robotId": robots[1]}),
    ):
        refused = boss.post(f"{EXT}/{path}", params)
        assert_envelope(refused, "11001")
        assert "任务未使用虚拟桌面" in refused.json["message"]
    view = boss.call(f"{EXT}/live/open", {"taskId": going.task_id})
    assert view["logUrl"] and not view["framesUrl"] and view["reason"]
    going.let_go()
    boss.call(f"{EXT}/robot/remote-desktop", {"robotId": robots[1]}, code="11001")


def stream(url: str, headers: dict[str, str] | None = None) -> http.client.HTTPResponse:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    connection.request("GET", f"{parts.path}?{parts.query}", headers=headers or {})
    return connection.getresponse()


def test_the_log_is_seen_as_it_comes_and_goes_on_where_it_broke_off(boss: Client, waiting: int, robots: list[int]) -> None:
    going = Going(boss, waiting, robots[0])
    view = boss.call(f"{EXT}/live/open", {"taskId": going.task_id})
    answer = stream(view["logUrl"])
    assert answer.getheader("Content-Type", "").startswith("text/event-stream")
    first = b""
    while b"begun in" not in first:
        first += answer.readline()
    seen = re.findall(rb"id: (\d+)", first)[-1].decode()
    answer.close()
    going.let_go()
    rest = stream(view["logUrl"], {"Last-Event-ID": seen}).read().decode()
    assert "going" in rest and "begun in" not in rest and 'event: end\ndata: {"taskState": "succeeded"}' in rest


def test_pictures_come_while_somebody_looks(filming: HubProcess, boss: Client, waiting: int, robots: list[int]) -> None:
    going = Going(boss, waiting, robots[0])
    assert not [each for each in displays(filming.data) if "mjpeg" in each.cmdline()], "nobody watches"
    view = boss.call(f"{EXT}/live/open", {"taskId": going.task_id})
    single = fetched(boss, view["frameUrl"])
    assert single.status == 200 and single.headers["content-type"] == "image/jpeg" and single.body[:2] == b"\xff\xd8"
    answer = stream(view["framesUrl"])
    assert answer.getheader("Content-Type") == "multipart/x-mixed-replace; boundary=picture"
    head = b""
    while b"\r\n\r\n" not in head:
        head += answer.readline()
    length = int(re.search(rb"Content-Length: (\d+)", head)[1])  # type: ignore[index]
    assert answer.read(length)[:2] == b"\xff\xd8"
    boss.call(f"{EXT}/live/close", {"liveId": view["liveId"]})
    answer.read()  # It ends by itself.
    assert fetched(boss, view["frameUrl"]).status == 403
    boss.call(f"{EXT}/live/close", {"liveId": view["liveId"]}, code="10501")
    assert going.let_go()["taskState"] == "succeeded"


def test_streams_are_few_and_give_their_place_back(boss: Client, waiting: int, robots: list[int]) -> None:
    going = Going(boss, waiting, robots[0])
    view = boss.call(f"{EXT}/live/open", {"taskId": going.task_id})
    answers = [stream(view["logUrl"]) for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 200]
    refused = fetched(boss, view["logUrl"])
    assert refused.json["resultCode"] == "10601" and refused.status == 429
    for answer in answers:
        answer.close()
    freed = until(lambda: answer if (answer := stream(view["logUrl"])).status == 200 else None, 40, "a place to be given back")
    freed.close()
    assert fetched(boss, view["logUrl"].replace("sign=", "sign=1")).status == 403
    going.let_go()


def web_socket(url: str) -> tuple[socket.socket, bytes]:
    """A connection that has asked for a WebSocket, and the answer."""
    parts = urlsplit(url)
    connection = socket.create_connection((parts.hostname, parts.port), timeout=20)
    lines = (f"GET {parts.path}?{parts.query} HTTP/1.1", f"Host: {parts.netloc}", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13")
    connection.sendall("\r\n".join([*lines, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol: binary", "", ""]).encode())
    head = b""
    while not head.endswith(b"\r\n\r\n") and (piece := connection.recv(1)):
        head += piece
    return connection, head


def frame(connection: socket.socket) -> bytes:
    """The next message of the server, which is short."""
    length = exactly(connection, 2)[1]
    if length == 126:
        length = int.from_bytes(exactly(connection, 2), "big")
    return exactly(connection, length)


def exactly(connection: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        piece = connection.recv(count - len(found))
        assert piece, "the connection has ended"
        found += piece
    return found


def pointer(x: int, y: int) -> bytes:
    """The message of a viewer who moves the pointer."""
    return masked(b"\x05\x00" + x.to_bytes(2, "big") + y.to_bytes(2, "big"))


def is_pointer_at(data: Path, x: int, y: int) -> bool:
    """Whether the pointer, which is white on black, stands there on the only display."""
    [path] = (data / "adapters").rglob("run/display.json")
    facts = json.loads(path.read_text("utf-8"))
    command = ["ffmpeg", "-v", "error", "-f", "x11grab", "-video_size", "24x24", "-i", f"{facts['display']}+{x - 12},{y - 12}", "-frames:v", "1"]
    environment = {**os.environ, "XAUTHORITY": facts["authority"]}
    seen = subprocess.run([*command, "-f", "rawvideo", "-pix_fmt", "gray", "-"], capture_output=True, env=environment, check=True).stdout
    return max(seen) > 128


def masked(message: bytes) -> bytes:
    return bytes([0x82, 0x80 | len(message), 0, 0, 0, 0]) + message


@needs_desktop
def test_a_ticket_opens_one_desktop_once(filming: HubProcess, boss: Client, waiting: int, robots: list[int]) -> None:
    going = Going(boss, waiting, robots[0])
    until(lambda: boss.post(f"{EXT}/robot/remote-desktop", {"robotId": robots[0]}).json["resultCode"] == "00000", 20, "the part desktop to say that it is there")
    given = boss.call(f"{EXT}/robot/remote-desktop", {"robotId": robots[0]})
    assert given["isViewOnly"] and given["taskId"] == going.task_id and "view_only=true" in given["url"]
    connection, head = web_socket(given["webSocketUrl"])
    assert head.startswith((b"HTTP/1.1 101", b"HTTP/1.0 101")), head
    assert frame(connection) == b"RFB 003.008\n"
    connection.sendall(masked(b"RFB 003.008\n"))
    assert frame(connection) == b"\x01\x01"
    connection.sendall(masked(b"\x01"))
    assert frame(connection) == b"\0\0\0\0"
    connection.sendall(masked(b"\x01"))
    told = frame(connection)
    assert (int.from_bytes(told[:2], "big"), int.from_bytes(told[2:4], "big")) == (640, 480)
    assert not is_pointer_at(filming.data, 500, 400)
    connection.sendall(pointer(500, 400))
    _, again = web_socket(given["webSocketUrl"])
    assert b" 403 " in again.splitlines()[0], "a ticket is good for one session"
    [server] = [each for each in psutil.process_iter() if each.name() == "x11vnc"]
    assert "-viewonly" in server.cmdline() and not server.net_connections("tcp"), "nobody else can reach it"
    assert not is_pointer_at(filming.data, 500, 400), "whoever only looks moves nothing"
    connection.close()
    until(lambda: not server.is_running() or server.status() == psutil.STATUS_ZOMBIE, 10, "x11vnc to end")
    begun, ended = (audit(boss, f"remote_desktop_{what}")[-1] for what in ("begin", "end"))
    assert begun["actor"] == ended["actor"] == "admin" and ended["subject"]["reason"] and not begun["subject"]["mayControl"]
    secret = parse_qs(urlsplit(given["webSocketUrl"]).query)["ticket"][0]
    assert not [path for path in (filming.data / "logs").iterdir() if secret in path.read_text("utf-8", "replace")]
    controlled = boss.call(f"{EXT}/robot/remote-control", {"robotId": robots[0]})
    assert not controlled["isViewOnly"]
    session, _ = web_socket(controlled["webSocketUrl"])
    assert frame(session) == b"RFB 003.008\n"
    for message in (b"RFB 003.008\n", b"\x01", b"\x01"):
        session.sendall(masked(message))
        frame(session)
    session.sendall(pointer(500, 400))
    until(lambda: is_pointer_at(filming.data, 500, 400), 10, "the pointer to be moved")
    assert going.let_go()["taskState"] == "succeeded"
    until(lambda: audit(boss, "remote_desktop_end", 2)[-1]["subject"]["mayControl"], 10, "the session to end with its desktop")
    session.close()


@needs_desktop
def test_the_viewer_comes_from_the_hub_itself(filming: HubProcess, boss: Client) -> None:
    address = f"http://127.0.0.1:{filming.settings['desktop_port']}"
    page = stream(f"{address}/vnc.html?")
    assert page.status == 200 and page.getheader("Content-Security-Policy") and b"noVNC" in page.read()
    for path in ("/app/ui.js", "/core/rfb.js", "/vendor/pako/lib/zlib/inflate.js"):
        assert stream(f"{address}{path}?").status == 200
    assert [stream(f"{address}{path}?").status for path in ("/../hub.db", "/.gitignore", "/tests/vnc_playback.html", "/session")] == [404, 404, 404, 403]


def test_a_killed_run_loses_its_last_moment_and_not_its_film(filming: HubProcess, boss: Client, waiting: int, robots: list[int]) -> None:
    going = Going(boss, waiting, robots[1], isRecord=True)
    until(lambda: [each for each in (filming.data / "adapters").rglob("recordings/*.mkv") if each.stat().st_size > 4000], 20, "a film")
    [recorder] = [each for each in displays(filming.data) if "x11grab" in each.cmdline()]
    psutil.Process(recorder.ppid()).kill()
    [ended] = boss.ended([going.task_id])
    assert ended["taskState"] == "failed"
    [key] = until(lambda: boss.task(going.task_id)["recordFileIds"], 30, "the film to be handed in")
    [row] = boss.call(f"{EXT}/recording/list", {"taskId": going.task_id})["recordings"]
    assert row["recordFileId"] == key and row["isInterrupted"] and row["size"] > 1000
    assert boss.call(f"{EXT}/recording/verify", {"recordFileId": key})["isGenuine"]
    until(lambda: not displays(filming.data), 20, "display and recorder to end")
    boss.online(robots)


def test_a_killed_hub_hands_the_film_in_when_it_starts_again(filming: HubProcess, waiting: int, robots: list[int]) -> None:
    boss = filming.admin()
    going = Going(boss, waiting, robots[1], isRecord=True)
    until(lambda: [each for each in (filming.data / "adapters").rglob("recordings/*.mkv") if each.stat().st_size > 4000], 20, "a film")
    filming.kill()
    until(lambda: not displays(filming.data), 20, "display and recorder to end")
    filming.start()
    boss = filming.admin()
    until(lambda: boss.task(going.task_id)["recordFileIds"], 60, "the film to be handed in")
    [row] = boss.call(f"{EXT}/recording/list", {"taskId": going.task_id})["recordings"]
    assert row["isInterrupted"] and boss.task(going.task_id)["taskState"] == "failed"
