"""What the action server's interface has no way to do."""
from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

CANNOT: Mapping[str, str] = MappingProxyType({
    "task_pause": "Action Server 的接口没有暂停运行的功能",
    "task_resume": "Action Server 的接口没有继续运行的功能",
    "video_query": "Action Server 不录制屏幕",
    "machine_query": "Action Server 的接口不提供所在计算机的信息",
    "package_create": "动作包在服务器启动时从目录导入，接口不提供上传",
})
