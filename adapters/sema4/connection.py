"""The connection to an action server: its form, the check, and the import of packages and actions."""
from __future__ import annotations

import json
from typing import Any

from adapters.sema4.client import Action, actions, client, run_path
from plugins import Context, InvalidInput, VendorError, hookimpl
from plugins.fields import Text
from plugins.http import HttpForm
from plugins.normalise import read

OLDEST = 2


class Form(HttpForm):
    """Sema4.ai Action Server 的连接参数。"""

    api_key = Text("服务器启动时 --api-key 指定的密钥；服务器未设密钥时留空", longest=512, secret=True)


@hookimpl
def connection_check(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    """Read the server's version, and have the key judged by the server without running anything."""
    config = client(ctx).get("/config", shape=dict)
    version = read(config, "version", str)
    if not version.split(".")[0].isdigit() or int(version.split(".")[0]) < OLDEST:
        raise VendorError(f"服务器版本 {version[:20]} 过低，需要 {OLDEST}.0 或以上")
    if read(config, "auth_enabled", bool, False):
        if not ctx.connection.credentials.get("api_key"):
            raise VendorError("服务器要求 API Key，连接中没有填写")
        _prove_key(ctx)
    return {"product": "Sema4.ai Action Server", "version": version}


def _prove_key(ctx: Context) -> None:
    """The server asks for its key only where actions are run, and looks at the key before the body: an unreadable body tells them apart."""
    each = next(iter(actions(ctx)), None)
    if each is None:
        return
    try:
        client(ctx).post(run_path(each), data=b"{", headers={"Content-Type": "application/json"})
    except InvalidInput:
        return
    raise VendorError("服务器的应答出乎意料：未经检查就接受了请求")


@hookimpl
def connection_import(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    """Action packages as packages and actions as processes. The server has no robots and gives packages no version."""
    found = actions(ctx)
    packages = dict.fromkeys(each.package for each in found)
    return {
        "packages": [{"packageId": name, "packageName": name, "packageVersion": ""} for name in packages],
        "processes": [_process(each) for each in found],
    }


def _process(each: Action) -> dict[str, Any]:
    return {
        "processId": each.reference,
        "processName": each.title,
        "remark": each.remark,
        "packageId": each.package,
        "inParameters": [{"name": name, "value": _default(schema)} for name, schema in each.parameters.items()],
    }


def _default(schema: Any) -> str:
    value = schema.get("default") if isinstance(schema, dict) else None
    return "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
