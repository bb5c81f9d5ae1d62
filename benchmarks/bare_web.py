"""The barest web service: one Flask route with one SQLAlchemy select, behind the same server with the same settings as the hub's.

``python -m benchmarks.bare_web DATA`` serves it on a free port and says ``ready ADDRESS``.
"""
from __future__ import annotations

import multiprocessing
import socket
import sys
from functools import partial
from pathlib import Path

from flask import Flask, Response, jsonify, request
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from config.settings import Settings, load
from hub.models import Task
from hub.web import BACKLOG


def create_app(settings: Settings) -> Flask:
    """A Flask application that answers ``POST /task`` with ``{"taskId"}`` from the task's row."""
    app = Flask("bare")
    engine = create_engine(settings.database)

    @app.post("/task")
    def task() -> Response:
        with Session(engine) as session:
            row = session.execute(select(Task).where(Task.id == request.get_json()["taskId"])).scalar_one()
            return jsonify(
                taskId=row.id,
                processId=row.process_id,
                robotId=row.robot_id,
                state=row.state,
                priority=row.priority,
                inParameters=row.in_parameters,
                outParameters=row.out_parameters,
                startTime=row.started_at,
                stopTime=row.stopped_at,
            )

    return app


def main(data: Path) -> None:
    """Serve until SIGINT."""
    multiprocessing.set_start_method("fork", force=True)
    settings = load(data=data)
    with socket.socket() as free:
        free.bind((settings.host, 0))
        port = free.getsockname()[1]
    server = Granian(
        target="bare",
        address=settings.host,
        port=port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        workers=settings.web_workers,
        blocking_threads=settings.web_threads,
        backlog=BACKLOG,
        backpressure=BACKLOG,
        websockets=False,
        log_level=LogLevels.error,
    )
    print(f"ready http://{settings.host}:{port}", flush=True)
    server.serve(target_loader=partial(_load, settings), wrap_loader=False)


def _load(settings: Settings) -> Flask:
    return create_app(settings)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
