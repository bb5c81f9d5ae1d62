"""A robot that stands alone (clause 5.1.1, F003): one native robot behind its own interface (clause 6.3), without a platform.

It is the hub's program in another role: the same services over the same stores, of which only what a robot may call is served. There are
no users: whoever holds the robot's secret controls it.
"""
from __future__ import annotations

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from hub import rights
from hub.connections import NATIVE
from hub.core import Hub
from hub.models import Connection, Department, Employee, Machine, Robot
from hub.robots import secrets as robot_secrets
from hub.security import token_digest
from plugins.errors import ConfigurationError
from plugins.operation import Operation

log = structlog.get_logger(__name__)

SHORTEST_SECRET = 16
HOME = "本机"
MAKER = "first start"


def serves(operation: Operation) -> bool:
    """Whether a standalone robot has the operation: the robot interface, and what else a robot may call."""
    if operation.side == "robot":
        return True
    if operation.public:
        return operation.side == "ext" and not operation.writes
    return operation.side == "ext" and rights.allows(rights.ROBOT_PERMISSIONS, rights.permission_of(operation))


def fill(hub: Hub, machine_name: str) -> str | None:
    """Make the robot at the first start, and see to its secret at every one. Gives the secret that was made here and must be told, or None.

    Raises ConfigurationError when the configured secret is too short.
    """
    given = hub.settings.robot_secret.get_secret_value()
    if given and len(given) < SHORTEST_SECRET:
        raise ConfigurationError(f"RPAHUB_ROBOT_SECRET must have at least {SHORTEST_SECRET} characters")
    with hub.db.write() as session:
        if session.scalar(select(Employee.id).limit(1)) is not None:
            raise ConfigurationError(f"{hub.settings.data} holds the data of a hub, not of a standalone robot")
        robot = _robot(session) or _make(session, machine_name)
        present = robot_secrets.in_force(session, robot.id)
        if given:
            if present is None or present.digest != token_digest(given):
                robot_secrets.end(session, robot.id)
                robot_secrets.issue(session, robot.id, "RPAHUB_ROBOT_SECRET", given)
            return None
        return robot_secrets.issue(session, robot.id, MAKER) if present is None else None


def _robot(session: Session) -> Robot | None:
    return session.scalars(select(Robot).where(Robot.is_deleted.is_(False)).order_by(Robot.id)).first()


def _make(session: Session, machine_name: str) -> Robot:
    home = Department(name=HOME)
    session.add(home)
    session.flush()
    home.path = f"/{home.id}/"
    native = Connection(name=NATIVE, adapter=NATIVE, department_id=home.id)
    machine = Machine(name=machine_name, remark=HOME)
    session.add_all((native, machine))
    session.flush()
    robot = Robot(
        department_id=home.id, connection_id=native.id, machine_id=machine.id, name=machine_name, machine_username="", log_level="info"
    )
    session.add(robot)
    session.flush()
    log.info("first start of a standalone robot", robot_id=robot.id)
    return robot


def new_secret(hub: Hub) -> str:
    """Give the robot another secret; the old one and all tokens end at once. Raises ConfigurationError where there is no robot yet."""
    with hub.db.write() as session:
        robot = _robot(session)
        if robot is None:
            raise ConfigurationError("there is no robot yet: start it once with `rpahub robot up`")
        robot_secrets.end(session, robot.id)
        return robot_secrets.issue(session, robot.id, "rpahub robot secret")
