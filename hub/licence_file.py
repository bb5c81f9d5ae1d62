"""Licence files: what they say, and whether their signature is right.

A plain file is the JSON document itself. A signed one is ``{"payload", "signature", "algorithm": "Ed25519"}``: the payload is the base64 of
the document's bytes, so that the signature is over exactly what was signed, however the JSON is written.
"""
from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from marshmallow import ValidationError, pre_load

from config.settings import Settings
from plugins import codes
from plugins.errors import InvalidInput
from plugins.fields import Items, Moment, Record, Text, Whole
from plugins.files import FileContent

LARGEST = 1024**2
KEY_BYTES = 32
TYPE = r"[a-z0-9]+([:._-][a-z0-9]+)*"
PERPETUAL = "9999-12-31 23:59:59"
VERIFIED, UNSIGNED = "verified", "unsigned"
LONGEST_COMPLAINT = 300


class LicenceLine(Record):
    """So many seats of one type. Without an expiration, or with the printed one of erratum E71, they are perpetual."""

    type = Text("许可类型", longest=64, pattern=TYPE, required=True)
    quantity = Whole("数量", least=1, required=True)
    licenseExpirationTime = Moment("许可到期时间，格式为 yyyy-MM-dd HH:mm:ss")
    product = Text("产品名称", longest=128)
    connection = Text("厂商连接名称，缺省为内置机器人", longest=128)

    @pre_load
    def _drop_perpetual(self, data: Any, **_: Any) -> Any:
        """The last second of the calendar is no moment in every zone, so it is read before times are."""
        if isinstance(data, dict) and data.get("licenseExpirationTime") == PERPETUAL:
            return {key: value for key, value in data.items() if key != "licenseExpirationTime"}
        return data


class LicenceDocument(Record):
    """What a licence file says."""

    serial = Text("许可文件编号", longest=128)
    issuer = Text("签发方", longest=128)
    holder = Text("被许可方", longest=128)
    issueTime = Moment("签发时间，格式为 yyyy-MM-dd HH:mm:ss")
    licenses = Items(LicenceLine, "许可明细", required=True, most=1000)


@dataclass(frozen=True)
class LicenceFile:
    """A file that was read. ``signature`` is "verified" or "unsigned"; without a serial of its own, a file has that of its content."""

    document: dict[str, Any]
    signature: str
    serial: str


def read(file: FileContent, settings: Settings) -> LicenceFile:
    """Read a licence file. Raises InvalidInput when it is none, or when its signature is not right or cannot be checked."""
    if file.size > LARGEST:
        raise InvalidInput("许可文件过大", code=codes.TOO_LARGE)
    content = file.read()
    found = _object(content)
    signature = UNSIGNED
    if "payload" in found or "signature" in found:
        content = _verified(found, settings.licence_public_key)
        found, signature = _object(content), VERIFIED
    try:
        document = LicenceDocument(zone=ZoneInfo(settings.time_zone)).load(found)
    except ValidationError as error:
        complaint = json.dumps(error.normalized_messages(), ensure_ascii=False)[:LONGEST_COMPLAINT]
        raise InvalidInput(f"许可文件内容有误：{complaint}") from error
    return LicenceFile(document, signature, document.get("serial") or hashlib.sha256(content).hexdigest())


def _verified(envelope: dict[str, Any], public_key: str) -> bytes:
    """The payload of a signed file."""
    if envelope.get("algorithm", "Ed25519") != "Ed25519":
        raise InvalidInput("许可文件的签名算法应为 Ed25519")
    if not public_key:
        raise InvalidInput("许可文件带有签名，但未配置 licence_public_key，无法验证")
    try:
        payload, signature = (base64.b64decode(envelope[key], validate=True) for key in ("payload", "signature"))
        Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key)[-KEY_BYTES:]).verify(signature, payload)
    except (KeyError, TypeError, ValueError, InvalidSignature) as error:
        raise InvalidInput("许可文件的签名不正确") from error
    return payload


def _object(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InvalidInput("许可文件不是有效的 JSON") from error
    if not isinstance(found, dict):
        raise InvalidInput("许可文件应为 JSON 对象")
    return found
