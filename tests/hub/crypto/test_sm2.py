"""SM2, SM3 and SM4 give the known answers of the national standards, whichever maker computes SM2."""
from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from hub.crypto import at_rest
from plugins.crypto import curve, layouts, sm2
from plugins.crypto.sm2 import PythonSm2, Sm2, Sm2Error

# GB/T 32918.5, annexes A and C: the recommended curve with the private key, the random number and the results printed there.
PRIVATE = bytes.fromhex("3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8")
PUBLIC = bytes.fromhex(
    "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
)
RANDOM = 0x59276E27D506861A16680F3AD9C02DCCEF3CC1FA3CDBE4CE6D54B80DEAC1BC21
C1 = (
    "04"
    "04EBFC718E8D1798620432268E77FEB6415E2EDE0E073C0F4F640ECD2E149A73E858F9D81E5430A57B36DAAB8F950A3C64E6EE6A63094D99283AFF767E124DF0"
)
C2 = "21886CA989CA9C7D58087307CA93092D651EFA"
C3 = "59983C18F809E262923C53AEC295D30383B54E39D609D160AFCB1908D0BD8766"
SIGNATURE = bytes.fromhex(
    "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA"
)
CIPHERTEXT = layouts.readings(bytes.fromhex(C1 + C3 + C2))[0]


@pytest.fixture(params=["python", "gmssl"])
def maker(request: pytest.FixtureRequest) -> Sm2:
    """Each maker of SM2 that is installed."""
    if request.param == "python":
        return PythonSm2()
    if importlib.util.find_spec("gmssl_pyx") is None:
        pytest.skip("gmssl-pyx is not installed")
    from plugins.crypto.gmssl import GmSsl

    return GmSsl()


def test_gmssl_is_used_where_it_is_installed_and_ours_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    installed = importlib.util.find_spec("gmssl_pyx") is not None
    assert type(sm2.best()).__name__ == ("GmSsl" if installed else "PythonSm2")
    monkeypatch.setitem(sys.modules, "gmssl_pyx", None)
    monkeypatch.delitem(sys.modules, "plugins.crypto.gmssl", raising=False)
    assert type(sm2.best()) is PythonSm2


def test_public_key_is_the_printed_one() -> None:
    assert sm2.public_of(PRIVATE) == PUBLIC


def test_printed_ciphertext_decrypts(maker: Sm2) -> None:
    assert maker.decrypt(PRIVATE, CIPHERTEXT) == b"encryption standard"


def test_encryption_with_the_printed_random_number_gives_the_printed_ciphertext(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curve, "random_scalar", lambda: RANDOM)
    made = PythonSm2().encrypt(PUBLIC, b"encryption standard")
    assert layouts.to_raw(made).hex().upper() == C1 + C3 + C2
    assert layouts.to_raw(made, "C1C2C3").hex().upper() == C1 + C2 + C3


def test_printed_signature_verifies_and_is_made(maker: Sm2, monkeypatch: pytest.MonkeyPatch) -> None:
    assert maker.verify(PUBLIC, b"message digest", SIGNATURE)
    monkeypatch.setattr(curve, "random_scalar", lambda: RANDOM)
    assert PythonSm2().sign(PRIVATE, b"message digest") == SIGNATURE


def test_changed_message_key_or_signature_does_not_verify(maker: Sm2) -> None:
    other = sm2.new_pair()[1]
    assert not maker.verify(PUBLIC, b"message digest!", SIGNATURE)
    assert not maker.verify(other, b"message digest", SIGNATURE)
    for position in range(0, 64, 7):
        assert not maker.verify(PUBLIC, b"message digest", flipped(SIGNATURE, position)), position
    for wrong in (b"", SIGNATURE[:-1], bytes(64), curve.N.to_bytes(32) + SIGNATURE[32:], SIGNATURE[:32] + curve.N.to_bytes(32)):
        assert not maker.verify(PUBLIC, b"message digest", wrong)


@pytest.mark.parametrize("length", [1, 31, 32, 33, 255, 256, 4000])
def test_texts_of_any_length_come_back(maker: Sm2, length: int) -> None:
    plain = bytes(range(256)) * 16
    private, public = sm2.new_pair()
    assert maker.decrypt(private, maker.encrypt(public, plain[:length])) == plain[:length]
    assert PythonSm2().decrypt(private, maker.encrypt(public, plain[:length])) == plain[:length]
    assert maker.verify(public, plain[:length], maker.sign(private, plain[:length]))


def test_every_flipped_bit_is_refused(maker: Sm2) -> None:
    for position in range(len(CIPHERTEXT.c2)):
        refuses(maker, replace(CIPHERTEXT, c2=flipped(CIPHERTEXT.c2, position)))
    for position in range(len(CIPHERTEXT.c3)):
        refuses(maker, replace(CIPHERTEXT, c3=flipped(CIPHERTEXT.c3, position)))
    x, y = CIPHERTEXT.c1
    for bit in range(0, 256, 5):
        refuses(maker, replace(CIPHERTEXT, c1=(x ^ 1 << bit, y)))
        refuses(maker, replace(CIPHERTEXT, c1=(x, y ^ 1 << bit)))


def test_foreign_parts_are_refused(maker: Sm2) -> None:
    x, y = CIPHERTEXT.c1
    other = curve.multiply(5, curve.G)
    assert other is not None
    for wrong in (
        replace(CIPHERTEXT, c1=other),  # on the curve, but another point
        replace(CIPHERTEXT, c1=(x, curve.P - y)),
        replace(CIPHERTEXT, c1=(x + curve.P, y)),
        replace(CIPHERTEXT, c1=(0, 0)),
        replace(CIPHERTEXT, c2=CIPHERTEXT.c2[:-1]),
        replace(CIPHERTEXT, c2=b""),
        replace(CIPHERTEXT, c3=CIPHERTEXT.c3[:-1]),
        replace(CIPHERTEXT, c3=b""),
    ):
        refuses(maker, wrong)
    with pytest.raises(Sm2Error):
        maker.decrypt(sm2.new_pair()[0], CIPHERTEXT)


def test_keys_that_are_none_are_refused(maker: Sm2) -> None:
    for public in (b"", PUBLIC[:-1], bytes(64), flipped(PUBLIC, 3)):
        with pytest.raises(Sm2Error):
            maker.encrypt(public, b"text")
    for private in (b"", bytes(32), (curve.N - 1).to_bytes(32), PRIVATE[:-1]):
        with pytest.raises(Sm2Error):
            PythonSm2().decrypt(private, CIPHERTEXT)
    with pytest.raises(Sm2Error):
        maker.encrypt(PUBLIC, b"")


def test_two_encryptions_of_one_text_differ(maker: Sm2) -> None:
    assert maker.encrypt(PUBLIC, b"text") != maker.encrypt(PUBLIC, b"text")


def test_curve_arithmetic_holds_at_its_corners() -> None:
    assert curve.multiply(curve.N, curve.G) is None
    assert curve.multiply(0, curve.G) is None
    assert curve.multiply(1, curve.G) == curve.G
    assert curve.multiply(curve.N - 1, curve.G) == (curve.G[0], curve.P - curve.G[1])
    double, triple = curve.multiply(2, curve.G), curve.multiply(3, curve.G)
    assert double is not None and triple is not None
    assert curve.multiply_add(1, 1, double) == triple
    assert curve.multiply_add(1, 1, curve.G) == double
    assert curve.multiply_add(curve.N - 1, 1, curve.G) is None
    assert all(curve.is_on_curve(point) for point in (curve.G, double, triple))


def test_sm3_gives_the_printed_digests() -> None:
    # GB/T 32905, annex A.
    assert sm2.sm3(b"abc").hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    assert sm2.sm3(b"abcd" * 8, b"abcd" * 8).hex() == "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"


def test_sm4_gives_the_printed_block() -> None:
    # GB/T 32907, annex A.1.
    key = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
    encryptor = Cipher(algorithms.SM4(key), modes.ECB()).encryptor()
    assert encryptor.update(key).hex().upper() == "681EDF34D206965E86B3E94F536E4246"


def test_sm4_gcm_gives_the_published_answer() -> None:
    # RFC 8998, appendix A.1.
    key = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
    bound = bytes.fromhex("FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2")
    plain = "".join(letter * 16 for letter in "ABCDEFEA")
    sealed = bytes.fromhex(
        "00001234567800000000ABCD"
        "17F399F08C67D5EE19D0DC9969C4BB7D5FD46FD3756489069157B282BB200735D82710CA5C22F0CCFA7CBF93D496AC15A56834CBCF98C397B4024A2691233B8D"
        "83DE3541E4C2B58177E065A9BF7B62EC"
    )
    assert at_rest.decrypt(at_rest.Cipher.SM4, key, sealed, bound).hex().upper() == plain


def refuses(maker: Sm2, wrong: sm2.Ciphertext) -> None:
    with pytest.raises(Sm2Error) as caught:
        maker.decrypt(PRIVATE, wrong)
    assert str(caught.value) == "not an SM2 ciphertext"


def flipped(blob: bytes, position: int) -> bytes:
    return blob[:position] + bytes((blob[position] ^ 1,)) + blob[position + 1 :]
