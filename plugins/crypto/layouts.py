"""The forms in which SM2 ciphertext travels, and how to tell them apart.

Libraries disagree: C1C3C2 (the standard's order since 2012) or C1C2C3, with or without the byte 04 before C1, or ASN.1 DER (GB/T 35276);
written as hexadecimal digits or base64. What is found is told from the bytes alone: C1 must be on the curve, and C3 decides the order.
"""
from __future__ import annotations

import base64
import binascii
import re
from typing import Literal

from plugins.crypto import curve, der
from plugins.crypto.curve import SIZE
from plugins.crypto.sm2 import HASH_SIZE, Ciphertext, Sm2Error

Order = Literal["C1C3C2", "C1C2C3"]

UNCOMPRESSED = 0x04
SHORTEST = 2 * SIZE + HASH_SIZE + 1

_HEX = re.compile(r"(?:[0-9a-fA-F]{2})+")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")


def decoded(text: str) -> bytes | None:
    """The bytes of a text of hexadecimal digits or base64 (also url-safe, without padding, in several lines); None for any other text."""
    text = text.strip().replace("\r", "").replace("\n", "")
    if _HEX.fullmatch(text):
        return bytes.fromhex(text)
    if not _BASE64.fullmatch(text):
        return None
    digits = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(digits + "=" * (-len(digits) % 4), validate=True)
    except binascii.Error:
        return None


def readings(blob: bytes) -> list[Ciphertext]:
    """What the bytes can mean as an SM2 ciphertext, the likeliest first: nothing, one thing (DER), or one for each order."""
    if blob[:1] == bytes((der.SEQUENCE,)):
        try:
            return [from_der(blob)]
        except Sm2Error:
            # Without the byte 04, C1 itself may begin like a sequence.
            return _raw(blob)
    return (_raw(blob[1:]) if blob[:1] == bytes((UNCOMPRESSED,)) else []) or _raw(blob)


def _raw(blob: bytes) -> list[Ciphertext]:
    c1 = (int.from_bytes(blob[:SIZE]), int.from_bytes(blob[SIZE : 2 * SIZE]))
    rest = blob[2 * SIZE :]
    if len(blob) < SHORTEST or not curve.is_on_curve(c1):
        return []
    return [
        Ciphertext(c1, c2=rest[HASH_SIZE:], c3=rest[:HASH_SIZE]),
        Ciphertext(c1, c2=rest[:-HASH_SIZE], c3=rest[-HASH_SIZE:]),
    ]


def to_raw(sealed: Ciphertext, order: Order = "C1C3C2") -> bytes:
    """C1 with its leading 04, and the rest in this order."""
    c1 = bytes((UNCOMPRESSED,)) + sealed.c1[0].to_bytes(SIZE) + sealed.c1[1].to_bytes(SIZE)
    return c1 + (sealed.c3 + sealed.c2 if order == "C1C3C2" else sealed.c2 + sealed.c3)


def to_der(sealed: Ciphertext) -> bytes:
    """SEQUENCE of x, y, C3 and C2."""
    c1 = der.integer(sealed.c1[0]) + der.integer(sealed.c1[1])
    return der.item(der.SEQUENCE, c1 + der.item(der.OCTETS, sealed.c3) + der.item(der.OCTETS, sealed.c2))


def from_der(blob: bytes) -> Ciphertext:
    """The ciphertext in DER. Raises Sm2Error when it is something else."""
    try:
        x, y, c3, c2 = der.read_sequence(blob, der.INTEGER, der.INTEGER, der.OCTETS, der.OCTETS)
        return Ciphertext((der.read_integer(x), der.read_integer(y)), c2=c2, c3=c3)
    except der.DerError as error:
        raise Sm2Error("not an SM2 ciphertext") from error
