"""Passwords on their way to a peer (erratum E15): encrypted where the peer has a public key, plain only where nobody can listen."""
from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from adapters.standard import envelope
from adapters.standard.form import chosen
from plugins import Connection, HubError, VendorError
from plugins.crypto import layouts, rsa
from plugins.crypto.public_key import PublicKey
from plugins.crypto.sm2 import best

PATH = "/api/ext/crypto/public-key"


@dataclass(frozen=True)
class PublishedKey:
    """A key that the peer publishes, and its clock (seconds). Peers that publish one understand a wrapping against replay."""

    key: PublicKey
    clock: int


def sealed(connection: Connection, text: str, ask: Callable[[str, dict[str, Any]], dict[str, Any]]) -> str:
    """A secret as the peer wants it. ``ask`` puts a question to an address of the peer without a token. Raises HubError."""
    way = chosen(connection, "cipher", "auto")
    given = chosen(connection, "public_key", "")
    if way == "plain":
        return plain(connection, text)
    if given:
        return _encrypted(connection, _read(given, way), text)
    if not _is_trusted(connection):
        raise VendorError("经 HTTP 取得的公钥无法确认真伪：请使用 https 地址，或在连接选项 public_key 中填写对方公钥")
    found = _published(ask, "SM2" if way == "auto" else way)
    if found is None and way == "auto":
        return plain(connection, text)
    if found is None:
        raise VendorError("对方未提供公钥，请在连接选项 public_key 中填写")
    wrapping = {"password": text, "nonce": uuid.uuid4().hex, "ts": found.clock}
    return found.key.encrypt(json.dumps(wrapping, ensure_ascii=False).encode())


def plain(connection: Connection, text: str) -> str:
    """The secret as it is. Raises VendorError where others could read it on the way."""
    if not _is_trusted(connection):
        raise VendorError("不经 TLS 向其他机器发送明文密码或密钥已被拒绝，请使用 https 地址或设置加密方式")
    return text


def _is_trusted(connection: Connection) -> bool:
    """Whether it is certain who answers, and that nobody listens; or whether an option says not to mind."""
    return bool(connection.options.get("allow_plain_over_http")) or _is_private(connection.address)


def _is_private(address: str) -> bool:
    parts = urlsplit(address)
    try:
        return parts.scheme == "https" or parts.hostname == "localhost" or ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False


def _read(text: str, way: str) -> PublicKey:
    try:
        key = PublicKey.read(text)
    except ValueError as error:
        raise VendorError("公钥无法识别") from error
    if way not in ("auto", key.algorithm):
        raise VendorError(f"公钥不是 {way} 公钥")
    return key


def _published(ask: Callable[[str, dict[str, Any]], dict[str, Any]], algorithm: str) -> PublishedKey | None:
    """The key that the peer publishes; None where it says that it has no such thing."""
    try:
        found = ask(PATH, {"algorithm": algorithm})
    except HubError as error:
        if envelope.is_turned_away(error):
            return None
        raise
    if not found.get("publicKey"):
        return None
    clock = found.get("timestamp")
    if not isinstance(clock, int):
        raise VendorError("对方公布的公钥没有服务器时间")
    return PublishedKey(_read(str(found["publicKey"]), algorithm), clock)


def _encrypted(connection: Connection, key: PublicKey, text: str) -> str:
    """A bare ciphertext, in the layout and encoding that the connection names."""
    if key.algorithm == "RSA":
        content, usual = rsa.encrypt(key.data, text.encode()), "base64"
    else:
        parts, usual = best().encrypt(key.data, text.encode()), "hex"
        layout = chosen(connection, "cipher_layout", "C1C3C2")
        content = layouts.to_der(parts) if layout == "ASN1" else layouts.to_raw(parts, "C1C2C3" if layout == "C1C2C3" else "C1C3C2")
    encoding = chosen(connection, "cipher_encoding", usual)
    return content.hex() if encoding == "hex" else base64.b64encode(content).decode()
