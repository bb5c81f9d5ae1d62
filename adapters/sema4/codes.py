"""The action server's words -> the standard's.

Source: the server's own OpenAPI document (2.6.0) and its answers, seen on the running server.
"""
from __future__ import annotations

from plugins import codes
from plugins.normalise import ErrorTable, TaskState, VendorTime, log_levels, task_states

SOURCE = "sema4ai-action-server 2.6.0, /openapi.json"

# Run.status -> task state. 0 is a run that waits for a free process.
STATES = task_states("sema4 run status", {
    0: TaskState.QUEUED,     # NOT_RUN
    1: TaskState.RUNNING,    # RUNNING
    2: TaskState.SUCCEEDED,  # PASSED
    3: TaskState.FAILED,     # FAILED
    4: TaskState.CANCELLED,  # CANCELLED
}, source=SOURCE)

# At its start the server marks what the last shutdown cut off as CANCELLED, with this message. Nobody cancelled those runs.
CUT_OFF = "Run marked as cancelled in Action Server Start"

# Error answer -> result code. The server has few codes of its own, so that its messages decide. A 404 in other words comes from something
# else than an action server, or from another version of it, and says nothing about runs.
ERRORS = ErrorTable(
    patterns={
        r"^Unknown run id": codes.NOT_FOUND,
        r"^Unknown request id": codes.NOT_FOUND,
        r"^Invalid or missing API Key|^Not authenticated": codes.TOKEN_INVALID,
    },
    statuses={404: codes.VENDOR_ERROR, 422: codes.PARAMETER_TYPE},
    source=SOURCE,
)

# Times are ISO 8601 with an offset; a zone is not assumed.
TIME = VendorTime("sema4 times", source=SOURCE)

# Kind of a console message in output.robolog -> log level. What the framework prints about itself is debug.
KINDS = log_levels("sema4 console kinds", {
    "stdout": "info",
    "stderr": "warn",
    "regular": "debug",
    "important": "debug",
    "task_name": "debug",
    "error": "error",
    "traceback": "error",
}, source="robocorp-log 2.9.6, output specification")

# Level of a log message in output.robolog.
LEVELS = log_levels("sema4 log levels", {
    "D": "debug",
    "I": "info",
    "W": "warn",
    "E": "error",
    "F": "error",
}, source="robocorp-log 2.9.6, output specification")
