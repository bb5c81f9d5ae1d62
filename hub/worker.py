"""RQ workers: one kind that calls vendor platforms, one that is a native robot. Both fork a process for each job."""
from __future__ import annotations

import gc
import time
import uuid
from collections.abc import Callable
from typing import Any, ClassVar

import redis
import structlog
from rq import Worker
from rq.job import Job
from rq.serializers import JSONSerializer
from sqlalchemy import select

from config.settings import Settings
from hub.connections import NATIVE
from hub.core import Hub
from hub.models import Connection
from hub.processes import die_with
from hub.tasks import lifecycle, queues
from hub.tasks.jobs import JOBS

log = structlog.get_logger(__name__)

WORKER_TTL = 20  # RQ waits this less 15 seconds for a job, so that presence and queues are looked after every five
MONITORING_INTERVAL = 3
JOB_TTL = 5 * MONITORING_INTERVAL


class HubJob(Job):
    """A job whose function is looked up in the table of jobs: what lies in Redis can name nothing else."""

    hub: ClassVar[Hub]
    extra: ClassVar[dict[str, Any]] = {}

    def _execute(self) -> None:
        function = JOBS[self.func_name or ""]
        extra = self.extra if self.func_name == "run_task" else {}
        try:
            function(self.hub, *self.args, **extra)
        finally:
            self.hub.db.dispose()


class HubWorker(Worker):
    """A worker that keeps its queues up to date, tells that it lives, and outlives its Redis server."""

    def __init__(self, hub: Hub, name: str, listen: Callable[[], list[str]], alive: Callable[[], None], **extra: Any) -> None:
        self._hub = hub
        self._listen = listen
        self._alive = alive
        self._next_look = 0.0
        super().__init__(
            [queues.queue(hub.patient_redis, each) for each in listen()],
            name=f"{name}-{uuid.uuid4().hex[:12]}",
            connection=hub.patient_redis,
            serializer=JSONSerializer,
            job_class=type("BoundJob", (HubJob,), {"hub": hub, "extra": extra}),
            worker_ttl=WORKER_TTL,
            job_monitoring_interval=MONITORING_INTERVAL,
            log_job_description=False,
        )
        self._prepare()

    def _prepare(self) -> None:
        """Load and compile here, once, what every job needs: each is done in a fork of this process, which begins with what this one has."""
        _ = self._hub.adapters, self._hub.vault
        lifecycle.rehearse(self._hub)
        # Left unmarked, the garbage collector of each fork would touch, and so copy, all the memory that it shares with this process.
        gc.collect()
        gc.freeze()

    def heartbeat(self, *args: Any, **options: Any) -> None:
        """Beside RQ's own heartbeat: say that this worker lives, and look which queues there are now."""
        if time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + MONITORING_INTERVAL
            self._alive()
            wanted = self._listen()
            if wanted != self.queue_names():
                self.queues = [queues.queue(self.connection, each) for each in wanted]
                self._ordered_queues = self.queues[:]
        super().heartbeat(*args, **options)

    def maintain_heartbeats(self, job: Job, execution: Any) -> None:
        """Go on with the job while Redis is away: the row is the truth about the task, and RQ's records of the job are not."""
        try:
            self.heartbeat(MONITORING_INTERVAL + 60)
            super().maintain_heartbeats(job, execution)
        except redis.RedisError as error:
            log.warning("redis is away, the job goes on", job=job.id, error=str(error))

    def get_heartbeat_ttl(self, job: Job, working_time: float = 0.0) -> int:
        """How long (seconds) a job counts as in work without a sign of its worker: what a dead one had in hand must not lie there for minutes."""
        return JOB_TTL

    def fork_work_horse(self, job: Job, queue: Any) -> None:
        """Fork without an open database connection: SQLite's must not cross a fork."""
        self._hub.db.dispose()
        super().fork_work_horse(job, queue)

    def main_work_horse(self, job: Job, queue: Any) -> None:
        """The child's part: it must not outlive its worker."""
        die_with(self.pid or 0)
        super().main_work_horse(job, queue)


def vendor_queues(hub: Hub) -> list[str]:
    """The queues of all vendor platforms, looks first, then by priority.

    One whose jobs keep all workers but one busy is left out for the moment: a slow platform holds up nobody else.
    """
    known = select(Connection.id).where(Connection.adapter != NATIVE, Connection.is_deleted.is_(False)).order_by(Connection.id)
    with hub.db.read() as session:
        ids = list(session.scalars(known))
    share = max(1, hub.settings.workers - 1)
    if len(ids) > 1:
        ids = [each for each in ids if queues.in_work(hub.patient_redis, each) < share]
    names = [queues.watch_queue(each) for each in ids]
    names += [queues.connection_queue(each, priority) for priority in queues.PRIORITIES for each in ids]
    return names or [queues.IDLE]


def main(settings: Settings, index: int = 0) -> None:
    """Do the jobs of vendor platforms until SIGTERM."""
    hub = Hub(settings)
    worker = HubWorker(hub, f"worker-{index}", listen=lambda: vendor_queues(hub), alive=lambda: None)
    worker.work(logging_level=None)
