"""The SM2 curve (GB/T 32918.5, the recommended 256-bit prime curve) and its arithmetic on Python's integers.

Python cannot compute in constant time, so a secret scalar is never used as it is: a random multiple of the order is added to it and the
point gets random projective coordinates, which makes the time of one multiplication tell nothing about the next.
"""
from __future__ import annotations

import secrets

P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A = P - 3
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
G = (
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
)

SIZE = 32
BLINDING_BITS = 64
WINDOW = 4

Point = tuple[int, int]
# Jacobian coordinates: (X, Y, Z) stands for (X / Z², Y / Z³); Z = 0 is the point at infinity.
_Projective = tuple[int, int, int]
_INFINITY: _Projective = (1, 1, 0)


def is_on_curve(point: Point) -> bool:
    """Whether the coordinates are those of a point of the curve. Its cofactor is 1, so every such point is of the right order."""
    x, y = point
    return 0 <= x < P and 0 <= y < P and (y * y - (x * x * x + A * x + B)) % P == 0


def random_scalar() -> int:
    """A random number from 1 to N - 2, which is what a private key may be (GB/T 32918.1, 6.1)."""
    return secrets.randbelow(N - 2) + 1


def multiply(scalar: int, point: Point) -> Point | None:
    """``scalar`` times ``point``; None is the point at infinity. Safe for secret scalars, as far as Python's integers allow."""
    blinded = scalar + N * (secrets.randbits(BLINDING_BITS) | 1 << BLINDING_BITS)
    z = secrets.randbelow(P - 1) + 1
    return _affine(_times(blinded, (point[0] * z * z % P, point[1] * z * z * z % P, z)))


def multiply_add(first: int, second: int, point: Point) -> Point | None:
    """``first`` times G plus ``second`` times ``point``, for the check of a signature: nothing here is secret."""
    return _affine(_add(_times(first, (*G, 1)), _times(second, (*point, 1))))


def _times(scalar: int, point: _Projective) -> _Projective:
    multiples = [_INFINITY, point]
    while len(multiples) < 1 << WINDOW:
        multiples.append(_add(multiples[-1], point))
    result = _INFINITY
    for shift in range(-(-scalar.bit_length() // WINDOW) * WINDOW - WINDOW, -1, -WINDOW):
        for _ in range(WINDOW):
            result = _double(result)
        result = _add(result, multiples[scalar >> shift & (1 << WINDOW) - 1])
    return result


def _double(point: _Projective) -> _Projective:
    x, y, z = point
    zz, yy = z * z % P, y * y % P
    beta = x * yy % P
    alpha = 3 * (x - zz) * (x + zz) % P
    x3 = (alpha * alpha - 8 * beta) % P
    return x3, (alpha * (4 * beta - x3) - 8 * yy * yy) % P, 2 * y * z % P


def _add(one: _Projective, two: _Projective) -> _Projective:
    x1, y1, z1 = one
    x2, y2, z2 = two
    if z1 == 0:
        return two
    if z2 == 0:
        return one
    z1z1, z2z2 = z1 * z1 % P, z2 * z2 % P
    u1, s1 = x1 * z2z2 % P, y1 * z2 * z2z2 % P
    h, r = (x2 * z1z1 - u1) % P, (y2 * z1 * z1z1 - s1) % P
    if h == 0:
        return _double(one) if r == 0 else _INFINITY
    hh = h * h % P
    hhh, v = h * hh % P, u1 * hh % P
    x3 = (r * r - hhh - 2 * v) % P
    return x3, (r * (v - x3) - s1 * hhh) % P, z1 * z2 * h % P


def _affine(point: _Projective) -> Point | None:
    x, y, z = point
    if z == 0:
        return None
    inverse = pow(z, -1, P)
    return x * inverse * inverse % P, y * inverse * inverse * inverse % P
