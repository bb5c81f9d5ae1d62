"""What the adapter sends, how it signs in, and what it makes of a peer's errors."""
from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.standard import cipher, contract, login
from adapters.standard.contract import good, sample
from adapters.standard.tests.peer import CREDENTIALS, LOADED, asked, call, platform, robot
from plugins import Connection, FileContent, HubError, NotFound, NotSupported, VendorError, codes
from plugins.crypto import sm2
from plugins.crypto.layouts import decoded, readings
from plugins.crypto.public_key import PublicKey
from plugins.crypto.rsa import decrypt as rsa_decrypt
from plugins.crypto.rsa import load_private, new_pair
from plugins.manager import standard_catalogue
from plugins.testing import FakeVendor, Reply, Seen

CATALOGUE = standard_catalogue()
PATH = "/api/platform/task/query"


@pytest.mark.parametrize("name", [name for name in contract.EXAMPLES if name in CATALOGUE.by_name])
def test_requests_are_those_of_the_printed_tables(peer: FakeVendor, name: str) -> None:
    call(platform(peer, upload="json", additive=False), name, **contract.EXAMPLES[name])
    for seen in peer.requests:
        operation = CATALOGUE.by_path[seen.path]
        schema = operation.request(strict=True)
        assert seen.method == "POST" and seen.headers["content-type"] == "application/json;charset=utf-8" and seen.headers["version"] == "1.0.0"
        assert ("token" in seen.headers) == (not operation.public)
        schema.load(seen.json)
        assert set(seen.json) <= {key for key, field in schema.fields.items() if not getattr(field, "additive", False)}, seen.path


def test_the_start_carries_key_trace_and_token(peer: FakeVendor) -> None:
    assert call(platform(peer), "task_create", **contract.EXAMPLES["task_create"]) == {"taskIds": ["7"]}
    sent = peer.requests[-1]
    assert (sent.headers["idempotency-key"], sent.headers["x-trace-id"], sent.headers["token"]) == ("key-1", "trace-of-a-test", "token-of-the-peer")
    assert sent.json == {"processId": 7, "inParameters": [{"name": "name", "value": "Li"}], "priority": 1, "totalCount": 1, "isRecord": True}


def test_what_a_robot_does_not_know_is_not_sent_to_it(peer: FakeVendor) -> None:
    call(robot(peer), "task_create", processId="7", robotIds=["1"], packageId=None, key="k")
    assert peer.requests[-1].path == "/api/robot/task/create"
    assert peer.requests[-1].json == {"processId": 7, "priority": 1, "isRecord": False}


def test_what_a_kind_of_peer_has_not_is_not_supported_with_the_reason(peer: FakeVendor) -> None:
    for ctx, name in ((robot(peer), "robot_group_list"), (platform(peer), "robot_api_start"), (robot(peer), "robot_create")):
        with pytest.raises(NotSupported, match="标准的"):
            call(ctx, name)
    assert peer.requests == []


@pytest.mark.parametrize("code", codes.ALL.values(), ids=str)
@pytest.mark.parametrize("status", [200, 400])
def test_each_code_of_the_peer_is_ours_and_never_blames_the_caller_for_the_connection(peer: FakeVendor, code: codes.Code, status: int) -> None:
    if code is codes.OK:
        return
    peer.on("POST", PATH, Reply({"resultCode": code.value, "message": f"{code.zh}：细节", "data": {}}, status))
    with pytest.raises(HubError) as caught:
        call(platform(peer), "task_query", taskId="5")
    error = caught.value
    blaming = code.value in ("10001", "10002", "10003", "10004", "30001", "30002", "30003", "30004", "30005", "30006")
    assert error.code == (codes.VENDOR_ERROR if blaming else code)
    assert "细节" in error.reason and "细节" in error.raw["body"]
    assert isinstance(error, NotSupported) == (code is codes.NOT_SUPPORTED)


def test_codes_come_as_numbers_too_and_unknown_ones_are_vendor_errors_with_the_answer(peer: FakeVendor) -> None:
    peer.on("POST", PATH, Reply({"resultCode": 10501, "message": "没有"}))
    with pytest.raises(NotFound):
        call(platform(peer), "task_query", taskId="5")
    peer.on("POST", PATH, Reply({"resultCode": "99999", "message": "自有错误"}))
    with pytest.raises(VendorError, match="自有错误") as caught:
        call(platform(peer), "task_query", taskId="5")
    assert caught.value.code == codes.VENDOR_ERROR and "99999" in caught.value.raw["body"]


def test_an_address_that_the_peer_has_not_is_not_supported(peer: FakeVendor) -> None:
    peer.on("POST", "/api/platform/task/pause", Reply({"error": "Not Found"}, 404))
    with pytest.raises(NotSupported):
        call(platform(peer), "task_pause", taskId="5")


def test_a_task_that_the_peer_does_not_know_is_left_out_and_other_errors_are_not(peer: FakeVendor) -> None:
    def answer(seen: Seen) -> Any:
        return Reply({"resultCode": "10501", "message": ""}, 404) if seen.json["taskId"] == 8 else good({"taskStatus": "0"})

    peer.on("POST", PATH, answer)
    assert [each["taskId"] for each in call(platform(peer), "task_watch", taskIds=["7", "8", "9", "7"])["tasks"]] == ["7", "9"]
    peer.on("POST", PATH, Reply(b"gone", 404))
    with pytest.raises(NotSupported):
        call(platform(peer), "task_watch", taskIds=["7"])


def logins(peer: FakeVendor) -> list[Any]:
    """What was sent to sign in."""
    return [seen.json for seen in peer.requests if seen.path.endswith("authenticate")]


def test_one_token_serves_many_calls_and_a_refused_one_is_renewed_once(peer: FakeVendor) -> None:
    ctx = platform(peer)
    for _ in range(3):
        call(ctx, "task_query", taskId="5")
    assert len(logins(peer)) == 1
    peer.on("POST", "/api/platform/account/authenticate", good({"token": "second", "expirationTime": ""}))
    peer.on("POST", PATH, lambda seen: good({"taskStatus": 0}) if seen.headers["token"] == "second" else Reply({"resultCode": 10001}, 200))
    assert call(ctx, "task_query", taskId="5")["taskState"] == "succeeded"
    assert len(logins(peer)) == 2
    peer.on("POST", PATH, Reply({"resultCode": "10001", "message": "token 无效"}, 401))
    with pytest.raises(VendorError, match="凭据"):
        call(ctx, "task_query", taskId="5")
    assert len(logins(peer)) == 3


@pytest.mark.parametrize(("ends", "date", "seconds"), [
    ("2026-11-24 11:10:30", "Tue, 24 Nov 2026 03:00:00 GMT", 630),  # by the peer's clock, whatever ours says
    ("2026-11-24 11:00:00", "Tue, 24 Nov 2026 03:00:00 GMT", 300),  # a wrong zone or clock: a few minutes
    ("nonsense", "Tue, 24 Nov 2026 03:00:00 GMT", 300),
    ("", "nonsense", 300),
    ("1999-11-24 11:00:00", "a, b", 300),
])
def test_the_token_lasts_as_long_as_the_peers_clock_says(peer: FakeVendor, ends: str, date: str, seconds: float) -> None:
    peer.on("POST", "/api/platform/account/authenticate", Reply(good({"token": "t", "expirationTime": ends}), headers={"Date": date}))
    ticket, lifetime = login.sign_in(platform(peer).connection)
    assert (ticket.headers["token"], lifetime) == ("t", seconds)


def test_the_password_is_encrypted_to_the_key_that_the_peer_publishes(peer: FakeVendor) -> None:
    private, public = sm2.new_pair()
    published = {"algorithm": "SM2", "publicKey": f"04{public.hex()}", "timestamp": 1_795_000_000}
    peer.on("POST", "/api/ext/crypto/public-key", good(published))
    call(platform(peer, cipher="auto"), "task_query", taskId="5")
    call(robot(peer, cipher="auto"), "task_query", taskId="5")
    for sent, secret in zip((each.get("password") or each["secret"] for each in logins(peer)), CREDENTIALS.values(), strict=True):
        blob = decoded(sent.removeprefix("SM2:")) or b""
        wrapped = json.loads(sm2.best().decrypt(private, readings(blob)[0]))
        assert wrapped.keys() == {"password", "nonce", "ts"} and (wrapped["password"], wrapped["ts"]) == (secret, 1_795_000_000)


@pytest.mark.parametrize("layout", ["C1C3C2", "C1C2C3", "ASN1"])
@pytest.mark.parametrize("encoding", ["hex", "base64"])
def test_a_given_key_gets_a_bare_ciphertext_in_the_named_layout(peer: FakeVendor, layout: str, encoding: str) -> None:
    private, public = sm2.new_pair()
    call(platform(peer, cipher="SM2", public_key=public.hex(), cipher_layout=layout, cipher_encoding=encoding), "task_query", taskId="5")
    (sent,) = [each["password"] for each in logins(peer)]
    plain = {sm2.best().decrypt(private, each) for each in readings(decoded(sent) or b"")[1 if layout == "C1C2C3" else 0 :][:1]}
    assert plain == {CREDENTIALS["password"].encode()}
    assert "/api/ext/crypto/public-key" not in [seen.path for seen in peer.requests]


def test_an_rsa_key_is_used_where_it_is_given(peer: FakeVendor) -> None:
    private, public = new_pair()
    call(platform(peer, cipher="RSA", public_key=PublicKey("RSA", public).pem), "task_query", taskId="5")
    (sent,) = [each["password"] for each in logins(peer)]
    assert rsa_decrypt(load_private(private), decoded(sent) or b"") == CREDENTIALS["password"].encode()


@pytest.mark.parametrize("reply", [Reply({}, 404), Reply({"resultCode": "10001", "message": ""}, 401), Reply({"resultCode": 10501}, 200), Reply(b"", 405)])
def test_a_peer_without_keys_gets_plain_text_where_nobody_can_listen(peer: FakeVendor, reply: Reply) -> None:
    peer.on("POST", "/api/ext/crypto/public-key", reply)
    call(platform(peer, cipher="auto"), "task_query", taskId="5")
    assert [each["password"] for each in logins(peer)] == [CREDENTIALS["password"]]


def test_plain_text_is_never_sent_over_http_to_another_machine_unless_that_is_allowed(peer: FakeVendor) -> None:
    from adapters.standard.cipher import plain

    for kind in (platform, robot):
        ctx = kind(peer)
        far = type(ctx.connection)("far", "standard", "http://10.1.2.3", ctx.connection.options)
        with pytest.raises(VendorError, match="TLS"):
            plain(far, "secret")
        allowed = type(ctx.connection)("far", "standard", "http://10.1.2.3", {**ctx.connection.options, "allow_plain_over_http": True})
        assert plain(allowed, "secret") == plain(type(ctx.connection)("far", "standard", "https://10.1.2.3"), "secret") == "secret"


@pytest.mark.parametrize(("options", "words"), [
    ({"cipher": "SM2", "public_key": "no key"}, "公钥"), ({"cipher": "RSA", "public_key": sm2.new_pair()[1].hex()}, "RSA"),
    ({"time_zone": "Nowhere/Land"}, "time_zone"), ({"username": ""}, "username"),
])
def test_a_form_that_cannot_be_used_is_said_so(peer: FakeVendor, options: dict[str, Any], words: str) -> None:
    with pytest.raises(VendorError, match=words):
        call(platform(peer, **options), "task_query", taskId="5")


def test_secrets_in_requests_are_encrypted_as_the_password_is(peer: FakeVendor) -> None:
    private, public = sm2.new_pair()
    call(platform(peer, cipher="SM2", public_key=public.hex()), "robot_create", **{**contract.ROBOT_VALUES, "machinePassword": "Geheim-1"})
    sent = peer.requests[-1].json["machinePassword"]
    assert sm2.best().decrypt(private, readings(decoded(sent) or b"")[0]) == b"Geheim-1"


@pytest.mark.parametrize("upload", ["multipart", "json"])
def test_a_package_is_uploaded_as_the_peer_takes_it(peer: FakeVendor, upload: str) -> None:
    content = bytes(range(256)) * 9000
    given = {"packageName": "报表", "packageVersion": "1", "package": FileContent.of(content, 'a "b"\n.zip'), "limits": {}}
    assert call(platform(peer, upload=upload), "package_create", **given) == {"packageId": "7"}
    sent = peer.requests[-1]
    if upload == "json":
        assert set(sent.json) == {"packageName", "packageVersion", "package", "depId"}
        return
    from werkzeug.formparser import parse_form_data
    from werkzeug.test import EnvironBuilder

    built = EnvironBuilder(method="POST", data=sent.content, content_type=sent.headers["content-type"])
    _, form, files = parse_form_data(built.get_environ())
    assert dict(form) == {"packageName": "报表", "packageVersion": "1", "depId": "7"}
    assert files["package"].read() == content and files["package"].content_type == "application/octet-stream"


def rows(*numbers: int, deleted: tuple[int, ...] = ()) -> list[dict[str, Any]]:
    return [{"processId": number, "processName": str(number), "isDeleted": number in deleted} for number in numbers]


def listed(peer: FakeVendor, pages: Any, **options: Any) -> list[str]:
    """The processes that are found when ``pages`` gives the rows of a page."""
    peer.on("POST", "/api/platform/process/list", lambda seen: good(pages(seen.json["pageNum"], seen.json["pageSize"])))
    return [row["processId"] for row in call(platform(peer, **options), "process_list")["processes"]]


def test_lists_are_read_until_a_short_page(peer: FakeVendor) -> None:
    everything = rows(*range(1, 8))

    def page(number: int, size: int) -> dict[str, Any]:
        return {"processes": everything[(number - 1) * size : number * size]}

    assert listed(peer, page, page_size=3) == [str(number) for number in range(1, 8)]
    assert asked(peer).count("/api/platform/process/list") == 3


def test_deleted_rows_do_not_make_a_page_short(peer: FakeVendor) -> None:
    pages = {1: rows(1, 2, 3, deleted=(1, 2)), 2: rows(4, 5, 6, deleted=(4, 5, 6)), 3: rows(7)}
    assert listed(peer, lambda number, size: {"processes": pages.get(number, [])}, page_size=3) == ["3", "7"]


def test_a_smaller_page_than_asked_for_is_not_taken_for_the_last_where_the_peer_says_so(peer: FakeVendor) -> None:
    pages = {1: rows(1, 2), 2: rows(3)}
    assert listed(peer, lambda number, size: {"processes": pages.get(number, []), "pageSize": 2}, page_size=100) == ["1", "2", "3"]
    assert listed(peer, lambda number, size: {"processes": pages.get(number, []), "total": "3"}, page_size=100) == ["1", "2", "3"]


def test_a_peer_that_knows_no_pages_or_counts_wrongly_comes_to_an_end(peer: FakeVendor) -> None:
    assert listed(peer, lambda number, size: {"processes": rows(1, 2, 3)}, page_size=3) == ["1", "2", "3"]
    assert listed(peer, lambda number, size: {"processes": rows(1, 2) if number == 1 else [], "total": 99}) == ["1", "2"]


def test_a_numbered_log_comes_piece_by_piece(peer: FakeVendor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.standard.task_log.AT_ONCE", 3)
    lines = [{"seq": number, "message": str(number)} for number in range(1, 9)]
    peer.on("POST", "/api/platform/task-log/query", lambda seen: good({"logs": lines[seen.json.get("afterSeq", 0) :][: seen.json["limit"]]}))
    assert [each["message"] for each in call(platform(peer), "task_log_query", taskId="5")["logs"]] == [str(number) for number in range(1, 9)]
    assert asked(peer).count("/api/platform/task-log/query") == 3


def test_a_peer_that_numbers_nothing_or_knows_no_numbers_is_asked_no_more_than_needed(peer: FakeVendor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.standard.task_log.AT_ONCE", 3)
    for numbered in (False, True):
        lines = [{"message": str(number), **({"seq": number} if numbered else {})} for number in range(1, 9)]
        peer.on("POST", "/api/platform/task-log/query", good({"logs": lines}))
        assert len(call(platform(peer), "task_log_query", taskId="5")["logs"]) == 8
    assert asked(peer).count("/api/platform/task-log/query") == 3


def test_a_lost_start_is_said_again_only_to_a_peer_that_promises_to_carry_it_out_once(peer: FakeVendor) -> None:
    given = contract.EXAMPLES["task_find"]
    assert call(platform(peer), "task_find", **given) == {"taskId": "7"}
    sent = peer.requests[-1]
    assert (sent.path, sent.headers["idempotency-key"], sent.json["processId"]) == ("/api/platform/task/create", "key-1", 7)
    for info in (Reply({}, 404), good({"productVersion": "1.0"}), Reply({"resultCode": "30001", "message": ""}, 403)):
        peer.on("POST", "/api/ext/version/info", info)
        with pytest.raises(VendorError, match="Idempotency-Key"):
            call(platform(peer), "task_find", **given)


def test_a_start_is_not_said_again_when_the_peer_may_have_forgotten_its_key(peer: FakeVendor) -> None:
    long_ago = {**contract.EXAMPLES["task_find"], "saidTime": datetime.now(UTC) - timedelta(days=1)}
    with pytest.raises(VendorError, match="失效"):
        call(platform(peer), "task_find", **long_ago)
    assert "/api/platform/task/create" not in asked(peer)


def test_a_key_that_came_over_http_from_elsewhere_is_not_trusted() -> None:
    def ask(path: str, params: dict[str, Any]) -> dict[str, Any]:
        raise AssertionError("nobody is asked for a key that could not be trusted")

    for kind, secret in (("platform", "password"), ("robot", "secret")):
        connection = Connection(name="p", adapter="standard", address="http://10.9.8.7", options={"kind": kind, "cipher": "RSA"})
        with pytest.raises(VendorError, match="public_key"):
            cipher.sealed(connection, secret, ask)


def fetched(peer: FakeVendor, url: str, largest: int = 100, **options: Any) -> bytes:
    found: FileContent = call(platform(peer, **options), "recording_fetch", taskId="5", recordFileId="9", url=url, largest=largest, timeout=20)["content"]
    return found.read()


def test_a_recording_comes_from_the_peer_or_a_named_host_only_and_is_bounded(peer: FakeVendor) -> None:
    assert fetched(peer, f"{peer.address}/recordings/7?sign=a") == fetched(peer, "/recordings/7") == b"content of a recording"
    with pytest.raises(VendorError, match="字节"):
        fetched(peer, "/recordings/7", largest=5)
    elsewhere = peer.address.replace("127.0.0.1", "localhost")
    for url in (f"{elsewhere}/recordings/7", "file:///etc/passwd", "http://127.0.0.1:1/x", "//169.254.169.254/latest", "http://[::1/"):
        with pytest.raises(VendorError, match="下载地址"):
            fetched(peer, url)
    peer.misbehave(None)
    assert fetched(peer, f"{elsewhere}/recordings/7", download_hosts="other.example, localhost") == b"content of a recording"
    assert "token" not in peer.requests[-1].headers, "the token is the peer's alone"


@pytest.mark.parametrize("reply", [Reply(good({})), Reply(b"<html>", headers={"Content-Type": "text/html"}), Reply(b"", headers={"Content-Type": "video/mp4"})])
def test_what_is_no_recording_is_not_taken_for_one(peer: FakeVendor, reply: Reply) -> None:
    peer.on("GET", "/recordings/7", reply)
    with pytest.raises(VendorError, match="不是录屏"):
        fetched(peer, "/recordings/7")


def test_a_robots_path_that_is_an_address_is_one(peer: FakeVendor) -> None:
    for path, url in (("/var/video/1.mp4", None), ("https://peer.example/1.mp4", "https://peer.example/1.mp4")):
        peer.on("POST", "/api/robot/video/query", good({"recordFileInfos": [{"recordFileId": 1, "videoPath": path}]}))
        (row,) = call(robot(peer), "video_query", taskId="5")["recordFileInfos"]
        assert row.get("url") == url and "videoPath" not in row


def test_the_check_notices_a_zone_that_would_shift_all_times(peer: FakeVendor) -> None:
    assert call(platform(peer), "connection_check") == {"product": "T/TSAC 002-2025 管理平台", "version": "1.1.0"}
    with pytest.raises(VendorError, match="时区"):
        call(platform(peer, time_zone="UTC"), "connection_check")


def test_a_robot_imports_itself_and_a_platform_what_it_has(peer: FakeVendor) -> None:
    found = call(robot(peer), "connection_import")
    assert [each["robotId"] for each in found["robots"]] == ["7"]
    peer.on("POST", "/api/robot/query", good({"robotInfo": {"machineName": "PC-1", "robotStatus": "0"}}))
    assert call(robot(peer), "connection_import")["robots"] == [{"robotId": "self", "robotName": "PC-1", "robotStatus": 0}]
    printed = [{"processId": "1", "processName": "a", "remark": "", "isDeleted": "false"}, {"processId": 2, "processName": "b", "isDeleted": "true"}]
    peer.on("POST", "/api/platform/process/list", good({"processes": printed}))
    assert call(platform(peer), "connection_import")["processes"] == [{"processId": "1", "processName": "a"}]


def test_every_operation_of_the_robot_interface_is_reached(peer: FakeVendor) -> None:
    for name, params in contract.MORE["robot"][1].items():
        if name.startswith("robot_api_"):
            peer.misbehave(None)
            call(robot(peer), name, **params)
            assert asked(peer)[-1] == CATALOGUE[name].path
    missing = [each.name for each in CATALOGUE if each.side == "robot" and not LOADED.implements(each.name)]
    assert missing == ["robot_api_authenticate"]
    assert sample(CATALOGUE["robot_api_query"].response)["robotInfo"]["robotStatus"] == 0
