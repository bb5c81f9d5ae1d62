"""Secrets on the wire: ciphertext of every kind is taken, a changed or repeated one never, plain text only where settings allow it."""
from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from sqlalchemy import select

from config.settings import Settings
from hub.call import Call, Caller, Source
from hub.core import Hub
from hub.crypto import private_key
from hub.database import now
from hub.dispatch import Answer, Dispatcher
from hub.models import WireKey
from hub.redis_server import RedisServer
from hub.wire import open_password, registered_key, seal_for
from plugins.crypto import layouts, sm2
from plugins.crypto.public_key import ALGORITHMS, Algorithm, PublicKey
from plugins.errors import HubError, InvalidInput, Refused
from tests.hub.conftest import ADMIN_PASSWORD, Api

FAR = Source(kind="http", client_ip="10.1.2.3", base_url="http://hub.example/")
NEAR = Source(kind="http", client_ip="127.0.0.1", base_url="http://127.0.0.1:8000/")
OVER_TLS = Source(kind="http", client_ip="10.1.2.3", base_url="https://hub.example/")
SECRET = "口令 Pa55-word!"


@pytest.fixture
def closed(new_settings: Callable[..., Settings]) -> Iterator[Hub]:
    """A hub that takes no plain text, as in production."""
    hub = Hub(new_settings(profile="production", allow_plain_passwords=False))
    yield hub
    hub.calls.close()
    hub.db.dispose()


def a_call(hub: Hub, source: Source = FAR) -> Call:
    catalogue = Dispatcher(hub).catalogue
    return Call(hub, catalogue["account_authenticate"], Caller("somebody"), "0" * 32, source)


def public_key(hub: Hub, algorithm: Algorithm = "SM2") -> PublicKey:
    found = anonymous(hub, "crypto_public_key", algorithm=algorithm).data
    key = PublicKey.read(found["publicKey"])
    assert PublicKey.read(found["publicKeyPem"]) == key
    return key


def anonymous(hub: Hub, operation: str, source: Source = FAR, **params: Any) -> Answer:
    dispatcher = Dispatcher(hub)
    return dispatcher.call(dispatcher.catalogue[operation], params, source=source)


def wrapped(**changes: Any) -> bytes:
    return json.dumps({"password": SECRET, "nonce": "0123456789abcdef", "ts": time.time(), **changes}).encode()


def test_log_in_with_ciphertext_where_no_plain_text_is_taken(closed: Hub) -> None:
    for algorithm in ALGORITHMS:
        sent = public_key(closed, algorithm).encrypt(ADMIN_PASSWORD.encode())
        for text in (sent, sent.partition(":")[2]):
            answer = anonymous(closed, "account_authenticate", username="admin", password=text)
            assert answer.code.value == "00000" and answer.data["token"], answer.message
    refused = anonymous(closed, "account_authenticate", username="admin", password=ADMIN_PASSWORD)
    assert refused.code.value == "10007" and "密文" in refused.message and ADMIN_PASSWORD not in refused.message


@pytest.mark.parametrize(("source", "taken"), [(NEAR, True), (OVER_TLS, True), (FAR, False)])
def test_plain_text_comes_from_this_machine_or_over_tls_only(hub: Hub, source: Source, taken: bool) -> None:
    assert anonymous(hub, "account_authenticate", source, username="admin", password=ADMIN_PASSWORD).code.value == ("00000" if taken else "10007")


def test_a_setting_lets_plain_text_come_over_http(new_settings: Callable[..., Settings]) -> None:
    hub = Hub(new_settings(allow_plain_over_http=True))
    assert open_password(a_call(hub), SECRET, "password") == SECRET


def test_no_plain_text_is_taken_in_production_from_anywhere(closed: Hub) -> None:
    for source in (NEAR, OVER_TLS, FAR, Source(kind="console")):
        with pytest.raises(InvalidInput) as caught:
            open_password(a_call(closed, source), SECRET, "password")
        assert caught.value.code.value == "10007" and SECRET not in caught.value.message


def test_every_layout_and_encoding_is_taken(closed: Hub) -> None:
    made = sm2.best().encrypt(public_key(closed).data, SECRET.encode())
    blobs = [layouts.to_raw(made), layouts.to_raw(made)[1:], layouts.to_raw(made, "C1C2C3"), layouts.to_raw(made, "C1C2C3")[1:], layouts.to_der(made)]
    for blob in blobs:
        for text in (blob.hex(), blob.hex().upper(), base64.b64encode(blob).decode(), base64.urlsafe_b64encode(blob).decode().rstrip("=")):
            assert open_password(a_call(closed), text, "password") == SECRET
            assert open_password(a_call(closed), f"SM2:{text}", "password") == SECRET


def test_whatever_is_wrong_with_a_ciphertext_the_answer_is_the_same(hub: Hub) -> None:
    """Also where plain text is allowed: a changed ciphertext never becomes a password itself."""
    by_sm2, by_rsa = (public_key(hub, algorithm).encrypt(SECRET.encode()) for algorithm in ALGORITHMS)
    digits = by_sm2.removeprefix("SM2:")
    stranger = private_key.new_pair("SM2")[1]
    changed = [digits[:place] + ("0" if digits[place] != "0" else "1") + digits[place + 1 :] for place in (2, 70, 131, 180, 200, len(digits) - 1)]
    not_text, empty = (public_key(hub).encrypt(blob) for blob in (b"\xff\xfe\xfd", b"  "))
    wrong = [
        *changed,
        *(f"SM2:{each}" for each in changed),
        digits[:-2],
        "SM2:",
        "SM2:00",
        "SM2:密码",
        "RSA:" + digits,
        "RSA:" + base64.b64encode(bytes(384)).decode(),
        base64.b64encode(bytes(384)).decode(),
        "SM2:" + by_rsa.removeprefix("RSA:"),
        by_rsa[:-8] + "AAAAAAA=",
        stranger.encrypt(SECRET.encode()),
        not_text,
        empty,
        public_key(hub).encrypt(b"with\0nothing"),
    ]
    told = set()
    for text in wrong:
        with pytest.raises(InvalidInput) as caught:
            open_password(a_call(hub, NEAR), text, "password")
        told.add((caught.value.code.value, caught.value.message))
    assert len(told) == 1, told
    assert told.pop()[0] == "10007"


def test_a_wrapped_secret_is_taken_once(closed: Hub, redis_server: RedisServer) -> None:
    key = public_key(closed)
    sent = key.encrypt(wrapped())
    assert open_password(a_call(closed), sent, "password") == SECRET
    for again in (sent, key.encrypt(wrapped())):  # as it was, and its nonce encrypted anew
        with pytest.raises(InvalidInput, match="已使用"):
            open_password(a_call(closed), again, "password")
    assert open_password(a_call(closed), key.encrypt(wrapped(nonce="another nonce", ts=int(time.time() * 1000))), "password") == SECRET
    for key_in_redis in closed.redis.scan_iter("rpahub:wire-nonce:*"):
        assert 0 < closed.redis.ttl(key_in_redis) <= 600


def test_of_many_at_once_one_is_taken(closed: Hub, redis_server: RedisServer) -> None:
    sent = public_key(closed).encrypt(wrapped())

    def taken(_: int) -> bool:
        try:
            return open_password(a_call(closed), sent, "password") == SECRET
        except InvalidInput:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(taken, range(24))) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"ts": 0}, {"ts": -1}, {"ts": "now"}, {"ts": None}, {"ts": True}, {"ts": 1e300}, {"ts": float("nan")}, {"ts": 10**60}, {"nonce": "short"},
        {"nonce": "x" * 200}, {"nonce": 12345678}, {"nonce": None}, {"password": ""}, {"password": None}, {"password": "a\0b"},
        {"password": "\ud800"}, {"password": "x" * 5000},
    ],
)  # fmt: skip
def test_a_wrapping_with_nonsense_is_refused(closed: Hub, redis_server: RedisServer, changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        open_password(a_call(closed), public_key(closed).encrypt(wrapped(**changes)), "password")


@pytest.mark.parametrize(("seconds", "taken"), [(-310, False), (-290, True), (290, True), (310, False)])
def test_the_time_inside_may_be_five_minutes_off(closed: Hub, redis_server: RedisServer, seconds: int, taken: bool) -> None:
    sent = public_key(closed).encrypt(wrapped(ts=time.time() + seconds))
    if taken:
        assert open_password(a_call(closed), sent, "password") == SECRET
    else:
        with pytest.raises(InvalidInput):
            open_password(a_call(closed), sent, "password")


def test_without_redis_a_nonce_is_refused_and_a_bare_secret_is_not(closed: Hub) -> None:
    key = public_key(closed)
    with pytest.raises(HubError) as caught:
        open_password(a_call(closed), key.encrypt(wrapped()), "password")
    assert caught.value.code.value == "20001" and caught.value.retry_after
    assert open_password(a_call(closed), key.encrypt(SECRET.encode()), "password") == SECRET


def test_a_setting_wants_every_secret_wrapped(new_settings: Callable[..., Settings], redis_server: RedisServer) -> None:
    hub = Hub(new_settings(allow_plain_passwords=False, require_password_nonce=True))
    key = public_key(hub)
    with pytest.raises(InvalidInput, match="nonce"):
        open_password(a_call(hub), key.encrypt(SECRET.encode()), "password")
    assert open_password(a_call(hub), key.encrypt(wrapped()), "password") == SECRET


def test_a_secret_that_is_json_itself_stays_as_it_is(closed: Hub) -> None:
    for text in ('{"password": "x"}', '{"password": "x", "nonce": "12345678", "ts": 1, "more": 2}', "{", "[1]", "{" * 4000):
        assert open_password(a_call(closed), public_key(closed).encrypt(text.encode()), "password") == text


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_keys_change_while_the_hub_serves(algorithm: Algorithm, closed: Hub, settings: Settings) -> None:
    other = Hub(closed.settings)  # another process of the same hub
    old = public_key(closed, algorithm)
    sent_before = old.encrypt(SECRET.encode())
    assert open_password(a_call(other), sent_before, "password") == SECRET

    rotated = as_admin(closed)("crypto_rotate_key", algorithm=algorithm)
    assert rotated["keyVersion"] == 2
    new = public_key(other, algorithm)
    assert new == PublicKey.read(rotated["publicKey"]) != old
    for hub in (closed, other):
        assert open_password(a_call(hub), sent_before, "password") == SECRET
        assert open_password(a_call(hub), old.encrypt(SECRET.encode()), "password") == SECRET
        assert open_password(a_call(hub), new.encrypt(SECRET.encode()), "password") == SECRET

    with closed.db.write() as session:
        session.scalars(select(WireKey).where(WireKey.algorithm == algorithm, WireKey.version == 1)).one().expires_at = now()
    for hub in (closed, other):
        with pytest.raises(InvalidInput):
            open_password(a_call(hub), sent_before, "password")
        assert open_password(a_call(hub), new.encrypt(SECRET.encode()), "password") == SECRET


def test_keys_cannot_be_piled_up(closed: Hub) -> None:
    admin = as_admin(closed)
    codes = [admin.code("crypto_rotate_key") for _ in range(6)]
    assert codes == ["00000"] * 4 + ["10504"] * 2


def test_first_key_is_one_for_all_who_ask_at_once(closed: Hub) -> None:
    hubs = [Hub(closed.settings) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        keys = list(pool.map(public_key, hubs))
    assert len(set(keys)) == 1
    assert open_password(a_call(closed), keys[0].encrypt(SECRET.encode()), "password") == SECRET


def test_algorithms_say_what_is_understood(closed: Hub, hub: Hub) -> None:
    told = anonymous(closed, "crypto_algorithms").data
    assert [each["algorithm"] for each in told["algorithms"]] == ["SM2", "RSA"]
    assert told["algorithms"][0]["layouts"] == ["C1C3C2", "C1C2C3", "ASN1"]
    assert (told["plainAllowed"], told["atRest"], told["nonceWindow"]) == (False, "aes-256-gcm", 300)
    assert anonymous(hub, "crypto_algorithms").data["plainAllowed"] is True


def test_nobody_rotates_or_registers_without_a_token(closed: Hub) -> None:
    for operation in ("crypto_rotate_key", "crypto_register_key"):
        assert anonymous(closed, operation, publicKey="x").code.value == "10001"


def test_secrets_leave_the_hub_only_for_the_registered_key(closed: Hub) -> None:
    admin = as_admin(closed)
    call = Call(closed, admin.dispatcher.catalogue["crypto_algorithms"], admin.caller, "0" * 32)
    with pytest.raises(Refused):
        registered_key(call)
    call.finish()

    secret, public = private_key.new_pair("SM2")
    assert admin("crypto_register_key", publicKey=public.text) == {"algorithm": "SM2", "fingerprint": public.fingerprint}
    sealed = seal_for(registered_key(call), SECRET)
    call.finish()
    assert SECRET not in sealed
    blob = layouts.decoded(sealed.removeprefix("SM2:"))
    assert blob is not None and private_key.load("SM2", secret).decrypt(blob) == SECRET.encode()

    by_rsa = rsa.generate_private_key(65537, 2048)
    pem = by_rsa.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    assert admin("crypto_register_key", publicKey=pem)["algorithm"] == "RSA"
    sealed = seal_for(registered_key(call), SECRET)
    assert private_key.RsaKey(by_rsa).decrypt(base64.b64decode(sealed.removeprefix("RSA:"))) == SECRET.encode()
    with pytest.raises(InvalidInput, match="SM2"):
        seal_for(registered_key(call), "x" * 1000)
    call.finish()


def test_an_application_has_a_key_of_its_own_and_nobody_elses(closed: Hub) -> None:
    admin = as_admin(closed)
    admin("crypto_register_key", publicKey=private_key.new_pair("SM2")[1].text)
    stranger = Call(closed, admin.dispatcher.catalogue["crypto_algorithms"], Caller("app", "/", 1, None, frozenset(), 7), "0" * 32)
    with pytest.raises(Refused):
        registered_key(stranger)
    stranger.finish()
    assert Api(admin.dispatcher, Caller("system")).code("crypto_register_key", publicKey=private_key.new_pair("SM2")[1].text) == "30001"


@pytest.mark.parametrize("text", ["x", "00" * 64, "04" + "11" * 64, "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "密钥"])
def test_what_is_no_public_key_is_not_registered(closed: Hub, text: str) -> None:
    assert as_admin(closed).code("crypto_register_key", publicKey=text) == "10007"


def test_weak_and_other_keys_are_not_registered(closed: Hub) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec

    for key in (rsa.generate_private_key(65537, 1024), ec.generate_private_key(ec.SECP256R1())):
        pem = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
        assert as_admin(closed).code("crypto_register_key", publicKey=pem) == "10007"


def as_admin(hub: Hub) -> Api:
    return Api(Dispatcher(hub), Caller("admin", "/", 1, 1, frozenset({"*"})))
