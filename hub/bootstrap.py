"""The first start: the schema, and what a hub needs so that a process can run at once."""
from __future__ import annotations

import secrets
import socket

import structlog
from sqlalchemy import func, select

from config.settings import Settings
from hub import rights
from hub.connections import NATIVE
from hub.core import Hub
from hub.migrations import upgrade
from hub.models import (
    Connection,
    Department,
    Employee,
    EmployeeRole,
    Machine,
    RightsVersion,
    Robot,
    RobotGroup,
    RobotGroupMember,
    Role,
)
from hub.robots import standalone
from hub.security import hash_password
from hub.serving import full_catalogue
from plugins.errors import ConfigurationError

log = structlog.get_logger(__name__)

ROOT_DEPARTMENT = "总部"
ADMIN = "admin"
GROUP = "默认机器人组"
SHORTEST_PASSWORD = 8


def machine_name(settings: Settings) -> str:
    """The name of this machine in the hub."""
    return settings.machine_name or socket.gethostname()


def initialise(settings: Settings) -> str | None:
    """Bring the database up to date and, at the first start, fill it. Gives the secret that was made and must be told, or None.

    That is the password of admin, or the secret of a standalone robot. Raises ConfigurationError when a configured one is too weak.
    """
    hub = Hub(settings)
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    _ = hub.vault
    upgrade(hub.db)
    try:
        if settings.role == "robot":
            return standalone.fill(hub, machine_name(settings))
        made = _fill(hub)
        _ensure_roles(hub)
    finally:
        hub.db.dispose()
    return made


def _fill(hub: Hub) -> str | None:
    settings = hub.settings
    with hub.db.write() as session:
        if session.scalar(select(func.count()).select_from(Department)):
            if session.scalar(select(Employee.id).limit(1)) is None:
                raise ConfigurationError(f"{settings.data} holds the data of a standalone robot, not of a hub")
            return None
        given = settings.admin_password.get_secret_value()
        if given and len(given) < SHORTEST_PASSWORD:
            raise ConfigurationError(f"RPAHUB_ADMIN_PASSWORD must have at least {SHORTEST_PASSWORD} characters")
        password = given or secrets.token_urlsafe(12)
        root = Department(name=ROOT_DEPARTMENT)
        session.add(root)
        session.flush()
        root.path = f"/{root.id}/"
        session.add(Employee(department_id=root.id, name="系统管理员", username=ADMIN, password_hash=hash_password(password)))
        native = Connection(name=NATIVE, adapter=NATIVE, department_id=root.id)
        machine = Machine(name=machine_name(settings), remark="本机")
        group = RobotGroup(department_id=root.id, name=GROUP, remark="首次启动时创建")
        session.add_all((native, machine, group))
        session.flush()
        robots = [
            Robot(
                department_id=root.id,
                connection_id=native.id,
                machine_id=machine.id,
                name=f"机器人{number}",
                machine_username="",
                log_level="info",
            )
            for number in range(1, settings.robots + 1)
        ]
        session.add_all(robots)
        session.flush()
        session.add_all(RobotGroupMember(robot_group_id=group.id, robot_id=robot.id) for robot in robots)
        log.info("first start", robots=len(robots))
    return None if given else password


def _ensure_roles(hub: Hub) -> None:
    """The built-in roles, with the operations that there are now. Users of a hub that had no roles yet keep what they could do."""
    wanted = rights.builtin_roles(full_catalogue())
    with hub.db.write() as session:
        present = {role.name: role for role in session.scalars(select(Role).where(Role.is_builtin.is_(True)))}
        if all(name in present and present[name].permissions == permissions for name, permissions in wanted.items()):
            return
        if session.get(RightsVersion, 1) is None:
            session.add(RightsVersion(id=1, number=0))
        root = session.scalars(select(Department).where(Department.parent_id.is_(None)).order_by(Department.id)).first()
        assert root is not None
        for name, permissions in wanted.items():
            role = present.get(name) or Role(department_id=root.id, name=name, is_builtin=True, remark="内置角色")
            role.permissions = permissions
            session.add(role)
        session.flush()
        if not present:
            administrator = session.scalars(select(Role).where(Role.name == rights.ADMINISTRATOR, Role.is_builtin.is_(True))).one()
            session.add_all(EmployeeRole(employee_id=each, role_id=administrator.id) for each in session.scalars(select(Employee.id)))
        rights.changed(session)
