"""RSA-OAEP with SHA-256, for callers that have no SM2."""
from __future__ import annotations

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

BITS = 3072
LEAST_BITS = 2048
PUBLIC_EXPONENT = 65537


class RsaError(ValueError):
    """A key or a ciphertext that is not one. The message never says why."""


def new_pair() -> tuple[bytes, bytes]:
    """A new private key (PKCS#8) and its public key (SubjectPublicKeyInfo), both in DER. Takes about half a second."""
    private = rsa.generate_private_key(PUBLIC_EXPONENT, BITS)
    plain = private.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return plain, _spki(private.public_key())


def decrypt(private: rsa.RSAPrivateKey, sealed: bytes) -> bytes:
    """The text of a ciphertext. Raises RsaError where it was made for another key, or changed."""
    try:
        return private.decrypt(sealed, _oaep())
    except ValueError as error:
        raise RsaError("not an RSA ciphertext") from error


def encrypt(public: bytes, plain: bytes) -> bytes:
    """Encrypt for the holder of the private key. Raises RsaError when the text is too long for the key."""
    try:
        return _loaded(public).encrypt(plain, _oaep())
    except ValueError as error:
        raise RsaError("too long for RSA") from error


def load_private(plain: bytes) -> rsa.RSAPrivateKey:
    """A private key that new_pair made. It is not checked again, which would take longer than a hundred decryptions."""
    key = serialization.load_der_private_key(plain, None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def read_public(spki: bytes) -> bytes:
    """A public key as a caller sent it, in DER. Raises RsaError for another kind of key, or one that is too short."""
    key = _loaded(spki)
    if key.key_size < LEAST_BITS:
        raise RsaError("RSA key too short")
    return _spki(key)


def _loaded(spki: bytes) -> rsa.RSAPublicKey:
    try:
        key = serialization.load_der_public_key(spki)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise RsaError("not an RSA public key") from error
    if not isinstance(key, rsa.RSAPublicKey):
        raise RsaError("not an RSA public key")
    return key


def _spki(key: rsa.RSAPublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _oaep() -> padding.OAEP:
    return padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
