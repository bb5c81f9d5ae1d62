"""The native runtime as a connection: it has nothing to configure, but can be unusable all the same."""
from __future__ import annotations

import platform
import tempfile
from importlib.metadata import version

from adapters.native.leftovers import reap_leftovers
from plugins import Context, HubError, hookimpl
from plugins.fields import Record


class Form(Record):
    """No fields: the runtime is this machine."""


@hookimpl
def connection_check(ctx: Context, params: dict) -> dict:
    """Prove that tasks can run here: the runtime's folder is writable. Also ends what killed robots have left running in it."""
    if ctx.folder is not None:
        try:
            ctx.folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=ctx.folder).close()
        except OSError as error:
            raise HubError(f"内置机器人的工作目录不可写：{error.strerror}") from error
        reap_leftovers(ctx.folder)
    return {"product": "内置机器人", "version": f"Python {platform.python_version()}, Robot Framework {version('robotframework')}"}
