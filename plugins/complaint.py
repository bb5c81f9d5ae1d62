"""Finding the error in a vendor's answer."""
from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any


@dataclass(frozen=True)
class Complaint:
    """What an answer says went wrong: the vendor's own error code and words, as far as it gives them."""

    code: str = ""
    text: str = ""


def complaint_in(status: int, body: Any) -> Complaint | None:
    """Find the error in an answer as most products write it. A vendor that answers 200 for errors brings a reader of its own."""
    if status < 400:
        return None
    if isinstance(body, Mapping):
        inner = body.get("error")
        if isinstance(inner, Mapping):
            body = {**body, **inner}
        code = _first(body, "error_code", "errorCode", "ErrorCode", "code", "error")
        text = _first(body, "message", "Message", "error_description", "detail", "msg", "errorMessage", "error")
        return Complaint(code, text)
    return Complaint(text="" if not isinstance(body, str) or body.lstrip().startswith("<") else body)


def _first(body: Mapping[str, Any], *keys: str) -> str:
    return next((str(body[key]) for key in keys if isinstance(body.get(key), (str, int)) and body[key] != ""), "")


def retry_after(value: str | None) -> float | None:
    """Retry-After in seconds: a number or an HTTP date; at most a day."""
    if not value:
        return None
    try:
        if re.fullmatch(r"\s*\d{1,9}(\.\d+)?\s*", value):
            seconds = float(value)
        else:
            seconds = (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(0.0, seconds), 86400.0)
