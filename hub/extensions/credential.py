"""Credentials at run time (X14): leased to running tasks, renewed, and who used them."""
from __future__ import annotations

import secrets
import string
from datetime import timedelta
from typing import Any

from sqlalchemy import CursorResult, select, update

from hub.call import Call
from hub.database import now
from hub.models import Credential, CredentialLease, Robot, Task
from hub.paging import page
from hub.robots.run_time import granted, running_task
from hub.scope import find, visible
from hub.services.credential import PURPOSE
from hub.wire import is_inside, key_of, open_password, seal_for
from plugins.fields import Flag, Id, Items, Moment, Record, Text, Whole
from plugins.operation import operation
from plugins.paging import ListRequest, ListResult

GENERATED = 24
PUBLIC_KEY = "用于加密应答中密码的公钥：PEM、base64 编码的 SubjectPublicKeyInfo 或十六进制 SM2 公钥【默认为已登记的公钥】"


class CredentialLeaseRequest(Record):
    """A credential, by id or name, for a running task."""

    taskId = Id("正在执行的任务 ID", kind="task", required=True)
    credentialId = Id("凭据 ID，与凭据名称提供其一", kind="credential")
    credentialName = Text("凭据名称", longest=128)
    publicKey = Text(PUBLIC_KEY, longest=4096)


class CredentialLeaseResult(Record):
    """What the process logs in with."""

    leaseId = Whole("租约 ID")
    credentialId = Id("凭据 ID", kind="credential")
    credentialName = Text("凭据名称", longest=128)
    credentialUsername = Text("凭据用户名", longest=128)
    credentialPassword = Text("凭据密码（密文）", longest=16384, secret=True)
    expirationTime = Moment("租约截止时间，格式为 yyyy-MM-dd HH:mm:ss")


@operation(
    "X14", "/api/ext/credential/lease", clause="X14", title="任务租用凭据",
    request=CredentialLeaseRequest, response=CredentialLeaseResult, hook=False,
)
def credential_lease(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Tell a running task a credential, its password encrypted to the robot's key. For the robot that runs the task, where it may use the credential."""
    task = running_task(call, params["taskId"])
    row = granted(call, Credential, params.get("credentialId"), params.get("credentialName"), "credential")
    password = call.hub.vault.open(row.sealed_password, PURPOSE)
    if not is_inside(call):
        password = seal_for(key_of(call, params.get("publicKey"), "publicKey"), password)
    moment = now()
    lease = CredentialLease(
        credential_id=row.id, credential_name=row.name, task_id=task.id, robot_id=task.robot_id or 0,
        created_at=moment, expires_at=moment + timedelta(seconds=call.hub.settings.credential_lease),
    )
    call.session.add(lease)
    call.session.flush()
    return {
        "leaseId": lease.id,
        "credentialId": row.id,
        "credentialName": row.name,
        "credentialUsername": row.username,
        "credentialPassword": password,
        "expirationTime": lease.expires_at,
    }


class CredentialRotateRequest(Record):
    """A credential and its new password."""

    credentialId = Id("凭据 ID", kind="credential", required=True)
    credentialPassword = Text("新密码（密文）【默认随机生成】", longest=4096, secret=True)
    publicKey = Text(PUBLIC_KEY, longest=4096)


class CredentialRotateResult(Record):
    """What came of it. A password that was made is told this once."""

    credentialId = Id("凭据 ID", kind="credential")
    isGenerated = Flag("新密码是否为随机生成")
    credentialPassword = Text("随机生成的新密码（密文），仅显示一次", longest=16384, secret=True)
    revokedLeases = Whole("因此失效的租约数")


@operation(
    "X14", "/api/ext/credential/rotate", clause="X14", title="更换凭据密码",
    request=CredentialRotateRequest, response=CredentialRotateResult, hook=False,
)
def credential_rotate(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Set a new password, the given one or a random one, which is answered encrypted to the caller's key. Running leases end: their password is old."""
    row = find(call, Credential, params["credentialId"])
    given = params.get("credentialPassword")
    password = open_password(call, given, "credentialPassword") if given else _new_password()
    told = "" if given else password
    if told and not is_inside(call):
        told = seal_for(key_of(call, params.get("publicKey"), "publicKey"), password)
    row.sealed_password = call.hub.vault.seal(password, PURPOSE)
    moment = now()
    running = (CredentialLease.credential_id == row.id, CredentialLease.expires_at > moment, CredentialLease.revoked_at.is_(None))
    ended = call.session.execute(update(CredentialLease).where(*running).values(revoked_at=moment))
    call.audit["credentialName"] = row.name
    revoked = ended.rowcount if isinstance(ended, CursorResult) else 0
    return {"credentialId": row.id, "isGenerated": not given, "credentialPassword": told, "revokedLeases": revoked}


def _new_password() -> str:
    """A random password with a letter of each case and a digit, as most systems want it."""
    while True:
        made = "".join(secrets.choice(string.ascii_letters + string.digits + "-_.") for _ in range(GENERATED))
        if any(map(str.islower, made)) and any(map(str.isupper, made)) and any(map(str.isdigit, made)):
            return made


class CredentialUsageListRequest(ListRequest):
    """Whose leases."""

    credentialId = Id("凭据 ID", kind="credential")
    taskId = Id("任务 ID", kind="task")
    robotId = Id("机器人 ID", kind="robot")


class CredentialUsage(Record):
    """One lease."""

    leaseId = Whole("租约 ID")
    credentialId = Id("凭据 ID", kind="credential")
    credentialName = Text("租用时的凭据名称", longest=128)
    taskId = Id("任务 ID", kind="task")
    robotId = Id("机器人 ID", kind="robot")
    robotName = Text("机器人名称", longest=128)
    leaseTime = Moment("租用时间，格式为 yyyy-MM-dd HH:mm:ss")
    expirationTime = Moment("租约截止时间，格式为 yyyy-MM-dd HH:mm:ss")
    revokeTime = Moment("租约因更换密码而失效的时间")


class CredentialUsageListResult(ListResult):
    """A page of leases."""

    usages = Items(CredentialUsage, "凭据使用记录")


@operation(
    "X14", "/api/ext/credential/usage/list", clause="X14", title="查询凭据使用记录",
    request=CredentialUsageListRequest, response=CredentialUsageListResult, hook=False,
)
def credential_usage_list(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """List which task of which robot was told which credential, and when."""
    wanted: dict[Any, tuple[str, Any]] = {
        Credential: ("credentialId", CredentialLease.credential_id),
        Task: ("taskId", CredentialLease.task_id),
        Robot: ("robotId", CredentialLease.robot_id),
    }
    own = visible(select(Credential.id), Credential, call)
    statement = select(CredentialLease).where(CredentialLease.credential_id.in_(own))
    for model, (name, column) in wanted.items():
        if params.get(name) is not None:
            statement = statement.where(column == find(call, model, params[name], deleted=True).id)
    rows, paging = page(call, statement, CredentialLease, params, search=(CredentialLease.credential_name,))
    names = dict(call.session.execute(select(Robot.id, Robot.name).where(Robot.id.in_({row.robot_id for row in rows}))).all())
    found = [
        {
            "leaseId": row.id,
            "credentialId": row.credential_id,
            "credentialName": row.credential_name,
            "taskId": row.task_id,
            "robotId": row.robot_id,
            "robotName": names.get(row.robot_id, ""),
            "leaseTime": row.created_at,
            "expirationTime": row.expires_at,
            "revokeTime": row.revoked_at,
        }
        for row in rows
    ]
    return {"usages": found, **paging}
