"""Addresses of vendors: which may be used, and which belong together."""
from __future__ import annotations

import re
from urllib.parse import urlsplit

from plugins.errors import ConfigurationError


def checked_address(address: str) -> str:
    """An http or https address without trailing slash. Raises ConfigurationError for anything else, without repeating it."""
    try:
        parts = urlsplit(address.strip())
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable or re.search(r"[\s\\\x00-\x1f]", address.strip()):
        raise ConfigurationError("连接地址应为 http:// 或 https:// 开头的完整地址")
    if parts.username or parts.password or "@" in parts.netloc:
        raise ConfigurationError("连接地址中不能包含用户名或密码")
    if parts.query or parts.fragment:
        raise ConfigurationError("连接地址中不能包含 ? 或 #")
    return address.strip().rstrip("/")


def origin(url: str) -> tuple[str, str | None, int | None]:
    """Scheme, host and port: what two addresses of one server have in common. Raises ValueError for what is no address."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
