"""The web server: granian over the WSGI application, in this process and the worker processes that it forks."""
from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import structlog

from config.settings import Settings
from hub.app import create_app
from hub.listening import resolve
from hub.processes import die_with

SECONDS_TO_FINISH = 2
BACKLOG = 1024
# Granian's main process and workers log through ours; "incremental" keeps it from closing our handlers.
LOGGING = {"incremental": True, "handlers": {}, "loggers": {"_granian": {"propagate": True}}}

log = structlog.get_logger(__name__)


def main(settings: Settings) -> None:
    """Serve until SIGTERM; requests that run then get two seconds to finish."""
    from granian import Granian
    from granian.constants import HTTPModes, Interfaces
    from granian.log import LogLevels

    # Python 3.14 would start a process of another kind, which shares no memory with this one.
    multiprocessing.set_start_method("fork", force=True)
    _, address = resolve(settings.host, settings.port)
    server = Granian(
        target="wsgi:app",
        address=address,
        port=settings.port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        workers=settings.web_workers,
        blocking_threads=settings.web_threads,
        backlog=BACKLOG,
        backpressure=BACKLOG,
        websockets=False,
        respawn_failed_workers=True,
        respawn_interval=0.1,
        workers_kill_timeout=SECONDS_TO_FINISH,
        log_level=LogLevels.error,
        log_dictconfig=LOGGING,
    )
    server.serve(target_loader=partial(_load, settings, os.getpid()), wrap_loader=False)


def _load(settings: Settings, parent: int) -> Callable[..., Any]:
    """The application, made in the worker process, which must not outlive the main process of the web server."""
    die_with(parent)
    try:
        return create_app(settings)
    except Exception:
        log.exception("the web application cannot start")
        sys.exit(1)
