"""A native robot: an RQ worker that takes the tasks of its groups and its own, one at a time."""
from __future__ import annotations

import sys

import structlog
from sqlalchemy import select, update

from hub.core import Hub
from hub.database import now
from hub.licences import unlicensed
from hub.machines import locking
from hub.models import Robot, RobotGroup, RobotGroupMember
from hub.processes import locked
from hub.screens.recordings import hand_in_left
from hub.tasks import jobs, queues
from hub.tasks.queues import IDLE
from hub.version import program_version
from hub.worker import HubWorker

log = structlog.get_logger(__name__)


def robot_queues(hub: Hub, robot_id: int) -> list[str]:
    """The queues that a robot takes its tasks from: by priority, its own before those of its groups.

    One that is disabled, paused, held for its machine's sake or about to stop takes none, and neither does one whose licence has expired.
    """
    groups = (
        select(RobotGroupMember.robot_group_id)
        .join(RobotGroup, RobotGroup.id == RobotGroupMember.robot_group_id)
        .where(RobotGroupMember.robot_id == robot_id, RobotGroup.is_deleted.is_(False))
        .order_by(RobotGroupMember.robot_group_id)
    )
    with hub.db.read() as session:
        robot = session.get(Robot, robot_id)
        if robot is None or not _may_work(robot) or unlicensed(session, [robot]):
            return [IDLE]
        ids = list(session.scalars(groups))
    return [
        name
        for priority in queues.PRIORITIES
        for name in (queues.robot_queue(robot_id, priority), *(queues.group_queue(each, priority) for each in ids))
    ]


def _may_work(robot: Robot) -> bool:
    return robot.is_enabled and not robot.is_stopped and not robot.is_paused and robot.held_by is None


def tell_alive(hub: Hub, robot_id: int) -> None:
    """Note that the robot lives."""
    with hub.db.write() as session:
        session.execute(update(Robot).where(Robot.id == robot_id).values(seen_at=now(), updated_at=Robot.updated_at))


def tell_gone(hub: Hub, robot_id: int) -> None:
    """Note that the robot has stopped, so that nobody waits for its heartbeat to run out."""
    with hub.db.write() as session:
        session.execute(update(Robot).where(Robot.id == robot_id).values(seen_at=None, online_since=None, updated_at=Robot.updated_at))


def clean_up_after(hub: Hub, robot_id: int, reason: str) -> None:
    """Fail the tasks that a robot's dead process left as running, and free the robot."""
    for task_id in jobs.abandoned_by(hub, robot_id):
        if jobs.fail_broken(hub, task_id, reason):
            log.warning("task lost its robot", task_id=task_id, robot_id=robot_id)
    with hub.db.write() as session:
        freed = update(Robot).where(Robot.id == robot_id).values(task_id=None, updated_at=Robot.updated_at)
        unlocks = session.scalar(freed.returning(Robot.is_auto_unlock_enabled).execution_options(synchronize_session=False))
    if unlocks:
        locking.note_restored(hub)


def main(hub: Hub, robot_id: int) -> None:
    """Be the robot until SIGTERM. One process on this machine at a time can be it; a second one waits its turn.

    ``hub`` may have been used before this process was forked, as long as it has no connection open.
    """
    with locked(hub.settings.run_folder / f"robot-{robot_id}.lock"):
        clean_up_after(hub, robot_id, "机器人进程中断，任务失败")
        hand_in_left(hub, robot_id)
        with hub.db.write() as session:
            values = {"online_since": now(), "seen_at": now(), "install_path": sys.prefix, "version": program_version() or None}
            session.execute(update(Robot).where(Robot.id == robot_id).values(**values, updated_at=Robot.updated_at))
        worker = RobotWorker(hub, robot_id)
        log.info("robot is ready", robot_id=robot_id)
        worker.work(logging_level=None)
        tell_gone(hub, robot_id)


class RobotWorker(HubWorker):
    """The worker that a robot is."""

    def __init__(self, hub: Hub, robot_id: int) -> None:
        self._robot_id = robot_id
        super().__init__(
            hub,
            f"robot-{robot_id}",
            listen=lambda: robot_queues(hub, robot_id),
            alive=lambda: tell_alive(hub, robot_id),
            robot_id=robot_id,
        )

    def handle_work_horse_killed(self, job: jobs.Any, retpid: int, ret_val: int, rusage: jobs.Any) -> None:
        """The process that ran the task was killed: the task has failed, at once."""
        clean_up_after(self._hub, self._robot_id, "执行任务的进程被终止，任务失败")
        hand_in_left(self._hub, self._robot_id)
