"""Public keys as they are published, registered and used: SM2 or RSA, told apart by what they are."""
from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import Literal

from plugins.crypto import layouts, rsa
from plugins.crypto.curve import SIZE
from plugins.crypto.sm2 import best, point_of

Algorithm = Literal["SM2", "RSA"]
ALGORITHMS: tuple[Algorithm, ...] = ("SM2", "RSA")

# SubjectPublicKeyInfo of an SM2 key, up to its point: id-ecPublicKey on the curve 1.2.156.10197.1.301.
_SM2_HEAD = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d034200") + bytes((layouts.UNCOMPRESSED,))
_PEM = re.compile(r"-----BEGIN PUBLIC KEY-----(.+)-----END PUBLIC KEY-----", re.DOTALL)


@dataclass(frozen=True)
class PublicKey:
    """A public key. ``data`` is x and y of an SM2 key, or the SubjectPublicKeyInfo of an RSA key."""

    algorithm: Algorithm
    data: bytes

    @classmethod
    def read(cls, text: str) -> PublicKey:
        """A key in PEM, in base64 of DER, or (SM2) as the digits of its point. Raises ValueError, which says nothing of the key."""
        pem = _PEM.search(text)
        blob = layouts.decoded(pem[1] if pem else text) or b""
        if len(blob) == 2 * SIZE + 1 and blob[0] == layouts.UNCOMPRESSED:
            blob = blob[1:]
        elif blob.startswith(_SM2_HEAD):
            blob = blob.removeprefix(_SM2_HEAD)
        if len(blob) != 2 * SIZE:
            return cls("RSA", rsa.read_public(blob))
        point_of(blob)
        return cls("SM2", blob)

    @property
    def info(self) -> bytes:
        """SubjectPublicKeyInfo, in DER."""
        return self.data if self.algorithm == "RSA" else _SM2_HEAD + self.data

    @property
    def text(self) -> str:
        """The form that most libraries take: of an SM2 key the hexadecimal digits of its point with 04 before, of an RSA key base64 of DER."""
        return f"04{self.data.hex()}" if self.algorithm == "SM2" else base64.b64encode(self.data).decode()

    @property
    def pem(self) -> str:
        """The key in PEM."""
        digits = base64.b64encode(self.info).decode()
        lines = "\n".join(digits[start : start + 64] for start in range(0, len(digits), 64))
        return f"-----BEGIN PUBLIC KEY-----\n{lines}\n-----END PUBLIC KEY-----\n"

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the key, by which people compare it."""
        return hashlib.sha256(self.info).hexdigest()

    def encrypt(self, plain: bytes) -> str:
        """A ciphertext as it goes over the wire, with its tag: SM2 as C1C3C2 in hexadecimal digits, RSA in base64. Raises ValueError."""
        if self.algorithm == "RSA":
            return f"RSA:{base64.b64encode(rsa.encrypt(self.data, plain)).decode()}"
        return f"SM2:{layouts.to_raw(best().encrypt(self.data, plain)).hex()}"
