"""Secrets are masked before a line of the log is written: by the name of a field, and by their look inside any text."""
from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

MASK = "***"
DEEPEST = 12
LONGEST = 20_000

# Words that make a field secret wherever they occur in its name (userPassword, X-Access-Token), and words that must stand by themselves,
# because others contain them (keyboard, author, design).
SECRET_PARTS = ("password", "passwd", "passphrase", "secret", "token", "authorization", "credential", "cookie", "apikey", "密码", "口令", "密钥", "令牌")
SECRET_WORDS = frozenset({"pwd", "key", "auth", "pin", "sign", "signature", "otp", "jwt"})
# password_id or tokenLifetime tell about a secret without being one.
HARMLESS_ENDS = frozenset({"id", "ids", "name", "names", "type", "kind", "count", "lifetime", "expires", "at", "length", "state", "status"})

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[\u4e00-\u9fff]+")
_NAMED = r"(?:password|passwd|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|master[_-]?key|private[_-]?key|credential|cookie)[\w-]{0,40}"
_SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), MASK),
    (re.compile(r"\beyJ[\w-]{8,600}\.[\w-]{4,}\.[\w-]*"), MASK),
    (re.compile(r"(?i)\b(bearer|basic|digest)(\s+)[\w.~+/=-]{6,}"), rf"\1\2{MASK}"),
    (re.compile(r"(\b[a-zA-Z][\w+.-]{0,20}://[^\s/:@]*:)[^\s/@]+(@)"), rf"\1{MASK}\2"),
    (re.compile(r"(?i)(authorization[\"']?\s*[:=]\s*)(?!bearer|basic|digest)(\"[^\"]*\"|'[^']*'|[^\s,;&)}\]]+)"), rf"\1{MASK}"),
    (re.compile(rf"(?i)({_NAMED}[\"']?\s*[:=]\s*)(\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|[^\s,;&)}}\]]+)"), rf"\1{MASK}"),
    # Addresses that are good for whoever has them: signed ones, and those with a ticket, also quoted inside of another address.
    (re.compile(r"(?i)([?&](?:sign|ticket)=|%(?:3F|26)(?:sign|ticket)%3D)[^&\s\"'<>\\]+"), rf"\1{MASK}"),
    (re.compile(r"((?:密码|口令|密钥|令牌)\s*(?:是|为|[:：=])\s*)[^\s,，;；。&)}\]]+"), rf"\1{MASK}"),
)
# Nearly every text has none of these, so that one search spares it all of the shapes.
_HINT = re.compile(r"(?i)pass|pwd|secret|token|key|auth|cred|cookie|bearer|basic|digest|eyj|://|密|口令|令牌")


@lru_cache(4096)
def is_secret_name(name: str) -> bool:
    """Whether a field of this name holds a secret. Spelling does not matter: api_key, apiKey, API-KEY."""
    words = [word.lower() for word in _WORD.findall(name)]
    if not words or (len(words) > 1 and words[-1] in HARMLESS_ENDS):
        return False
    return any(part in "".join(words) for part in SECRET_PARTS) or not SECRET_WORDS.isdisjoint(words)


def redact_text(text: str) -> str:
    """The text with everything masked that looks like a secret: headers, addresses with passwords, ``name=value`` pairs, keys, tokens.

    A text of more than ``LONGEST`` characters is cut: a line of the log is no place for a file.
    """
    text = text if len(text) <= LONGEST else f"{text[:LONGEST]}... ({len(text)} characters)"
    if _HINT.search(text) is None:
        return text
    for shape, masked in _SHAPES:
        text = shape.sub(masked, text)
    return text


def redact(value: Any, depth: int = 0) -> Any:
    """A copy of the value with its secrets masked, through mappings, lists and texts. Other objects become their redacted ``repr``."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        return redact_text(value)
    if depth >= DEEPEST:
        return "..."
    if isinstance(value, Mapping):
        return {str(name): _redact_field(str(name), each, depth) for name, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [redact(each, depth + 1) for each in value]
    return redact_text(repr(value))


def _redact_field(name: str, value: Any, depth: int) -> Any:
    if is_secret_name(name) and value is not None and not isinstance(value, bool):
        return MASK
    return redact(value, depth + 1)
