"""SM2 by GmSSL, in C, through the package ``gmssl-pyx`` (extra ``gm``). It speaks DER and takes texts of up to 255 bytes."""
from __future__ import annotations

import gmssl_pyx

from plugins.crypto import curve, der, layouts
from plugins.crypto.sm2 import HASH_SIZE, SIZE, Ciphertext, PythonSm2, Sm2Error, point_of, public_of

LONGEST = 255


class GmSsl(PythonSm2):
    """GmSSL's SM2; what is too long for it is left to ours."""

    def encrypt(self, public: bytes, plain: bytes) -> Ciphertext:
        """See Sm2."""
        point_of(public)
        if not 0 < len(plain) <= LONGEST:
            return super().encrypt(public, plain)
        return layouts.from_der(gmssl_pyx.sm2_encrypt(public, plain))

    def decrypt(self, private: bytes, sealed: Ciphertext) -> bytes:
        """See Sm2. C1 is checked here, as GmSSL writes a line to stderr for each ciphertext that it refuses."""
        if not 0 < len(sealed.c2) <= LONGEST:
            return super().decrypt(private, sealed)
        if not curve.is_on_curve(sealed.c1) or len(sealed.c3) != HASH_SIZE:
            raise Sm2Error("not an SM2 ciphertext")
        try:
            plain: bytes = gmssl_pyx.sm2_decrypt(private, layouts.to_der(sealed))
        except gmssl_pyx.GmsslInnerError as error:
            raise Sm2Error("not an SM2 ciphertext") from error
        return plain

    def sign(self, private: bytes, message: bytes) -> bytes:
        """See Sm2."""
        signature = gmssl_pyx.sm2_sign(private, public_of(private), message)
        return b"".join(der.read_integer(each).to_bytes(SIZE) for each in der.read_sequence(signature, der.INTEGER, der.INTEGER))

    def verify(self, public: bytes, message: bytes, signature: bytes) -> bool:
        """See Sm2."""
        point_of(public)
        if len(signature) != 2 * SIZE:
            return False
        numbers = (int.from_bytes(signature[:SIZE]), int.from_bytes(signature[SIZE:]))
        return bool(gmssl_pyx.sm2_verify(public, message, der.item(der.SEQUENCE, b"".join(map(der.integer, numbers)))))
