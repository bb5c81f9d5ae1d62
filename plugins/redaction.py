"""Takes secrets out of texts that are kept or shown: error messages and the vendors' raw answers."""
from __future__ import annotations

import json
import re
from collections.abc import Iterable
from urllib.parse import quote

_TELLING = re.compile(
    r"""(["']?[\w-]*(?:password|passwd|secret|token|api[_-]?key|authorization|credential)[\w-]*["']?\s*[:=]\s*["']?(?:Bearer\s+|Basic\s+)?)[^"'&,;\s}\]]+""",
    re.IGNORECASE,
)


def redacted(text: str, secrets: Iterable[str]) -> str:
    """``text`` with the secrets, also as they look in JSON and in an address, and the values of telling keys replaced by asterisks."""
    forms = {form for secret in secrets for form in (secret, quote(secret, safe=""), json.dumps(secret)[1:-1])}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, "***")
    return _TELLING.sub(r"\1***", text)
