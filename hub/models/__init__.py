"""The tables: the hub is the system of record for all that they hold."""
from hub.models.base import Base, Entity
from hub.models.connection import Connection
from hub.models.organisation import AccessToken, Department, Employee
from hub.models.process import Package, Process
from hub.models.robot import Machine, Robot, RobotGroup, RobotGroupMember
from hub.models.task import Outbox, Task, TaskLog

__all__ = [
    "AccessToken", "Base", "Connection", "Department", "Employee", "Entity", "Machine", "Outbox", "Package", "Process", "Robot",
    "RobotGroup", "RobotGroupMember", "Task", "TaskLog",
]
