"""What the processes of a run may ask of the hub: credentials, assets, queue items, files. They knock at a socket in the run's private folder.

A request is one line of JSON, ``{"ask": <word>, "params": {…}}``, and so is the answer: ``{"data": {…}}``, or ``{"error": {"code", "message"}}``.
A file's content goes by way of the run's folder, as ``transfer``, the name of a file there.
"""
from __future__ import annotations

import json
import logging
import os
import shutil
import socket
import stat
import struct
import tempfile
import threading
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from adapters.native.limits import of_disk
from adapters.native.workspace import Workspace
from plugins import FileContent, HubError, InvalidInput, Run, codes

# What a process calls it -> what the hub calls it.
WORDS = {
    "credential": "credential_lease",
    "asset": "asset_lease",
    "lease_item": "queue_item_lease",
    "heartbeat": "queue_item_heartbeat",
    "complete_item": "queue_item_complete",
    "fail_item": "queue_item_fail",
    "add_item": "queue_item_submit",
    "read_file": "file_read",
    "write_file": "file_write",
}
LARGEST = 1 << 20
MOST_AT_ONCE = 32
PATIENCE = 30.0
LONGEST_ADDRESS = 100
NAME = "services.sock"
logger = logging.getLogger(__name__)


class Services:
    """The socket of one run. ``door`` is to be watched, and ``serve`` called whenever somebody knocks. A thread serves each request."""

    def __init__(self, run: Run, space: Workspace) -> None:
        self._run = run
        self._transfers = space.transfers
        self._private: Path | None = None
        self.path = space.run / NAME
        if len(os.fsencode(self.path)) > LONGEST_ADDRESS:  # The system takes no longer one.
            self._private = Path(tempfile.mkdtemp(prefix="rpa-"))
            self.path = self._private / NAME
        self.door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.door.bind(str(self.path))
        self.path.chmod(0o600)
        self.door.listen(MOST_AT_ONCE)
        self.door.setblocking(False)
        self._free = threading.Semaphore(MOST_AT_ONCE)

    def close(self) -> None:
        """The run has ended."""
        self.door.close()
        self.path.unlink(missing_ok=True)
        if self._private is not None:
            shutil.rmtree(self._private, ignore_errors=True)

    def serve(self) -> None:
        """Take in who knocks. One beyond those that are served at once is sent away, to come again."""
        try:
            guest, _ = self.door.accept()
        except OSError:  # Gone again, or the run has ended.
            return
        if not _is_of_this_user(guest) or not self._free.acquire(blocking=False):
            guest.close()
            return
        threading.Thread(target=self._attend, args=(guest,), name="task-services", daemon=True).start()

    def _attend(self, guest: socket.socket) -> None:
        try:
            with guest:
                guest.settimeout(PATIENCE)
                # Who ends before it is answered does no harm.
                with suppress(OSError):
                    request = _line(guest)
                    if request:
                        guest.sendall(self._answer(request))
        finally:
            self._free.release()

    def _answer(self, request: bytes) -> bytes:
        try:
            return _reply({"data": self._ask(request)})
        except HubError as error:
            return _refusal(error.code.value, error.message)
        except Exception:  # Whatever the hub's side raises: the process that asks must hear of it.
            logger.exception("a request of a process could not be answered")
            return _refusal(codes.SERVER_STATE.value, codes.SERVER_STATE.zh)

    def _ask(self, request: bytes) -> dict[str, Any]:
        try:
            record = json.loads(request)
            operation, params = WORDS[record["ask"]], dict(record.get("params") or {})
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise InvalidInput("请求无法识别") from error
        transfer = params.pop("transfer", None)
        if operation == "file_write":
            params["file"] = self._sent(transfer, str(params.get("filePath") or ""))
        try:
            return self._received(self._run.ask(operation, params))
        except OSError as error:
            raise HubError(f"文件无法保存：{of_disk(error)}", code=codes.FILE_NOT_SAVED) from error

    def _sent(self, name: Any, path: str) -> FileContent:
        """What a process has put into the folder for files on their way: a plain file of its own, not a link to another one."""
        if not isinstance(name, str) or Path(name).name != name:
            raise InvalidInput("transfer 应为文件名")

        def opened() -> BinaryIO:
            try:
                stream = open(os.open(self._transfers / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")  # noqa: SIM115
            except OSError as error:
                raise InvalidInput("待上传的文件不能读取", code=codes.FILE_MISSING) from error
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                stream.close()
                raise InvalidInput("待上传的文件应为普通文件")
            return stream

        with opened() as stream:
            size = os.fstat(stream.fileno()).st_size
        return FileContent(path.rsplit("/", 1)[-1], size, opened)

    def _received(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        """The answer with a file's content in the folder for files on their way, and its name there."""
        content = answer.get("content")
        if not isinstance(content, FileContent):
            return dict(answer)
        name = uuid.uuid4().hex
        with (self._transfers / name).open("xb") as sink:
            for piece in content.chunks():
                sink.write(piece)
        return {key: value for key, value in answer.items() if key != "content"} | {"transfer": name}


def _line(guest: socket.socket) -> bytes:
    """The request: what comes until the end of a line. Nothing when it is cut off."""
    received = bytearray()
    while not received.endswith(b"\n"):
        piece = guest.recv(65536)
        received += piece
        if not piece:
            return b""
        if len(received) > LARGEST:
            guest.sendall(_refusal(codes.TOO_LARGE.value, f"{codes.TOO_LARGE.zh}：请求不能超过 {LARGEST >> 20} MiB"))
            return b""
    return bytes(received)


def _refusal(code: str, message: str) -> bytes:
    return _reply({"error": {"code": code, "message": message}})


def _reply(record: dict[str, Any]) -> bytes:
    reply = json.dumps(record, ensure_ascii=False, default=str).encode() + b"\n"
    if len(reply) > LARGEST:
        raise HubError("应答过大", code=codes.TOO_LARGE)
    return reply


def _is_of_this_user(guest: socket.socket) -> bool:
    """Whether the process at the other end belongs to the user that the robot runs as; the folder lets in no other one anyway."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True
    _, user, _ = struct.unpack("3i", guest.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return user == os.getuid()
