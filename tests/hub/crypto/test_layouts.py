"""Ciphertext of the libraries that callers use decrypts, in whatever layout and encoding they write it."""
from __future__ import annotations

import base64

import pytest

from hub.crypto.private_key import Sm2Key
from plugins.crypto import der, layouts, sm2
from plugins.crypto.layouts import decoded
from plugins.crypto.sm2 import PythonSm2

TEXT = "口令 Pa55-word!"
KEY = Sm2Key(bytes.fromhex("3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8"), PythonSm2())

# Each made once by the named library, for the public key of GB/T 32918.5.
RECORDED = {
    "sm-crypto 0.5.8 (JavaScript), C1C3C2 without 04": (
        "592ee420caea964c245491377a25dad4d5d5bf4bd1b4e0c6c337858bf99ac9905e05ca341fa08750a061854233ca73caf31b00712cd235d3923830fa8252cac2"
        "237725071054437a29802611da90bca793e65f02ea2e35a1c9c7319923bcc2cf696169fb8712de5176d375d6328fd18101"
    ),
    "sm-crypto 0.5.8 (JavaScript), C1C2C3 without 04": (
        "fa9125047c35c6a26f1cf949daa2bc3d2236b10223d54af970af9ddfd29d90e5deaa398258b55bc4e32d16b09140c78b495f6016e23a11d8097d8afe6eeb2b4d"
        "2bc70f0182d3140a6620060517c51a7fecc029d1f4bb49e00cb106649fd236ef41084810cbe200a09798ef498260912fc7"
    ),
    "sm-crypto-v2 1.15.1 (JavaScript), ASN.1": (
        "307b0221009df7d9b68cf9a378fafd1a3760d0b5cd13f3863836775c1d52e3ace9cdb9952a022100f6c4d16eb84aed5e4a9b4ee6b11c2a444c4eddc9e14f633d"
        "931141d2e4b36ca304200955d04dab6b9c7c0ff88dc9cb8ab2234073121b021d39e521d8efef291ad9f0041109e8786d091bb9f676b8a81d42fb0db0cc"
    ),
    "BouncyCastle 1.72 (Java), C1C2C3 with 04": (
        "04951a95450ac7f10835afe3b8d2c6be86d174408eca82e9c6bfa02e218bc0c6dbca978c69271dae558ea6bb5195e7c8f8f27185e52679dcc7623f195aa3f99e"
        "2fa68724fadb4501f97e9550b31899d7d0dc2dfcbf9c1d24a0e9a80192f57e91e4619e72d5bcbc152742c1be948b706eb56e"
    ),
    "BouncyCastle 1.72 (Java), C1C3C2 with 04, base64": (
        "BPm284IdGHkeFKqVAZUsjKHtc5eSN0ezF4Klr85q7J27PWs/Wx0LkSTIlB3a1lpOMHMiW9DvfQkI+Aa3EJJtJBYCKtEhCp9eZsMOFsyFBHiJ3ZeAZwul17jdILIz+kOy"
        "NVHmDwBia4xfT7Zoj9jZdZzb"
    ),
    "gmalg 1.1.2 (Python), C1C3C2 with 04": (
        "0463b8df54cd192029b66fd55cf36424174e743cc9d28070d54b32a056bd8db152a5bcdcfb887b457c6e387df783825a2e93fee3182938dd0027e9cfe9a5932c"
        "f743b5be582329259c3b5bf18defa3c2b1218aa704c83f483e3134406a50c01488f223b7d14c18dce9b455c5106a4b0a08b4"
    ),
    "gmssl 3.2.2 (Python), C1C2C3 without 04": (
        "f651590ce08ea717f933650818df2a35ddaa97cba2b4c5c68cea371a9b13c9532185b548a59d2ab4d99b666f21eee85f9d5803c5735526ab0805833844b044f2"
        "5c4989c4a00491e7f9903e2b0984de1631487bfd7535f1aa1c4d0f8decdd3aa20cebffe52653097ca6bdd1e538ed9fa8d6"
    ),
}


@pytest.mark.parametrize("sent", RECORDED.values(), ids=RECORDED.keys())
def test_recorded_ciphertext_of_other_libraries_decrypts(sent: str) -> None:
    assert opened(sent) == TEXT


ORDERS: dict[str, layouts.Order] = {"C1C3C2": "C1C3C2", "C1C2C3": "C1C2C3"}
FORMS = {
    **{f"{name}, 04": lambda made, order=order: layouts.to_raw(made, order) for name, order in ORDERS.items()},
    **{f"{name}, bare": lambda made, order=order: layouts.to_raw(made, order)[1:] for name, order in ORDERS.items()},
    "ASN.1": layouts.to_der,
}
ENCODINGS = {
    "hex": bytes.hex,
    "HEX": lambda blob: blob.hex().upper(),
    "base64": lambda blob: base64.b64encode(blob).decode(),
    "base64url": lambda blob: base64.urlsafe_b64encode(blob).decode(),
    "base64url without padding": lambda blob: base64.urlsafe_b64encode(blob).decode().rstrip("="),
    "base64 in lines": lambda blob: base64.encodebytes(blob).decode(),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_layout_decrypts_in_every_encoding(form: str, encoding: str) -> None:
    public = sm2.public_of(KEY.secret)
    for text in (TEXT, "a", "x" * 300):
        assert opened(ENCODINGS[encoding](FORMS[form](PythonSm2().encrypt(public, text.encode())))) == text


@pytest.mark.parametrize("first", [0x04, 0x30])
def test_bare_layout_whose_point_begins_like_a_marker_decrypts(first: int) -> None:
    public = sm2.public_of(KEY.secret)
    made = PythonSm2().encrypt(public, TEXT.encode())
    while made.c1[0] >> 248 != first:
        made = PythonSm2().encrypt(public, TEXT.encode())
    for order in ORDERS.values():
        blob = layouts.to_raw(made, order)
        assert KEY.decrypt(blob) == KEY.decrypt(blob[1:]) == TEXT.encode()


@pytest.mark.parametrize("form", FORMS)
def test_no_changed_byte_of_any_layout_is_taken(form: str) -> None:
    blob = FORMS[form](PythonSm2().encrypt(sm2.public_of(KEY.secret), TEXT.encode()))
    for position in range(len(blob)):
        assert KEY.decrypt(blob[:position] + bytes((blob[position] ^ 0x10,)) + blob[position + 1 :]) is None, position
    for cut in (0, 1, 64, 65, 96, 97, len(blob) - 1):
        assert KEY.decrypt(blob[:cut]) is None, cut
    assert KEY.decrypt(blob + b"\0") is None


def test_text_that_is_neither_digits_nor_base64_is_not_decoded() -> None:
    for text in ("", "pass word", "password!", "密码", "a=b", "====", "a" * 5):
        assert decoded(text) is None, text
    assert decoded("DEADbeef") == b"\xde\xad\xbe\xef"
    assert decoded(" _-8\r\n") == b"\xff\xef"


def test_der_is_read_strictly() -> None:
    good = layouts.to_der(PythonSm2().encrypt(sm2.public_of(KEY.secret), b"x" * 200))
    assert layouts.from_der(good).c2
    for wrong in (b"", b"\x30", b"\x30\x80", b"\x30\x85\x01\x01\x01\x01\x01", good[:-1], good + b"\0", b"\x31" + good[1:]):
        with pytest.raises(sm2.Sm2Error):
            layouts.from_der(wrong)
    negative = der.item(der.SEQUENCE, der.item(der.INTEGER, b"\xff") + der.item(der.INTEGER, b"\x01"))
    with pytest.raises(der.DerError):
        [der.read_integer(each) for each in der.read_sequence(negative, der.INTEGER, der.INTEGER)]


def opened(sent: str) -> str | None:
    blob = decoded(sent)
    plain = KEY.decrypt(blob) if blob else None
    return plain.decode() if plain is not None else None
