"""The hooks beside the standard's operations: what the hub must ask of a vendor and chapter 6 has no call for.

Same signature as the operations, same errors. Parameters and answers are plain dicts; ids in them are the vendor's own references (texts).
"""
from __future__ import annotations

from typing import Any

from plugins.context import Context
from plugins.markers import hookspec


@hookspec(firstresult=True)
def connection_check(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    """Prove that the connection works with its address and credentials.

    Answer ``{"product": str, "version": str}``; raise when the platform cannot be used.
    """


@hookspec(firstresult=True)
def connection_import(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    """List what exists on the vendor's side, for the hub to take into its index.

    Answer ``{"packages": [{"packageId", "packageName", "packageVersion"}], "processes": [{"processId", "processName", "remark",
    "packageId", "inParameters": [{"name", "value"}]}], "robots": [{"robotId", "robotName", "robotStatus"}]}``; each list may be left out,
    and so may what the vendor does not tell of a process: its ``packageId`` and ``inParameters`` stay as they are in the hub then.
    """


@hookspec(firstresult=True)
def task_run(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    """Run one task to its end, here and now, and return only then. For adapters that execute processes themselves.

    ``params``: ``taskId`` (text), ``processName``, ``packageName``, ``packageVersion``, ``package`` (FileContent), ``packageDigest``,
    ``inParameters`` ([{name, value}]), ``logLevel``, ``robotName``, ``robotId`` (text), ``maxRunTime`` (seconds, 0 = none), ``isRecord``,
    ``operator`` (who made the task), ``desktop`` ({width, height, depth}, None = none asked for), ``recording`` ({rate, quality}),
    ``timeZone`` (of the times in recordings), ``isAutoUnlockEnabled`` (unlock the desktop of ``machineUsername`` for the run, and lock it
    again afterwards).
    Report lines and progress through ``ctx.run`` and obey its commands. Answer ``{"taskState", "outParameters", "reason"}`` with
    ``taskState`` one of succeeded, failed, cancelled, timed_out.
    """


@hookspec(firstresult=True)
def task_watch(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    """Give the present state of several tasks at once. ``params``: ``{"taskIds": [reference]}``.

    Answer ``{"tasks": [{"taskId", "taskState", "outParameters", "reason", "progress", "step", "startTime", "stopTime"}]}`` (times: aware
    datetimes or None; progress: 0 to 100); a task that the vendor no longer knows is left out.
    """


@hookspec(firstresult=True)
def task_find(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    """Find the task that was started with a given key, after the hub lost the answer of ``task_create``.

    ``params``: ``{"key": text, "start": what task_create was given, "saidTime": when that was (aware)}``. A vendor that starts a key once,
    however often it is told, may be told again, as long as it remembers the key. Answer ``{"taskId": reference}``, or ``{"taskId": None}``
    when it is certain that no task was started with that key.
    Only an adapter that sends the key along with the start may implement this: the hub starts again on None.
    """


@hookspec(firstresult=True)
def recordings_left(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    """Give the recordings that runs left on this machine which were killed before they could hand them over.

    ``params``: ``robotId`` (text) whose runs they were; ``taken``, the keys of those that the hub has stored and that may be removed. Answer
    ``{"recordings": [{"key", "taskId", "content" (FileContent), "startTime", "endTime", "manifest"}]}``, as ``Run.recording`` is given them.
    """


@hookspec(firstresult=True)
def desktop_lock(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    """Lock or unlock the desktop that robots of ``machineUsername`` ("" = the present user) work on. ``params``: ``isLocked`` is what is wanted.

    Answer ``{"changed": bool, "detail": text}``; raise Conflict, with the reason, where there is no desktop that can be locked.
    """


@hookspec(firstresult=True)
def desktop_restore(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    """Lock the desktops again that runs of this machine have unlocked and, as they died, not locked again.

    Answer ``{"restored": [{"taskId", "detail"}]}``, each run once, also for what was locked in the meantime by others than this call.
    """


@hookspec(firstresult=True)
def desktop_find(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    """Find the X display of a task that runs on this machine. ``params``: ``taskId`` (text).

    Answer ``{"display": ":1", "authority": path of its cookie, "width", "height", "depth"}``; raise HubError (11001) where there is none.
    """


@hookspec(firstresult=True)
def recording_fetch(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    """Fetch the content of a recording that ``video_query`` has just listed, for the hub to keep.

    ``params``: ``{"taskId", "recordFileId", "url", "largest", "timeout"}`` (bytes, seconds). Answer ``{"content": FileContent}``; raise for
    one that is larger.
    """
