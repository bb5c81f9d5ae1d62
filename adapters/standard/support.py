"""What a peer of the standard has no way to do for the hub. What a kind of peer lacks is said when it is asked (``client.supported``)."""
from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

CANNOT: Mapping[str, str] = MappingProxyType({
    "robot_api_authenticate": "连接以自身的密钥向对方机器人认证，不代他人认证",
})
