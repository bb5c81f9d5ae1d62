"""What a running process asks of the hub: a fixed set of operations, carried out as its robot, for its task."""
from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from hub.auth import robot_caller
from hub.call import Caller, Source
from hub.models import Department, FileVersion, Robot
from hub.sealed_files import Sealed
from hub.tasks.lifecycle import Claim
from hub.wire import RUN
from plugins import codes
from plugins.errors import HubError, Refused
from plugins.fields import texts_in

if TYPE_CHECKING:
    from hub.core import Hub
    from hub.dispatch import Dispatcher

OPERATIONS = frozenset({
    "asset_lease", "credential_lease", "file_read", "file_write", "queue_item_complete", "queue_item_fail", "queue_item_heartbeat",
    "queue_item_lease", "queue_item_submit",
})  # fmt: skip
TEXT, HASH = 0, 3
LEAST_SECRET = 4


class Asking:
    """The way of one run to the hub's operations. What it takes is loaded when a process asks for the first time: most never do."""

    def __init__(self, hub: Hub, claim: Claim) -> None:
        self._hub = hub
        self._claim = claim
        self._lock = threading.Lock()
        self._dispatcher: Dispatcher | None = None
        self._caller: Caller | None = None

    def ask(self, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """The answer of an operation. Raises HubError with the code and the words of the refusal."""
        if operation not in OPERATIONS:
            raise Refused(f"任务不能使用 {operation}")
        dispatcher, caller = self._ready()
        given = {**params, "taskId": self._claim.task.id}
        source = Source(kind=RUN)
        answer = dispatcher.call(
            dispatcher.catalogue[operation], given, caller=caller, trace_id=self._claim.task.trace_id or "", source=source
        )
        if answer.code is not codes.OK:
            raise HubError(answer.message.removeprefix(answer.code.zh).removeprefix("："), code=answer.code, retry_after=answer.retry_after)
        return {**answer.data, "content": self._content(answer.data)} if operation == "file_read" else answer.data

    def _ready(self) -> tuple[Dispatcher, Caller]:
        with self._lock:
            if self._dispatcher is None or self._caller is None:
                from hub.dispatch import Dispatcher

                self._dispatcher, self._caller = Dispatcher(self._hub), self._robot()
            return self._dispatcher, self._caller

    def _robot(self) -> Caller:
        robot = self._claim.robot
        if robot is None:
            raise Refused("任务没有机器人")
        with self._hub.db.read() as session:
            home = session.get_one(Department, session.get_one(Robot, robot.id).department_id)
            return robot_caller(robot.id, home.id, home.path)

    def _content(self, answer: Mapping[str, Any]) -> Any:
        """The content of a file that the operation has given the run."""
        with self._hub.db.read() as session:
            row = session.get_one(FileVersion, (answer["fileId"], answer["version"]))
        return self._hub.files.get(Sealed(row.blob, row.sealed_key, row.digest, row.size), answer["fileName"])

    def close(self) -> None:
        """The run has ended. Its process ends without ceremony, so what was noted of its calls is written now."""
        if self._dispatcher is not None:
            self._hub.calls.flush()


def secrets_in(operation: str, answer: Mapping[str, Any]) -> Iterator[str]:
    """What an answer holds that no log may show: passwords, and the texts of assets (a number or a truth value would hide half the log)."""
    if operation == "credential_lease":
        yield str(answer["credentialPassword"])
    if operation == "asset_lease" and answer["dataType"] == TEXT:
        yield from _long_enough([answer["assetValue"]])
    if operation == "asset_lease" and answer["dataType"] == HASH:
        yield from _long_enough(list(json.loads(answer["assetValue"]).values()))


def _long_enough(values: Any) -> Iterator[str]:
    return (text for text in texts_in(values) if len(text) >= LEAST_SECRET)
