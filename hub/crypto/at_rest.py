"""Authenticated encryption of secrets at rest: AES-256-GCM, or SM4-GCM (GB/T 32907, RFC 8998) where national algorithms are asked for."""
from __future__ import annotations

import os
from enum import StrEnum

from cryptography.hazmat.primitives import ciphers
from cryptography.hazmat.primitives.ciphers import algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12
TAG_BYTES = 16
SM4_KEY_BYTES = 16


class Cipher(StrEnum):
    """The ciphers, by their names in sealed values."""

    AES = "aes"
    SM4 = "sm4"


def encrypt(cipher: Cipher, key: bytes, plain: bytes, bound: bytes) -> bytes:
    """Nonce, ciphertext and tag. ``key`` has 32 bytes, of which SM4 uses the first 16; ``bound`` is authenticated with the text."""
    nonce = os.urandom(NONCE_BYTES)
    if cipher is Cipher.AES:
        return nonce + AESGCM(key).encrypt(nonce, plain, bound)
    encryptor = ciphers.Cipher(algorithms.SM4(key[:SM4_KEY_BYTES]), modes.GCM(nonce)).encryptor()
    encryptor.authenticate_additional_data(bound)
    return nonce + encryptor.update(plain) + encryptor.finalize() + encryptor.tag


def decrypt(cipher: Cipher, key: bytes, blob: bytes, bound: bytes) -> bytes:
    """What ``encrypt`` encrypted. Raises cryptography's InvalidTag, or ValueError for what is no ciphertext at all."""
    if len(blob) < NONCE_BYTES + TAG_BYTES:
        raise ValueError("too short")
    nonce, body, tag = blob[:NONCE_BYTES], blob[NONCE_BYTES:-TAG_BYTES], blob[-TAG_BYTES:]
    if cipher is Cipher.AES:
        return AESGCM(key).decrypt(nonce, body + tag, bound)
    decryptor = ciphers.Cipher(algorithms.SM4(key[:SM4_KEY_BYTES]), modes.GCM(nonce, tag)).decryptor()
    decryptor.authenticate_additional_data(bound)
    return decryptor.update(body) + decryptor.finalize()
