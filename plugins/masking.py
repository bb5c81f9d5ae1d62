"""Hides secrets in texts that a program says: as they are, and in the forms that programs print them in."""
from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

MASK = "***"
SHORT = 4
LONGEST_LINE_OF_SECRET = 8


class Masks:
    """The secrets that are known so far. May be used from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def add(self, secret: str) -> None:
        """Hide this secret from now on. One of less than four characters is hidden as a whole word only: it may stand in any word."""
        with self._lock:
            self._forms.update(forms_of(secret))
            if self._forms:
                self._pattern = re.compile("|".join(map(_expression, sorted(self._forms, key=len, reverse=True))))

    def hide(self, text: str) -> str:
        """The text with *** in the place of each secret."""
        return self._pattern.sub(MASK, text) if self._pattern is not None else text


def forms_of(secret: str) -> Iterator[str]:
    """A secret as it is, in a URL, in JSON, in base64; and the lines of one that has several, as a log has them one by one."""
    lines = [line for line in secret.splitlines() if len(line.strip()) >= LONGEST_LINE_OF_SECRET]
    for text in {secret, secret.strip(), *lines}:
        if not text.strip():
            continue
        raw = text.encode("utf-8", "replace")
        yield from {text, quote(raw, safe=""), quote(raw), quote_plus(raw), json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]}
        if len(raw) >= SHORT:
            yield from (code(raw).decode().rstrip("=") for code in (base64.b64encode, base64.urlsafe_b64encode))


def _expression(form: str) -> str:
    return re.escape(form) if len(form) >= SHORT else rf"(?<!\w){re.escape(form)}(?!\w)"
