"""Secrets on the wire (erratum E15, clause 6.1.3.2): what callers send is decrypted, what they are sent is encrypted to their own key.

A secret comes as SM2 or RSA-OAEP ciphertext in hexadecimal digits or base64, with the tag ``SM2:`` or ``RSA:`` before it or none; what a
ciphertext holds is the secret itself, or ``{"password": …, "nonce": …, "ts": …}``, which is taken once only. Plain text is a convenience
that settings allow.
"""
from __future__ import annotations

import hashlib
import json
import math
import re
import time
from ipaddress import ip_address
from typing import Any

from redis import RedisError
from sqlalchemy import select

from hub.call import Call
from hub.models import RegisteredKey
from plugins import codes
from plugins.crypto import layouts
from plugins.crypto.public_key import ALGORITHMS, Algorithm, PublicKey
from plugins.errors import HubError, InvalidInput, Refused

WINDOW = 300
LONGEST_NONCE = 128
LONGEST_SECRET = 4096
# A time above the first is in milliseconds; one above the second is none.
MILLISECONDS, LATEST = 10**11, 10**14
WRAPPING = {"password", "nonce", "ts"}
NONCES = "rpahub:wire-nonce:"
RUN = "run"  # The kind of source of what a running process asks for.


def open_password(call: Call, sent: str, field: str) -> str:
    """The secret that the parameter ``field`` carries, in plain text.

    Raises InvalidInput (10007) for a ciphertext that cannot be opened, whatever the reason, and for plain text that is not allowed here;
    HubError (20001) where it cannot be told whether a nonce was used before.
    """
    if is_inside(call):
        return sent  # What the hub says to itself was never on a wire.
    algorithm, body = _tag_of(sent)
    blob = layouts.decoded(body)
    if algorithm is None and (blob is None or len(blob) < layouts.SHORTEST):
        _refuse_plain(call, field)
        return sent
    text = _decrypted(call, algorithm, blob or b"")
    if text is None:
        raise InvalidInput(f"{field} 的密文无效（较长的十六进制或 base64 内容均按密文处理）")
    return _unwrapped(call, text, field)


def is_inside(call: Call) -> bool:
    """Whether the call never was on a wire: the hub's own, or one of a robot of this machine for the process that it runs."""
    return call.source.kind in ("internal", RUN)


def _tag_of(sent: str) -> tuple[Algorithm | None, str]:
    for algorithm in ALGORITHMS:
        if sent.startswith(f"{algorithm}:"):
            return algorithm, sent.removeprefix(f"{algorithm}:")
    return None, sent


def _decrypted(call: Call, algorithm: Algorithm | None, blob: bytes) -> str | None:
    for each in (algorithm,) if algorithm else ALGORITHMS:
        plain = call.hub.wire_keys.decrypt(each, blob)
        if plain is not None:
            return _text(plain)
    return None


def _text(plain: bytes) -> str | None:
    """The decrypted bytes as a text that a parameter may be."""
    try:
        text = plain.decode()
    except UnicodeDecodeError:
        return None
    return text if _is_secret(text) else None


def _refuse_plain(call: Call, field: str) -> None:
    """Raise InvalidInput where plain text is not allowed."""
    settings, source = call.hub.settings, call.source
    if not settings.allow_plain_passwords:
        raise InvalidInput(f"{field} 不接受明文，应使用密文")
    if not (settings.allow_plain_over_http or source.base_url.startswith("https://") or _is_loopback(source.client_ip)):
        raise InvalidInput(f"{field} 不接受未经 TLS 传输的明文，应使用密文")


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _unwrapped(call: Call, text: str, field: str) -> str:
    """The secret inside a wrapping, once only. Other text is the secret itself, unless the settings want a wrapping."""
    wrapping = _wrapping(text)
    if wrapping is None:
        if call.hub.settings.require_password_nonce:
            raise InvalidInput(f"{field} 的密文应包含 password、nonce 和 ts")
        return text
    password, nonce, sent_at = wrapping["password"], wrapping["nonce"], wrapping["ts"]
    if not (_is_secret(password) and isinstance(nonce, str) and 8 <= len(nonce) <= LONGEST_NONCE and _is_moment(sent_at)):
        raise InvalidInput(f"{field} 的密文无效")
    seconds = sent_at / 1000 if sent_at > MILLISECONDS else sent_at
    left = seconds + WINDOW - time.time()
    if not 0 < left <= 2 * WINDOW or not _is_first(call, nonce, left):
        raise InvalidInput(f"{field} 的密文已过期或已使用")
    return str(password)


def _wrapping(text: str) -> dict[str, Any] | None:
    if not text.startswith("{"):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and found.keys() == WRAPPING else None


def _is_secret(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value.strip()) <= LONGEST_SECRET and not re.search("[\x00\ud800-\udfff]", value)


def _is_moment(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < LATEST


def _is_first(call: Call, nonce: str, seconds: float) -> bool:
    """Whether the nonce was never seen in its time. Without Redis that cannot be told, so the call is refused."""
    key = NONCES + hashlib.sha256(nonce.encode("utf-8", "surrogatepass")).hexdigest()
    try:
        return bool(call.hub.redis.set(key, "", nx=True, ex=math.ceil(seconds)))
    except RedisError as error:
        raise HubError("暂时无法核对密文是否已使用，请稍后重试", retry_after=2) from error


def registered_key(call: Call) -> PublicKey:
    """The public key that the caller has registered. Raises Refused (30001) for a caller without one."""
    found = None
    if call.caller.employee_id is not None:
        found = select(RegisteredKey.public_key).where(RegisteredKey.employee_id == call.caller.employee_id)
    elif call.caller.application_id is not None:
        found = select(RegisteredKey.public_key).where(RegisteredKey.application_id == call.caller.application_id)
    elif call.caller.robot_id is not None:
        found = select(RegisteredKey.public_key).where(RegisteredKey.robot_id == call.caller.robot_id)
    text = call.session.scalar(found) if found is not None else None
    if text is None:
        raise Refused("调用者尚未登记公钥", code=codes.NO_PERMISSION)
    return PublicKey.read(text)


def key_of(call: Call, given: str | None, field: str) -> PublicKey:
    """The public key that the parameter ``field`` gives, else the registered one. Raises InvalidInput and Refused."""
    if not given:
        return registered_key(call)
    try:
        return PublicKey.read(given)
    except ValueError as error:
        raise InvalidInput(f"{field} 应为 SM2 公钥或不少于 2048 位的 RSA 公钥") from error


def seal_for(public_key: PublicKey, text: str) -> str:
    """A secret as it may be handed out (erratum E16): encrypted to this key. Raises InvalidInput where it is too long for an RSA key."""
    try:
        return public_key.encrypt(text.encode())
    except ValueError as error:
        raise InvalidInput("内容过长，无法用登记的 RSA 公钥加密，请登记 SM2 公钥") from error
