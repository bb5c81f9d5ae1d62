"""A peer's interface: an operation is asked by its declaration, a list read with all its pages."""
from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from adapters.standard import envelope, login
from adapters.standard.answers import present
from adapters.standard.body import Body
from adapters.standard.form import chosen, is_robot
from plugins import Context, HubError, NotSupported, VendorError
from plugins.fields import Items, Record
from plugins.http import READ_TIMEOUT, HttpClient, shared
from plugins.login import Login
from plugins.multipart import Multipart
from plugins.operation import Operation
from plugins.paging import ListRequest

LARGEST = 64 << 20
PAGE_SIZE = 100
MOST_PAGES = 10_000
UPLOAD_RATE = 1 << 20  # bytes a second that any line manages
INFO_PATH, INFO_LIFETIME = "/api/ext/version/info", 600.0


def ask(ctx: Context, operation: Operation, params: Mapping[str, Any], *, shown: type[Record] | None = None, key: str = "") -> dict[str, Any]:
    """Carry out one operation at the peer. ``shown`` is the record in whose words the answer is read, by default the operation's own.

    ``key`` goes along as the Idempotency-Key. Raises HubError.
    """
    return present(_asked(ctx, operation, params, shown or operation.response, key))


def ask_all(ctx: Context, operation: Operation, params: Mapping[str, Any], *, shown: type[Record] | None = None) -> dict[str, Any]:
    """All rows of a list operation, page by page until a short one (erratum E18); one page only where the caller names it."""
    record = shown or operation.response
    if not issubclass(operation.request, ListRequest) or params.get("pageNum") or params.get("pageSize"):
        return ask(ctx, operation, params, shown=record)
    array = next(name for name, field in record().fields.items() if isinstance(field, Items) and not field.attribute)
    size = int(ctx.connection.options.get("page_size") or PAGE_SIZE)
    rows: list[dict[str, Any]] = []
    last: list[dict[str, Any]] = []
    for number in range(1, MOST_PAGES + 1):
        page = _asked(ctx, operation, {**params, "pageNum": number, "pageSize": size}, record, "")
        found = page.get(array, [])
        if not found or found == last:  # A peer that knows no pages and gives all rows again.
            break
        rows += found
        last = found
        if len(rows) >= page["total"] if "total" in page else len(found) < page.get("pageSize", size):
            break
    else:
        raise VendorError(f"列表超过 {MOST_PAGES} 页")
    return present({array: rows})


def _asked(ctx: Context, operation: Operation, params: Mapping[str, Any], record: type[Record], key: str) -> dict[str, Any]:
    body = Body(operation, params, ctx.connection, lambda text: login.sealed_for(ctx.connection, text))
    headers = {"Idempotency-Key": key} if key else {}
    size = sum(file.size for file in body.files.values())
    timeout = float(ctx.connection.options.get("timeout") or READ_TIMEOUT) + size / UPLOAD_RATE
    if body.files and chosen(ctx.connection, "upload", "multipart") == "multipart":
        form = Multipart(body.form(), body.files)
        sent: dict[str, Any] = {"data": form, "headers": {**headers, "Content-Type": form.content_type}}
    else:
        sent = {"json": body.json(), "headers": headers}
    answer = client(ctx).send("POST", operation.path, shape=dict, largest=LARGEST, timeout=timeout, secrets=body.secrets, **sent)
    return envelope.read(ctx.connection, answer, record)


def info(ctx: Context) -> dict[str, Any]:
    """What the peer says of itself where it has the address for it; else nothing. Asked again after ten minutes."""
    with ctx.lock:
        kept = ctx.memo.get("info")
        if kept is None or time.monotonic() > kept[0]:
            kept = ctx.memo["info"] = (time.monotonic() + INFO_LIFETIME, _info(ctx))
    return dict(kept[1])


def _info(ctx: Context) -> dict[str, Any]:
    try:
        answer = client(ctx).send("POST", INFO_PATH, json={}, shape=dict)
    except HubError as error:
        if envelope.is_turned_away(error):
            return {}
        raise
    return envelope.bare(answer)


def client(ctx: Context) -> HttpClient:
    """The client of this connection, signed in."""
    return shared(ctx, lambda connection: login.client(connection, Login(lambda: login.sign_in(connection), ctx.keeper)))


def supported(ctx: Context, operation: Operation | None) -> Operation:
    """The operation, where the kind of peer has one. Raises NotSupported with the reason."""
    if operation is None:
        kind = "机器人接口（6.3）" if is_robot(ctx.connection) else "管理平台接口（6.2）"
        raise NotSupported(f"标准的{kind}没有该操作")
    return operation

