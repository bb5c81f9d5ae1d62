"""A caller's own tokens (X19, erratum E17): renewed, ended, shown. A token is named by the start of its digest, which tells nothing about it."""
from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select

from hub import auth, login_policy
from hub.call import Call
from hub.database import now
from hub.models import AccessToken, Employee
from hub.services.account import refuse_expired_password
from plugins.errors import NotFound, Refused
from plugins.fields import Flag, Items, Moment, Record, Text
from plugins.operation import operation

SHOWN_DIGITS = 32
MOST_SESSIONS = 1000
SESSION_ID = r"[0-9a-f]{32}"


class TokenRefreshResult(Record):
    """The new token, as account/authenticate gives it."""

    token = Text("字符令牌", longest=512, secret=True)
    expirationTime = Moment("token 过期时间，格式为 yyyy-MM-dd HH:mm:ss")


@operation("X19", "/api/ext/token/refresh", clause="X19", title="更新本次登录的 token", response=TokenRefreshResult, hook=False)
def token_refresh(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Exchange the token of this call for a fresh one; the old one ends at once."""
    own_tokens(call)
    if call.caller.employee_id is not None:
        policy = login_policy.in_force(call.hub.settings, call.session)
        refuse_expired_password(policy, call.session.get_one(Employee, call.caller.employee_id))
    current = call.session.get(AccessToken, call.caller.token)
    if current is None:
        raise NotFound("token")
    call.session.delete(current)
    token, expires_at = auth.issue_token(
        call.hub,
        call.session,
        employee_id=call.caller.employee_id,
        application_id=call.caller.application_id,
        robot_id=call.caller.robot_id,
        client_ip=call.source.client_ip,
    )
    return {"token": token, "expirationTime": expires_at}


def own_tokens(call: Call) -> ColumnElement[bool]:
    """The condition of the caller's own tokens. Raises Refused for a caller that has none, such as the hub itself."""
    if call.caller.application_id is not None:
        return AccessToken.application_id == call.caller.application_id
    if call.caller.employee_id is not None:
        return AccessToken.employee_id == call.caller.employee_id
    if call.caller.robot_id is not None:
        return AccessToken.robot_id == call.caller.robot_id
    raise Refused("仅用户、应用和机器人有 token")


class TokenRevokeRequest(Record):
    """Which of the own sessions."""

    sessionId = Text("会话标识，缺省为本次调用的会话", pattern=SESSION_ID)


@operation("X19", "/api/ext/token/revoke", clause="X19", title="注销登录", request=TokenRevokeRequest, hook=False)
def token_revoke(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Sign out: the token of this call, or of another own session, ends at once."""
    end_session(call, own_tokens(call), params.get("sessionId") or call.caller.token[:SHOWN_DIGITS])
    return {}


def end_session(call: Call, condition: ColumnElement[bool], session_id: str) -> None:
    """End one session among those that meet a condition. Raises NotFound."""
    named = AccessToken.digest.startswith(session_id, autoescape=True)
    found = call.session.scalar(select(AccessToken).where(condition, named)) if session_id else None
    if found is None:
        raise NotFound(f"session {session_id}")
    call.session.delete(found)


class SessionRow(Record):
    """One token, without itself."""

    sessionId = Text("会话标识")
    clientIp = Text("登录来源 IP")
    loginTime = Moment("登录时间")
    expirationTime = Moment("token 过期时间，格式为 yyyy-MM-dd HH:mm:ss")
    isCurrent = Flag("是否本次调用的会话")


class SessionListResult(Record):
    """The tokens that have not expired, the newest first, at most a thousand."""

    sessions = Items(SessionRow, "会话列表")


@operation("X19", "/api/ext/token/list", clause="X19", title="查询本人的会话列表", response=SessionListResult, hook=False)
def token_list(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """List the own sessions that have not expired."""
    return {"sessions": sessions(call, own_tokens(call))}


def sessions(call: Call, condition: ColumnElement[bool]) -> list[dict[str, Any]]:
    """The sessions that meet a condition and have not expired."""
    moment: datetime = now()
    statement = select(AccessToken).where(condition, AccessToken.expires_at > moment)
    return [
        {
            "sessionId": row.digest[:SHOWN_DIGITS],
            "clientIp": row.client_ip,
            "loginTime": row.created_at,
            "expirationTime": row.expires_at,
            "isCurrent": row.digest == call.caller.token,
        }
        for row in call.session.scalars(statement.order_by(AccessToken.created_at.desc()).limit(MOST_SESSIONS))
    ]
