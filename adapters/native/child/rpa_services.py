"""What a process may ask of the platform while it runs: credentials, assets, queue items, files. Part of ``rpa_task``."""
from __future__ import annotations

import json
import os
import time
from typing import Any

# What else is needed is imported where it is: most processes ask for nothing, and none should start later for it.

PATIENCE = 60.0
TRIES = 40
DESK = "只有机器人执行的任务可以使用平台的凭据、资产、队列和文件（未设置 RPA_SERVICES）"

_secrets: set[str] = set()


class ServiceError(Exception):
    """The platform has refused. ``code`` is one of the standard's result codes, 10501 where there is no such thing for this robot."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Credential:
    """A user name and a password. The password is not shown where the object is."""

    def __init__(self, username: str, password: str, expires: str = "") -> None:
        self.username = username
        self.password = password
        self.expires = expires

    def __iter__(self) -> Any:
        return iter((self.username, self.password))

    def __repr__(self) -> str:
        return f"Credential(username={self.username!r}, password='***')"


def credential(name: str) -> Credential:
    """Lease the credential of that name: an object with ``username`` and ``password``, which can also be unpacked into both."""
    found = ask("credential", {"credentialName": name})
    hide(found["credentialPassword"])
    return Credential(found["credentialUsername"], found["credentialPassword"], found.get("expirationTime", ""))


def asset(name: str) -> Any:
    """The value of the asset of that name, as its type has it: a text, True or False, a number, or a dict."""
    found = ask("asset", {"assetName": name})
    kind, text = found["dataType"], found["assetValue"]
    if kind == 1:
        return text == "true"
    if kind == 2:
        return int(text) if text.lstrip("+-").isdigit() else float(text)
    if kind == 3:
        return json.loads(text)
    if len(text) >= 4:
        hide(text)
    return text


def lease_item(queue: str, seconds: int | None = None) -> dict[str, Any] | None:
    """Take the next item of a queue, None when there is none: a dict with ``id``, ``reference``, ``content`` and ``attempts``.

    It is this task's for ``seconds``; ``heartbeat`` holds it longer. It is given back as it was when that time has passed.
    """
    found = ask("lease_item", {"queueName": queue} | ({} if seconds is None else {"leaseSeconds": int(seconds)}))
    if not found.get("itemId"):
        return None
    return {"id": found["itemId"], "reference": found["reference"], "content": found["content"], "attempts": found["attempts"]}


def heartbeat(item: Any, seconds: int | None = None) -> None:
    """Hold an item for ``seconds`` from now on."""
    ask("heartbeat", {"itemId": _item_id(item)} | ({} if seconds is None else {"leaseSeconds": int(seconds)}))


def complete_item(item: Any) -> None:
    """The item has been worked on with success."""
    ask("complete_item", {"itemId": _item_id(item)})


def fail_item(item: Any, reason: str, retry: bool = True, delay: int = 0) -> None:
    """The item could not be worked on. With ``retry`` it is tried again, after ``delay`` seconds, as often as the queue allows."""
    ask("fail_item", {"itemId": _item_id(item), "reason": str(reason)[:1024], "isRetry": bool(retry), "delaySeconds": int(delay)})


def add_item(queue: str, content: dict[str, Any], reference: str | None = None, priority: int = 1) -> int:
    """Put an item into a queue; priority 0 comes first, 2 last. Gives its id."""
    given = {"queueName": queue, "content": content, "priority": int(priority)} | ({} if reference is None else {"reference": reference})
    return int(ask("add_item", given)["itemId"])


def read_file(path: str, to: str | None = None) -> str:
    """Bring a file of the platform, as ``/folder/name.xlsx``, into the present folder, or to the path ``to``. Gives the local path."""
    import shutil

    found = ask("read_file", {"filePath": path})
    target = os.path.abspath(to or os.path.basename(path))
    shutil.move(os.path.join(_transfers(), found["transfer"]), target)
    return target


def write_file(path: str, source: str | None = None) -> int:
    """Store the local file ``source`` (by default one of the same name) on the platform as ``path``. Gives its version there, 1 if it is new."""
    import shutil
    import uuid

    name = uuid.uuid4().hex
    transfer = os.path.join(_transfers(), name)
    shutil.copyfile(source or os.path.basename(path), transfer)
    try:
        return int(ask("write_file", {"filePath": path, "transfer": name})["version"])
    finally:
        os.unlink(transfer)


def ask(word: str, params: dict[str, Any]) -> dict[str, Any]:
    """One request to the runtime. Raises ServiceError."""
    address = os.environ.get("RPA_SERVICES")
    if not address:
        raise ServiceError("20001", DESK)
    request = json.dumps({"ask": word, "params": params}, ensure_ascii=False, default=str).encode("utf-8", "replace") + b"\n"
    for number in range(TRIES):
        answer = _exchange(address, request)
        if answer:
            record = json.loads(answer)
            if "error" in record:
                raise ServiceError(record["error"]["code"], record["error"]["message"])
            return record["data"]
        time.sleep(0.05 * min(number + 1, 10))  # Others of this task are being served.
    raise ServiceError("20001", "运行时正忙，请求未被处理")


def _exchange(address: str, request: bytes) -> bytes:
    """Send and receive. Nothing when the other side has not taken the request."""
    import socket

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as guest:
        guest.settimeout(PATIENCE)
        received = bytearray()
        try:
            guest.connect(address)
            guest.sendall(request)
        except (BlockingIOError, BrokenPipeError, ConnectionResetError):
            return b""
        try:
            while not received.endswith(b"\n") and (piece := guest.recv(65536)):
                received += piece
        except ConnectionResetError:
            return b""
        return bytes(received)


def hide(secret: str) -> None:
    """Keep a secret out of what Robot Framework writes down from now on."""
    from urllib.parse import quote

    if len(secret) >= 4:
        _secrets.update({secret, quote(secret, safe=""), json.dumps(secret)[1:-1]})


def hidden(text: str) -> str:
    """The text without the secrets that were leased."""
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def _item_id(item: Any) -> int:
    return int(item["id"] if isinstance(item, dict) else item)


def _transfers() -> str:
    folder = os.environ.get("RPA_TRANSFERS")
    if not folder:
        raise ServiceError("20001", DESK)
    return folder
