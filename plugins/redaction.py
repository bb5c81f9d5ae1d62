"""Takes secrets out of texts that are kept or shown: error messages, vendors' raw answers, log lines."""
from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

# A name that tells of a secret, with its value: in JSON, in a form, in a header.
_TELLING = re.compile(
    r"""(?<![\w-])([\w-]*(?:password|passwd|secret|token|api[_-]?key|authorization|credential)[\w-]*["'\\]*\s*[:=]\s*["'\\]*"""
    r"""(?:Bearer\s+|Basic\s+)?)[^"'&,;\s}\]\\]+""",
    re.IGNORECASE,
)


def redacted(text: str, secrets: Iterable[str]) -> str:
    """``text`` with the secrets, also as they look in JSON and in an address, and the values of telling names replaced by asterisks."""
    forms = {form for secret in secrets if secret for form in _forms(secret)}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, "***")
    return _TELLING.sub(r"\1***", text)


def _forms(secret: str) -> Iterator[str]:
    yield from (secret, quote(secret, safe=""))
    once = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    # JSON within JSON, as an answer has it that quotes a request's body.
    yield from once | {json.dumps(each, ensure_ascii=False)[1:-1] for each in once}
