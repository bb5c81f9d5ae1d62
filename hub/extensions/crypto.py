"""Keys for secrets on the wire (X29, erratum E15): the hub's public keys, what it understands, and the callers' own keys."""
from __future__ import annotations

import time
from typing import Any

from sqlalchemy import select

from hub.call import Call
from hub.models import RegisteredKey, WireKey
from hub.wire import WINDOW, key_of
from plugins.crypto import rsa
from plugins.crypto.public_key import ALGORITHMS, Algorithm, PublicKey
from plugins.errors import Refused
from plugins.fields import Flag, Items, Moment, Record, Text, Whole
from plugins.operation import operation

SM2_LAYOUTS = ("C1C3C2", "C1C2C3", "ASN1")
ENCODINGS = ("hex", "base64", "base64url")


class CryptoKeyRequest(Record):
    """Which key."""

    algorithm = Text("算法（SM2, RSA）【默认 SM2】", choices=ALGORITHMS, any_case=True)


class CryptoPublicKeyResult(Record):
    """The key to encrypt to, and the hub's clock for the time inside a ciphertext."""

    algorithm = Text("算法（SM2, RSA）", choices=ALGORITHMS)
    keyVersion = Whole("密钥版本")
    publicKey = Text("公钥（SM2 为 04 开头的十六进制，RSA 为 base64 编码的 SubjectPublicKeyInfo）", longest=4096)
    publicKeyPem = Text("公钥（PEM）", longest=4096)
    createTime = Moment("密钥生成时间")
    timestamp = Whole("服务器时间（Unix 秒）")


@operation(
    "X29", "/api/ext/crypto/public-key", clause="X29", title="获取加密公钥",
    request=CryptoKeyRequest, response=CryptoPublicKeyResult, hook=False, public=True, writes=False,
)
def crypto_public_key(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """The public key for passwords and other secrets in requests. Sent as ciphertext, with or without the tag `SM2:` or `RSA:`."""
    return _shown(call.hub.wire_keys.current(_algorithm(params)))


def _algorithm(params: dict[str, Any]) -> Algorithm:
    return "RSA" if params.get("algorithm") == "RSA" else "SM2"


def _shown(key: WireKey) -> dict[str, Any]:
    return {
        "algorithm": key.algorithm,
        "keyVersion": key.version,
        "publicKey": key.public_key,
        "publicKeyPem": PublicKey.read(key.public_key).pem,
        "createTime": key.created_at,
        "timestamp": int(time.time()),
    }


class CryptoAlgorithm(Record):
    """One way to encrypt a secret."""

    algorithm = Text("算法（SM2, RSA）", choices=ALGORITHMS)
    scheme = Text("方案")
    layouts = Items(Text(), "密文排列")
    encodings = Items(Text(), "密文编码")
    tag = Text("可选的密文前缀")
    isDefault = Flag("是否默认")


class CryptoAlgorithmsResult(Record):
    """What the hub understands and uses."""

    algorithms = Items(CryptoAlgorithm, "传输加密算法")
    plainAllowed = Flag("是否接受明文（仅限本机或 TLS，生产配置下恒为 false）")
    nonceRequired = Flag("密文是否必须包含 password、nonce 和 ts")
    nonceWindow = Whole("ts 允许的偏差（秒）")
    atRest = Text("存储加密算法")
    passwordHash = Text("用户密码散列算法")


@operation(
    "X29", "/api/ext/crypto/algorithms", clause="X29", title="查询加密算法",
    response=CryptoAlgorithmsResult, hook=False, public=True, writes=False,
)
def crypto_algorithms(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """How secrets may be encrypted in requests, and how the hub keeps them."""
    settings = call.hub.settings
    sm2 = {"algorithm": "SM2", "scheme": "SM2 + SM3（GB/T 32918.4）", "layouts": list(SM2_LAYOUTS), "tag": "SM2:", "isDefault": True}
    oaep = {"algorithm": "RSA", "scheme": f"RSA-{rsa.BITS} OAEP + SHA-256", "layouts": [], "tag": "RSA:", "isDefault": False}
    return {
        "algorithms": [{**each, "encodings": list(ENCODINGS)} for each in (sm2, oaep)],
        "plainAllowed": settings.allow_plain_passwords,
        "nonceRequired": settings.require_password_nonce,
        "nonceWindow": WINDOW,
        "atRest": settings.at_rest_cipher,
        "passwordHash": "argon2id",
    }


@operation(
    "X29", "/api/ext/crypto/rotate-key", clause="X29", title="更换加密密钥",
    request=CryptoKeyRequest, response=CryptoPublicKeyResult, hook=False,
)
def crypto_rotate_key(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Publish a new key pair. What callers encrypted to the one before is still understood for a day (a setting)."""
    return _shown(call.hub.wire_keys.rotate(call, _algorithm(params)))


class CryptoRegisterKeyRequest(Record):
    """The caller's public key."""

    publicKey = Text("公钥：PEM，或 base64 编码的 SubjectPublicKeyInfo；SM2 亦可为十六进制", longest=4096, required=True)


class CryptoRegisterKeyResult(Record):
    """The key as it was understood."""

    algorithm = Text("算法（SM2, RSA）", choices=ALGORITHMS)
    fingerprint = Text("公钥指纹（SHA-256，十六进制）")


@operation(
    "X29", "/api/ext/crypto/register-key", clause="X29", title="登记调用者公钥",
    request=CryptoRegisterKeyRequest, response=CryptoRegisterKeyResult, hook=False,
)
def crypto_register_key(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Register the public key to which the hub encrypts secrets that the caller is allowed to read. Replaces the one before."""
    key = key_of(call, params["publicKey"], "publicKey")
    caller = call.caller
    owner = {"employee_id": caller.employee_id, "application_id": caller.application_id, "robot_id": caller.robot_id}
    if not any(owner.values()):
        raise Refused("仅用户、应用和机器人可登记公钥")
    row = call.session.scalar(select(RegisteredKey).filter_by(**owner)) or RegisteredKey(**owner)
    row.algorithm, row.public_key = key.algorithm, key.text
    call.session.add(row)
    call.audit["fingerprint"] = key.fingerprint
    return {"algorithm": key.algorithm, "fingerprint": key.fingerprint}
