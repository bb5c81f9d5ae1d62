"""The action server's HTTP interface, as far as the adapter uses it."""
from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from adapters.sema4.codes import ERRORS
from plugins import Connection, Context, InvalidInput, NotFound
from plugins.http import HttpClient, shared
from plugins.login import Ticket
from plugins.normalise import read


def client(ctx: Context) -> HttpClient:
    """The client of this connection. A server that was started without an API key takes requests without one."""
    return shared(ctx, _made)


def _made(connection: Connection) -> HttpClient:
    key = connection.credentials.get("api_key") or ""
    ticket = Ticket.bearer(key) if key else Ticket()
    return HttpClient.to(connection, errors=ERRORS, auth=lambda refused: ticket)


@dataclass(frozen=True)
class Action:
    """One action: what the standard calls a process. Its reference is "package/action", the only names that survive a new import."""

    id: str
    package: str
    name: str
    title: str
    remark: str
    schema: dict[str, Any]

    @property
    def reference(self) -> str:
        return f"{self.package}/{self.name}"

    @property
    def parameters(self) -> dict[str, Any]:
        """The JSON schemas of the inputs by name."""
        return read(self.schema, "properties", dict, {})

    @property
    def required(self) -> list[str]:
        return read(self.schema, "required", list, [])


def actions(ctx: Context) -> list[Action]:
    """All actions that can be run, in the server's order."""
    found = []
    for package in client(ctx).get("/api/actionPackages", shape=list):
        name = read(package, "name", str)
        found += [_action(name, each) for each in read(package, "actions", list) if read(each, "enabled", bool, True)]
    return found


def action(ctx: Context, reference: str) -> Action:
    """The action of a process reference. Raises NotFound when the server does not have it (any more)."""
    for each in actions(ctx):
        if each.reference == reference:
            return each
    raise NotFound("服务器上没有该动作，可能已被移除或更名")


def run_path(each: Action) -> str:
    """Where the action is run: the server turns names into address parts, keeping ASCII letters and digits only."""
    parts = [_slug(each.package), _slug(each.name)]
    if not all(parts):
        raise InvalidInput("动作包或动作的名称不含英文字母和数字，服务器无法为其提供调用地址")
    return f"/api/actions/{parts[0]}/{parts[1]}/run"


def _slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.replace("_", "-")).encode("ascii", "ignore").decode("ascii").lower()
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", plain)).strip("-_")


def _action(package: str, record: Any) -> Action:
    name = read(record, "name", str)
    options = _object(read(record, "options", str, ""))
    docs = read(record, "docs", str, "")
    return Action(
        id=read(record, "id", str),
        package=package,
        name=name,
        title=str(options.get("display_name") or name),
        remark=docs.strip().split("\n\n")[0].strip()[:255],
        schema=_object(read(record, "input_schema", str, "")),
    )


def _object(text: str) -> dict[str, Any]:
    """The object in a JSON text; empty where there is none, since the server leaves such texts out at will."""
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
