"""The names of RQ's queues, and putting jobs on them.

A native task waits on the queue of its robot group, or on those of the robots that it names; a vendor's task on the queue of its connection,
so that a slow vendor holds up nobody else. There is one queue for each priority: 0 is emptied before 1, 1 before 2.
"""
from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import redis
from rq import Queue
from rq.job import Job
from rq.registry import StartedJobRegistry
from rq.serializers import JSONSerializer

from hub.models import Task

PRIORITIES = (0, 1, 2)
IDLE = "idle"  # nothing is ever put here: for a worker that has nothing to listen to, and must listen to something
FAILURE_TTL = 3600


def group_queue(group_id: int, priority: int) -> str:
    """The queue of a robot group."""
    return f"group-{group_id}-{priority}"


def robot_queue(robot_id: int, priority: int) -> str:
    """The queue of one robot."""
    return f"robot-{robot_id}-{priority}"


def connection_queue(connection_id: int, priority: int) -> str:
    """The queue of a vendor platform."""
    return f"connection-{connection_id}-{priority}"


def watch_queue(connection_id: int) -> str:
    """The queue of the looks at a vendor platform's running tasks."""
    return f"connection-{connection_id}-watch"


def queues_of(task: Task, runs_here: bool) -> list[str]:
    """Where the job of a task belongs. ``runs_here``: a robot of ours executes it, rather than a vendor's platform."""
    if not runs_here:
        return [connection_queue(task.connection_id, task.priority)]
    if task.robots:
        return [robot_queue(robot_id, task.priority) for robot_id in task.robots]
    return [group_queue(task.robot_group_id or 0, task.priority)]


def queue(connection: redis.Redis, name: str) -> Queue:
    """The RQ queue of this name."""
    return Queue(name, connection=connection, serializer=JSONSerializer)


def put(connection: redis.Redis, jobs: Iterable[tuple[str, int, list[str]]]) -> None:
    """Queue jobs (name, subject id, queues), all in one round trip. A job may stand on several queues: the first who claims has it."""
    with connection.pipeline() as pipe:
        for name, subject_id, queues in jobs:
            for each in queues:
                target = queue(connection, each)
                job = Job.create(
                    name,
                    args=(subject_id,),
                    connection=connection,
                    id=f"{name}-{subject_id}-{each}",
                    origin=each,
                    timeout=-1,
                    result_ttl=0,
                    failure_ttl=FAILURE_TTL,
                    description=f"{name} {subject_id}",
                    serializer=JSONSerializer,
                )
                target.enqueue_job(job, pipeline=pipe)
        pipe.execute()


def withdraw(connection: redis.Redis, name: str, subject_id: int, queues: list[str]) -> None:
    """Take a job off these queues where it still waits there."""
    with connection.pipeline() as pipe:
        for each in queues:
            queue(connection, each).remove(f"{name}-{subject_id}-{each}", pipeline=pipe)
        pipe.execute()


def waiting_jobs(connection: redis.Redis, names: Iterable[str]) -> set[str]:
    """The ids of the jobs that wait on these queues or are in work from them."""
    found: set[str] = set()
    for name in set(names):
        each = queue(connection, name)
        found.update(each.job_ids)
        found.update(jobs_in_work(connection, name))
    return found


def jobs_in_work(connection: redis.Redis, name: str) -> list[str]:
    """The ids of the jobs from a queue that living workers have in hand. An entry of a dead worker stands there for long, but expires."""
    registry = StartedJobRegistry(name, connection=connection)
    entries: Any = connection.zrangebyscore(registry.key, time.time(), "+inf")
    return [registry.parse_job_id(each) for each in entries]


def job_ids(name: str, subject_id: int, queues: list[str]) -> set[str]:
    """The ids that a job has on its queues."""
    return {f"{name}-{subject_id}-{each}" for each in queues}


def in_work(connection: redis.Redis, connection_id: int) -> int:
    """How many jobs of a vendor platform workers are busy with at this moment."""
    names = [watch_queue(connection_id), *(connection_queue(connection_id, priority) for priority in PRIORITIES)]
    return sum(len(jobs_in_work(connection, name)) for name in names)
