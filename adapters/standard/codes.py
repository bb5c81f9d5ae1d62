"""The words of a peer -> the hub's. They are the standard's own, so that most stand for themselves; what this table holds is where they do not."""
from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from plugins import codes
from plugins.codes import Code
from plugins.complaint import Complaint, complaint_in
from plugins.normalise import ErrorTable, RobotState, TaskState, log_levels, robot_states, task_states

SOURCE = "T/TSAC 002-2025"

# Appendix A and the hub's additions (erratum E11), one to one. A version that the peer does not serve is the connection's mistake, not the
# caller's; that the peer refuses the connection's account is dealt with by vendor_error, whatever its code.
CODES: Mapping[str, Code] = MappingProxyType({**codes.ALL, codes.VERSION_UNSUPPORTED.value: codes.VENDOR_ERROR})

# A peer that has no such address answers without a result code: it does not offer the operation.
ERRORS = ErrorTable(
    exact=CODES,
    statuses={404: codes.NOT_SUPPORTED, 405: codes.NOT_SUPPORTED, 501: codes.NOT_SUPPORTED},
    source=f"{SOURCE}, 附录 A",
)

# taskStatus as printed (Tables 48, 50, 145, 147).
STATUSES = task_states("standard taskStatus", {
    0: TaskState.SUCCEEDED,
    1: TaskState.FAILED,
    2: TaskState.RUNNING,
    3: TaskState.CANCELLED,
    4: TaskState.PAUSED,
}, source=SOURCE)

# robotStatus as printed (Tables 72 and 124).
ROBOTS = robot_states("standard robotStatus", {each.value: each for each in RobotState}, source=SOURCE)

# logLevel as printed (Tables 85 and 157), and what logging libraries write in its place.
LEVELS = log_levels("standard logLevel", {
    "trace": "trace",
    "debug": "debug",
    "info": "info",
    "warn": "warn",
    "error": "error",
    "warning": "warn",
    "fatal": "error",
    "critical": "error",
}, source=SOURCE)


def result_code(body: Any) -> str | None:
    """The result code of an answer, as five digits (erratum E12); None where it has none."""
    code = body.get("resultCode") if isinstance(body, Mapping) else None
    if isinstance(code, bool) or not isinstance(code, (int, str)) or not str(code).strip():
        return None
    return str(code).strip().zfill(5)


def complaint(status: int, body: Any) -> Complaint | None:
    """The error in an answer. The result code decides, whatever the HTTP status says (erratum E09)."""
    code = result_code(body)
    if code is None:
        return complaint_in(status, body)
    return None if code == codes.OK.value else Complaint(code, str(body.get("message") or ""))


def state_of(task: Mapping[str, Any]) -> TaskState:
    """The state of a task that was read: the detailed one where the peer has it. One that goes on and has not begun is queued (erratum E37)."""
    if task.get("taskState"):
        return TaskState(task["taskState"])
    state = STATUSES(task.get("taskStatus"))
    return TaskState.QUEUED if state == TaskState.RUNNING and not task.get("startTime") else state
