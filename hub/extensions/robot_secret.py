"""The secrets of robots (X09, clause 6.3.1.1): issued, rotated, revoked. A secret is shown once, when it is made."""
from __future__ import annotations

from datetime import timedelta
from typing import Any

from hub.call import Call
from hub.database import now
from hub.models import Robot
from hub.robots import secrets as robot_secrets
from hub.scope import find
from plugins import codes
from plugins.errors import Conflict, NotFound
from plugins.fields import Flag, Id, Moment, Record, Text, Whole
from plugins.operation import operation

LONGEST_OVERLAP = 30 * 24 * 3600


class RobotSecretRequest(Record):
    """One robot."""

    robotId = Id("机器人 ID", kind="robot", required=True)


class RobotSecretResult(Record):
    """The new secret, shown this once."""

    secret = Text("机器人的 secret 密钥，仅显示一次", longest=512, secret=True)


@operation(
    "X09", "/api/ext/robot/secret/issue", clause="X09", title="签发机器人密钥",
    request=RobotSecretRequest, response=RobotSecretResult, hook=False,
)
def robot_secret_issue(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Make the first secret of a robot. One that has a secret is refused (10502): its holder would be locked out unawares."""
    row = find(call, Robot, params["robotId"])
    if robot_secrets.in_force(call.session, row.id) is not None:
        raise Conflict("机器人已有密钥，请轮换或先吊销", code=codes.DUPLICATE)
    return {"secret": robot_secrets.issue(call.session, row.id, call.caller.name)}


class RobotSecretRotateRequest(RobotSecretRequest):
    """How long the old secret still holds."""

    overlapSeconds = Whole("旧密钥继续有效的时长（秒）【默认 0，立即失效】", least=0, most=LONGEST_OVERLAP)


@operation(
    "X09", "/api/ext/robot/secret/rotate", clause="X09", title="轮换机器人密钥",
    request=RobotSecretRotateRequest, response=RobotSecretResult, hook=False,
)
def robot_secret_rotate(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Give a robot a new secret. Tokens end at once; the old secret ends at once, or after the overlap in which its holder is told the new one."""
    row = find(call, Robot, params["robotId"])
    robot_secrets.end(call.session, row.id, now() + timedelta(seconds=params.get("overlapSeconds") or 0))
    return {"secret": robot_secrets.issue(call.session, row.id, call.caller.name)}


@operation("X09", "/api/ext/robot/secret/revoke", clause="X09", title="吊销机器人密钥", request=RobotSecretRequest, hook=False)
def robot_secret_revoke(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """End all secrets and tokens of a robot at once: nobody can sign in as it until a new secret is issued."""
    row = find(call, Robot, params["robotId"])
    if not robot_secrets.end(call.session, row.id):
        raise NotFound(f"robot {row.id} secret")
    return {}


class RobotSecretQueryResult(Record):
    """What is known of a robot's secret."""

    robotId = Id("机器人 ID", kind="robot")
    isIssued = Flag("是否有有效密钥")
    createTime = Moment("签发时间，格式为 yyyy-MM-dd HH:mm:ss")
    creator = Text("签发者", longest=128)
    lastUsedTime = Moment("最近一次使用时间，格式为 yyyy-MM-dd HH:mm:ss")


@operation(
    "X09", "/api/ext/robot/secret/query", clause="X09", title="查询机器人密钥状态",
    request=RobotSecretRequest, response=RobotSecretQueryResult, hook=False,
)
def robot_secret_query(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Tell whether a robot has a secret, since when, and when it was used last; never the secret."""
    row = find(call, Robot, params["robotId"])
    present = robot_secrets.in_force(call.session, row.id)
    return {
        "robotId": row.id,
        "isIssued": present is not None,
        "createTime": present and present.created_at,
        "creator": present and present.created_by,
        "lastUsedTime": present and present.last_used_at,
    }
