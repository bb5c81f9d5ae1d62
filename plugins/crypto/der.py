"""The few pieces of ASN.1 DER that SM2 needs: ciphertexts (GB/T 35276) and signatures, as GmSSL and OpenSSL write them."""
from __future__ import annotations

INTEGER, OCTETS, SEQUENCE = 0x02, 0x04, 0x30


class DerError(ValueError):
    """Bytes that are not the DER that was expected."""


def item(tag: int, content: bytes) -> bytes:
    """One element."""
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    digits = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes((tag, 0x80 | len(digits))) + digits + content


def integer(number: int) -> bytes:
    """A number that is not negative."""
    return item(INTEGER, number.to_bytes(number.bit_length() // 8 + 1))


def read_integer(content: bytes) -> int:
    """The number of an INTEGER. Raises DerError for a negative one."""
    if not content or content[0] & 0x80:
        raise DerError("not a natural number")
    return int.from_bytes(content)


def read_sequence(blob: bytes, *tags: int) -> list[bytes]:
    """The contents of a SEQUENCE of elements with these tags and nothing else. Raises DerError for anything else."""
    content, rest = _read(blob, SEQUENCE)
    if rest:
        raise DerError("bytes after the end")
    found = []
    for tag in tags:
        each, content = _read(content, tag)
        found.append(each)
    if content:
        raise DerError("more elements than expected")
    return found


def _read(blob: bytes, tag: int) -> tuple[bytes, bytes]:
    """The content of the first element, and what follows it."""
    if len(blob) < 2 or blob[0] != tag:
        raise DerError("another element than expected")
    start, size = 2, blob[1]
    if size & 0x80:
        count = size & 0x7F
        start, size = 2 + count, int.from_bytes(blob[2 : 2 + count])
        if not 1 <= count <= 3 or size < 0x80:
            raise DerError("not a length")
    if len(blob) < start + size:
        raise DerError("cut off")
    return blob[start : start + size], blob[start + size :]
