"""The versions of the interface and what each brought (clause 6.1.4). Within a major version nothing is taken away."""
from __future__ import annotations

from dataclasses import dataclass

from plugins.errors import NotFound


@dataclass(frozen=True)
class Release:
    """One version: its change log and its release notes, in Chinese as they are published."""

    version: str
    date: str
    changes: tuple[str, ...]
    usage: tuple[str, ...] = ()
    known_issues: tuple[str, ...] = ()
    compatibility: tuple[str, ...] = ()


RELEASES: tuple[Release, ...] = (
    Release(
        version="1.0.0",
        date="2026-11-24",
        changes=(
            "首个版本：T/TSAC 002-2025 第 6 章管理平台接口，统一返回 resultCode、message、data。",
            "在标准字段之外新增可选字段：列表的 total、keyword、includeChildren、includeDeleted、sort，查询的 createTime、updateTime 等。",
            "扩展接口位于 /api/ext/ 之下：厂商连接、角色、应用、调用日志、审计日志、加密公钥等。",
        ),
        usage=(
            "先调用 /api/platform/account/authenticate 取得 token，其后每次调用在请求头携带 token 与 version。",
            "带请求头 Idempotency-Key 的写操作可以安全重试，24 小时内同一键返回首次的结果。",
        ),
        known_issues=(),
        compatibility=(
            "接受任意 1.x.y 的 version 请求头；其他主版本返回 10002。",
            "宽松模式接受无损的其他类型写法（如 \"12\" 表示 12），严格模式仅接受标准所列类型。",
        ),
    ),
)

INTERFACE_VERSION = RELEASES[0].version


def release(version: str | None) -> Release:
    """A version by its number, the newest without one. Raises NotFound."""
    if not version:
        return RELEASES[0]
    for each in RELEASES:
        if each.version == version:
            return each
    raise NotFound(f"版本 {version[:32]}")
