"""The sessions of users and applications (X19), for those who look after them."""
from __future__ import annotations

from typing import Any

from marshmallow import validates_schema
from sqlalchemy import ColumnElement, delete

from hub.call import Call
from hub.extensions.token import SESSION_ID, SessionListResult, end_session, sessions
from hub.models import AccessToken, Application, Employee
from hub.scope import find
from plugins import codes
from plugins.fields import Id, Record, Text, problem
from plugins.operation import operation


class SessionListRequest(Record):
    """Whose sessions: a user's or an application's."""

    employeeId = Id("员工 ID，与 appId 二选一", kind="employee")
    appId = Id("应用 ID，与 employeeId 二选一", kind="app")

    @validates_schema
    def _names_one(self, data: dict[str, Any], **_: Any) -> None:
        if (data.get("employeeId") is None) == (data.get("appId") is None):
            raise problem(codes.PARAMETER_MISSING, "employeeId 和 appId 应提供且仅提供其一", "employeeId")


@operation(
    "X19", "/api/ext/session/list", clause="X19", title="查询会话列表",
    request=SessionListRequest, response=SessionListResult, hook=False,
)
def session_list(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """List the sessions of a user or an application that have not expired."""
    return {"sessions": sessions(call, _tokens(call, params))}


def _tokens(call: Call, params: dict[str, Any]) -> ColumnElement[bool]:
    if params.get("employeeId") is not None:
        return AccessToken.employee_id == find(call, Employee, params["employeeId"]).id
    return AccessToken.application_id == find(call, Application, params["appId"]).id


class SessionRevokeRequest(SessionListRequest):
    """Which session, or all of one owner."""

    sessionId = Text("会话标识，缺省为该用户或应用的全部会话", pattern=SESSION_ID)


@operation("X19", "/api/ext/session/revoke", clause="X19", title="结束会话", request=SessionRevokeRequest, hook=False)
def session_revoke(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """End one session of a user or an application, or all of them, at once."""
    condition = _tokens(call, params)
    if params.get("sessionId"):
        end_session(call, condition, params["sessionId"])
    else:
        call.session.execute(delete(AccessToken).where(condition))
    return {}
