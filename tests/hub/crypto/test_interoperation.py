"""Other implementations of SM2 and ours understand each other. Each is asked where it is installed."""
from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from hub.crypto.private_key import Sm2Key
from plugins.crypto import layouts, sm2
from plugins.crypto.public_key import PublicKey
from plugins.crypto.sm2 import PythonSm2

TEXT = "口令 Pa55-word!".encode()
PRIVATE, PUBLIC = sm2.new_pair()
OURS = PythonSm2()
KEY = Sm2Key(PRIVATE, OURS)


@pytest.mark.parametrize(("mode", "order"), [(0, "C1C2C3"), (1, "C1C3C2")])
def test_gmssl_in_python(mode: int, order: layouts.Order) -> None:
    gmssl = pytest.importorskip("gmssl.sm2")
    theirs = gmssl.CryptSM2(private_key=PRIVATE.hex(), public_key=PUBLIC.hex(), mode=mode)
    assert KEY.decrypt(theirs.encrypt(TEXT)) == TEXT
    assert theirs.decrypt(layouts.to_raw(OURS.encrypt(PUBLIC, TEXT), order)[1:]) == TEXT
    assert theirs.verify_with_sm3(OURS.sign(PRIVATE, TEXT).hex(), TEXT)
    assert OURS.verify(PUBLIC, TEXT, bytes.fromhex(theirs.sign_with_sm3(TEXT)))


def test_gmalg() -> None:
    gmalg = pytest.importorskip("gmalg")
    theirs = gmalg.SM2(sk=PRIVATE, uid=sm2.SIGNER, pk=b"\x04" + PUBLIC)
    assert KEY.decrypt(theirs.encrypt(TEXT)) == TEXT
    assert theirs.decrypt(layouts.to_raw(OURS.encrypt(PUBLIC, TEXT))) == TEXT
    signature = OURS.sign(PRIVATE, TEXT)
    assert theirs.verify(TEXT, signature[:32], signature[32:])
    assert OURS.verify(PUBLIC, TEXT, b"".join(theirs.sign(TEXT)))


def test_gmssl_in_c() -> None:
    theirs = pytest.importorskip("gmssl_pyx")
    assert KEY.decrypt(theirs.sm2_encrypt(PUBLIC, TEXT)) == TEXT
    assert theirs.sm2_decrypt(PRIVATE, layouts.to_der(OURS.encrypt(PUBLIC, TEXT))) == TEXT


def test_openssl(tmp_path: Path) -> None:
    program = shutil.which("openssl")
    if program is None or b"SM2" not in subprocess.run([program, "ecparam", "-list_curves"], capture_output=True, check=False).stdout:
        pytest.skip("there is no openssl program with SM2")

    def openssl(*arguments: str, given: bytes = b"") -> bytes:
        return subprocess.run([program, *arguments], input=given, capture_output=True, check=True, cwd=tmp_path).stdout

    (tmp_path / "private.pem").write_bytes(openssl("ecparam", "-name", "SM2", "-genkey", "-noout"))
    public = PublicKey.read(openssl("ec", "-in", "private.pem", "-pubout").decode())
    assert public.algorithm == "SM2"
    blob = layouts.to_der(OURS.encrypt(public.data, TEXT))
    assert openssl("pkeyutl", "-decrypt", "-inkey", "private.pem", given=blob) == TEXT

    (tmp_path / "public.pem").write_text(PublicKey("SM2", PUBLIC).pem)
    (tmp_path / "text").write_bytes(TEXT)
    assert KEY.decrypt(openssl("pkeyutl", "-encrypt", "-pubin", "-inkey", "public.pem", "-in", "text")) == TEXT
