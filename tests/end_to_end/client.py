"""A client that knows only the standard's text: addresses, headers, envelope. It imports nothing of the hub."""
from __future__ import annotations

import base64
import http.client
import io
import json
import re
import time
import uuid
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

OK = "00000"
ENDED = ("succeeded", "failed", "cancelled", "timed_out", "missed")
Found = TypeVar("Found")
STACK = re.compile(r'Traceback|File "|line \d+, in ')


@dataclass(frozen=True)
class Reply:
    """One HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, which must be JSON."""
        return json.loads(self.body)


def assert_envelope(reply: Reply, code: str, status: int | None = None) -> dict[str, Any]:
    """Assert that an answer has the standard's one shape (clause 6.1.1.5) and this code; gives its ``data``."""
    told = f"HTTP {reply.status}: {reply.body[:500]!r}"
    assert re.sub(r"\s", "", reply.headers.get("content-type", "")).lower() == "application/json;charset=utf-8", told
    envelope = reply.json
    assert {"resultCode", "message", "data"} <= set(envelope), told
    assert re.fullmatch(r"\d{5}", envelope["resultCode"]), told
    assert isinstance(envelope["message"], str) and re.search("[\u4e00-\u9fff]", envelope["message"]), told
    assert isinstance(envelope["data"], dict), told
    assert not STACK.search(reply.body.decode()), told
    assert (envelope["resultCode"] == OK) == (reply.status < 400), told
    assert envelope["resultCode"] == code, told
    assert status is None or reply.status == status, told
    return dict(envelope["data"])


class Client:
    """One caller. ``token`` is sent with every call once there is one. Short addresses are those of ``side``."""

    def __init__(self, url: str, token: str = "", side: str = "platform") -> None:
        self.url = url
        self.token = token
        self.side = side

    def send(self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Reply:
        """Send just this."""
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        try:
            connection.request(method, path, body=body, headers=dict(headers or {}))
            answer = connection.getresponse()
            return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def headers(self) -> dict[str, str]:
        """The headers of Table 1."""
        return {"content-type": "application/json;charset=utf-8", "version": "1.0.0", **({"token": self.token} if self.token else {})}

    def post(self, path: str, params: Any = None) -> Reply:
        """Call an operation by the last part of its address ("task/query") or by all of it."""
        body = json.dumps({} if params is None else params).encode()
        return self.send("POST", full(path, self.side), body, self.headers())

    def call(self, path: str, params: Any = None, code: str = OK, status: int | None = None) -> dict[str, Any]:
        """Call an operation, assert the answer's shape and code, give its ``data``."""
        if status is None and code == OK:
            status = 201 if path.endswith("/create") else 200
        return assert_envelope(self.post(path, params), code, status)

    def upload(self, path: str, fields: Mapping[str, Any], files: Mapping[str, tuple[str, bytes]]) -> Reply:
        """Call an operation with a multipart form."""
        boundary = uuid.uuid4().hex
        parts = [f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode() for name, value in fields.items()]
        for name, (filename, content) in files.items():
            head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\n'
            parts.append(f"{head}Content-Type: application/zip\r\n\r\n".encode() + content + b"\r\n")
        parts.append(f"--{boundary}--\r\n".encode())
        headers = {**self.headers(), "content-type": f"multipart/form-data; boundary={boundary}"}
        return self.send("POST", full(path, self.side), b"".join(parts), headers)

    def as_robot(self, secret: str) -> Client:
        """A client with a token of the robot whose secret this is; its short addresses are those of the robot interface."""
        token = Client(self.url).call("/api/robot/authenticate", {"secret": secret})["token"]
        return Client(self.url, token, "robot")

    def log_in(self, username: str, password: str) -> Client:
        """A client with a token of this user."""
        data = Client(self.url).call("account/authenticate", {"username": username, "password": password})
        return Client(self.url, data["token"])

    # What the tests do over and over.

    def make_process(self, main: str, *, group_id: int, dep_id: int = 1, in_parameters: Any = None) -> int:
        """A new process whose package holds this ``main.py``; gives its id."""
        name = f"流程 {uuid.uuid4().hex[:8]}"
        content = base64.b64encode(package(main)).decode()
        package_id = self.call("package/create", {"packageName": name, "packageVersion": "1", "depId": dep_id, "package": content})["packageId"]
        process = {"processName": name, "depId": dep_id, "robotGroupId": group_id, "isRecord": False}
        process_id: int = self.call("process/create", process)["processId"]
        active = {"processId": process_id, "packageId": package_id}
        self.call("process/activate-package-version", active if in_parameters is None else {**active, "inParameters": in_parameters})
        return process_id

    def start(self, process_id: int, **params: Any) -> list[int]:
        """Start tasks; gives their ids."""
        return list(self.call("task/create", {"processId": process_id, "priority": 1, "isRecord": False, **params})["taskIds"])

    def run(self, process_id: int, **params: Any) -> dict[str, Any]:
        """Start one task and wait for its end; gives what task/query says of it."""
        return self.ended(self.start(process_id, **params))[0]

    def task(self, task_id: int) -> dict[str, Any]:
        """What task/query says."""
        return self.call("task/query", {"taskId": task_id})

    def ended(self, task_ids: Iterable[int], seconds: float = 60) -> list[dict[str, Any]]:
        """The tasks, once they all have ended."""
        return [
            until(lambda: found if (found := self.task(task_id))["taskState"] in ENDED else None, seconds, f"task {task_id} to end")
            for task_id in task_ids
        ]

    def log(self, task_id: int, **params: Any) -> list[str]:
        """The messages of a task's log."""
        return [line["message"] for line in self.call("task-log/query", {"taskId": task_id, **params})["logs"]]

    def robots(self) -> list[dict[str, Any]]:
        """All robots."""
        return list(self.call("robot/list", {"pageSize": 1000})["robots"])

    def online(self, robot_ids: Iterable[int], seconds: float = 30) -> None:
        """Wait until these robots are idle."""
        wanted = set(robot_ids)
        idle = lambda: wanted <= {each["robotId"] for each in self.robots() if each["robotStatus"] == 0}  # noqa: E731
        until(idle, seconds, f"robots {sorted(wanted)} to be idle")


def full(path: str, side: str = "platform") -> str:
    """The whole address of an operation."""
    return path if path.startswith("/") else f"/api/{side}/{path}"


def package(main: str, **files: str) -> bytes:
    """A process package with this main.py."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in {"main.py": main, **files}.items():
            archive.writestr(name, text)
    return content.getvalue()


def until(look: Callable[[], Found | None], seconds: float, what: str) -> Found:
    """The first true result of ``look``, asked again and again until the time is over."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"waited {seconds:g} s for {what}"
        time.sleep(0.05)
    return found
