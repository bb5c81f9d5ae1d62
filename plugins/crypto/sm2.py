"""SM2: public-key encryption (GB/T 32918.4) and signatures (GB/T 32918.2), behind one small interface with two makers.

``best()`` gives the one to use: GmSSL's through ``gmssl-pyx`` where that is installed (the extra ``gm``), else ours on Python's integers.
Both refuse a ciphertext whose C1 is not on the curve or whose C3 does not fit, always.
"""
from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Protocol

from cryptography.hazmat.primitives import hashes

from plugins.crypto import curve
from plugins.crypto.curve import SIZE, Point

SIGNER = b"1234567812345678"
HASH_SIZE = 32


class Sm2Error(ValueError):
    """A key, a ciphertext or a signature that is not one. The message never says which part did not fit."""


@dataclass(frozen=True)
class Ciphertext:
    """An SM2 ciphertext in its parts: the point C1, the encrypted text C2, and the check value C3."""

    c1: Point
    c2: bytes
    c3: bytes


class Sm2(Protocol):
    """What a maker of SM2 does. Public keys are x and y (64 bytes), private keys 32 bytes, signatures r and s (64 bytes)."""

    def encrypt(self, public: bytes, plain: bytes) -> Ciphertext:
        """Encrypt for the holder of the private key. Raises Sm2Error for an empty text or a key that is none."""

    def decrypt(self, private: bytes, sealed: Ciphertext) -> bytes:
        """The text of a ciphertext. Raises Sm2Error where it was made for another key, or changed."""

    def sign(self, private: bytes, message: bytes) -> bytes:
        """A signature with the default signer id."""

    def verify(self, public: bytes, message: bytes, signature: bytes) -> bool:
        """Whether the signature is of this message and by this key."""


def best() -> Sm2:
    """GmSSL's SM2 where it is installed, else ours."""
    try:
        from plugins.crypto.gmssl import GmSsl
    except ImportError:
        return PythonSm2()
    return GmSsl()


def new_pair() -> tuple[bytes, bytes]:
    """A new private key and its public key."""
    private = curve.random_scalar()
    return _bytes(private), public_of(_bytes(private))


def public_of(private: bytes) -> bytes:
    """The public key of a private one."""
    return _joined(_product(_scalar(private), curve.G))


def point_of(public: bytes) -> Point:
    """The point of a public key. Raises Sm2Error when it is not on the curve."""
    point = (int.from_bytes(public[:SIZE]), int.from_bytes(public[SIZE:]))
    if len(public) != 2 * SIZE or not curve.is_on_curve(point):
        raise Sm2Error("not an SM2 public key")
    return point


class PythonSm2:
    """SM2 on Python's integers and the SM3 of ``cryptography``: 2 to 4 milliseconds for an operation, for texts of any length."""

    def encrypt(self, public: bytes, plain: bytes) -> Ciphertext:
        """See Sm2."""
        target = point_of(public)
        if not plain:
            raise Sm2Error("SM2 encrypts no empty text")
        while True:
            secret = curve.random_scalar()
            shared = _joined(_product(secret, target))
            stream = _key_stream(shared, len(plain))
            if any(stream):  # A stream of zeros would leave the text as it is; the standard takes a new number then.
                return Ciphertext(_product(secret, curve.G), _xor(plain, stream), _check_value(shared, plain))

    def decrypt(self, private: bytes, sealed: Ciphertext) -> bytes:
        """See Sm2. The check value is compared in constant time before anything of the text is given away."""
        if not curve.is_on_curve(sealed.c1) or not sealed.c2 or len(sealed.c3) != HASH_SIZE:
            raise Sm2Error("not an SM2 ciphertext")
        shared = _joined(_product(_scalar(private), sealed.c1))
        stream = _key_stream(shared, len(sealed.c2))
        plain = _xor(sealed.c2, stream)
        if not (hmac.compare_digest(_check_value(shared, plain), sealed.c3) and any(stream)):
            raise Sm2Error("not an SM2 ciphertext")
        return plain

    def sign(self, private: bytes, message: bytes) -> bytes:
        """See Sm2."""
        key = _scalar(private)
        digest = _message_digest(public_of(private), message)
        while True:
            secret = curve.random_scalar()
            r = (digest + _product(secret, curve.G)[0]) % curve.N
            s = pow(1 + key, -1, curve.N) * (secret - r * key) % curve.N
            if r and s and r + secret != curve.N:
                return _bytes(r) + _bytes(s)

    def verify(self, public: bytes, message: bytes, signature: bytes) -> bool:
        """See Sm2."""
        target = point_of(public)
        r, s = int.from_bytes(signature[:SIZE]), int.from_bytes(signature[SIZE:])
        if len(signature) != 2 * SIZE or not (0 < r < curve.N and 0 < s < curve.N) or (r + s) % curve.N == 0:
            return False
        found = curve.multiply_add(s, (r + s) % curve.N, target)
        return found is not None and (_message_digest(public, message) + found[0]) % curve.N == r


def sm3(*parts: bytes) -> bytes:
    """The SM3 digest of the parts one after the other."""
    digest = hashes.Hash(hashes.SM3())
    for part in parts:
        digest.update(part)
    return digest.finalize()


def _message_digest(public: bytes, message: bytes) -> int:
    """The number e = SM3(Z || M), where Z binds the signer's id and key (GB/T 32918.2, 5.5)."""
    parameters = b"".join(_bytes(each) for each in (curve.A, curve.B, *curve.G))
    bound = sm3((len(SIGNER) * 8).to_bytes(2), SIGNER, parameters, public)
    return int.from_bytes(sm3(bound, message))


def _key_stream(shared: bytes, length: int) -> bytes:
    """The key derivation function of GB/T 32918.4, 5.4.3."""
    rounds = range(1, -(-length // HASH_SIZE) + 1)
    return b"".join(sm3(shared, each.to_bytes(4)) for each in rounds)[:length]


def _check_value(shared: bytes, plain: bytes) -> bytes:
    return sm3(shared[:SIZE], plain, shared[SIZE:])


def _product(scalar: int, point: Point) -> Point:
    found = curve.multiply(scalar, point)
    if found is None:
        raise Sm2Error("not an SM2 ciphertext")
    return found


def _scalar(private: bytes) -> int:
    scalar = int.from_bytes(private)
    if len(private) != SIZE or not 0 < scalar < curve.N - 1:
        raise Sm2Error("not an SM2 private key")
    return scalar


def _xor(one: bytes, two: bytes) -> bytes:
    return (int.from_bytes(one) ^ int.from_bytes(two)).to_bytes(len(one))


def _bytes(number: int) -> bytes:
    return number.to_bytes(SIZE)


def _joined(point: Point) -> bytes:
    return _bytes(point[0]) + _bytes(point[1])
