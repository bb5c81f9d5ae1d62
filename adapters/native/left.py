"""What runs leave that somebody else asks for: the recordings of killed ones, and where the display of a live one is."""
from __future__ import annotations

from pathlib import Path
from typing import Any

from adapters.native.display import facts_of
from adapters.native.kept import kept_in
from adapters.native.leftovers import RunNote, reap_leftovers
from adapters.native.workspace import TASKS, run_folder
from plugins import ConfigurationError, Context, HubError, codes, hookimpl


@hookimpl
def recordings_left(ctx: Context, params: dict) -> dict:
    """The recordings that killed runs of the robot ``robotId`` left; those whose keys are in ``taken`` are removed first."""
    base = _folder(ctx)
    reap_leftovers(base)
    recordings: list[dict[str, Any]] = []
    for kept in kept_in(base):
        run_id = kept.key.rpartition("-")[0]
        if kept.about["robotId"] != str(params["robotId"]) or RunNote(base, run_id).path.exists():
            continue
        content = None if kept.key in params.get("taken", ()) else kept.content()
        if content is None:
            kept.forget()
            continue
        recordings.append(
            {
                "key": kept.key, "taskId": kept.about["taskId"], "content": content, "startTime": kept.started_at, "endTime": kept.ended_at,
                "manifest": kept.manifest,
            }
        )
    return {"recordings": recordings}


@hookimpl
def desktop_find(ctx: Context, params: dict) -> dict:
    """Where the display of the live run of ``taskId`` is. Raises HubError (11001) where there is none."""
    base = _folder(ctx)
    for path in (base / TASKS).glob(f"{run_folder(str(params['taskId']), '*')}/run"):
        facts = facts_of(path)
        if facts is not None:
            return facts
    raise HubError("该任务在本机没有虚拟桌面", code=codes.ROBOT_STATE)


def _folder(ctx: Context) -> Path:
    if ctx.folder is None:
        raise ConfigurationError("the runtime needs a folder")
    return ctx.folder.absolute()
