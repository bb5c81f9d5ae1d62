"""Sema4.ai (formerly Robocorp) action server: runs Python actions from action packages, over its HTTP interface."""
from __future__ import annotations

from adapters.sema4 import connection, task, task_log
from adapters.sema4.support import CANNOT
from plugins import Adapter

ADAPTER = Adapter(
    name="sema4",
    title="Sema4.ai Action Server",
    modules=(connection, task, task_log),
    form=connection.Form,
    cannot=CANNOT,
    certainty="confirmed",
    source="sema4ai-action-server 2.6.0：随服务器发布的 OpenAPI 文档，并以真实服务器验证",
)
