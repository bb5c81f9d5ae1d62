"""The tables: the hub is the system of record for all that they hold."""
from hub.models.base import Base, Entity
from hub.models.calendar import Calendar
from hub.models.connection import Connection
from hub.models.installer import RobotInstaller
from hub.models.keys import RegisteredKey, SigningKey, WireKey
from hub.models.licence import Licence
from hub.models.machine import MachineCommand, MachineMetric
from hub.models.organisation import AccessToken, Department, Employee, SecondFactor
from hub.models.process import Package, Process
from hub.models.queue import DataQueue, DataQueueItem
from hub.models.record import ApiCall, ApiMetric, AuditEntry, AuditHead, KeptAnswer
from hub.models.rights import (
    ApiGroup,
    Application,
    EmployeeRole,
    LoginPolicy,
    RightsVersion,
    Role,
    UserGroup,
    UserGroupMember,
    UserGroupRole,
)
from hub.models.robot import Machine, Robot, RobotGroup, RobotGroupMember, RobotSecret
from hub.models.task import Outbox, Task, TaskEvent, TaskLog
from hub.models.trigger import Trigger, TriggerRobot
from hub.models.upgrade import UpgradeCampaign, UpgradeItem
from hub.models.vault import Asset, Credential, CredentialLease, FileVersion, Recording, StoredFile

__all__ = [
    "Asset", "Credential", "CredentialLease", "FileVersion", "Recording", "StoredFile",
    "AccessToken", "ApiCall", "ApiGroup", "ApiMetric", "Application", "AuditEntry", "AuditHead", "EmployeeRole", "KeptAnswer",
    "LoginPolicy", "RightsVersion", "Role", "UserGroup", "UserGroupMember", "UserGroupRole",
    "Calendar", "DataQueue", "DataQueueItem", "Licence", "Trigger", "TriggerRobot",
    "RegisteredKey", "SigningKey", "WireKey",
    "MachineCommand", "MachineMetric", "UpgradeCampaign", "UpgradeItem",
    "Base", "Connection", "Department", "Employee", "Entity", "Machine", "Outbox", "Package", "Process", "Robot",
    "RobotGroup", "RobotGroupMember", "RobotInstaller", "RobotSecret", "SecondFactor", "Task", "TaskEvent", "TaskLog",
]
