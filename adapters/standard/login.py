"""Signing in at a peer: a user or an application at a platform (clause 6.2.1), a robot with its secret (clause 6.3.1.1)."""
from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from adapters.standard import cipher, envelope
from adapters.standard.codes import ERRORS, complaint
from adapters.standard.declared import declared
from adapters.standard.form import VERSION, chosen, is_robot
from plugins import Connection, HubError, NotSupported, VendorError
from plugins.http import Answer, HttpClient
from plugins.login import Auth, Ticket
from plugins.operations.account import account_authenticate
from plugins.operations.robot_api_robot import robot_api_authenticate

CONTENT_TYPE = "application/json;charset=utf-8"
SHORTEST_LIFETIME = 300.0


def client(connection: Connection, auth: Auth | None = None) -> HttpClient:
    """A client that speaks as Table 1 wants it; without ``auth`` for what needs no token."""
    headers = {"Content-Type": CONTENT_TYPE, "version": chosen(connection, "version", VERSION)}
    return HttpClient.to(connection, errors=ERRORS, complaint=complaint, headers=headers, auth=auth)


def sign_in(connection: Connection) -> tuple[Ticket, float]:
    """A token, and the seconds that it is good for by the peer's own clock. Raises HubError."""
    operation = declared(robot_api_authenticate if is_robot(connection) else account_authenticate)
    params = _credentials(connection)
    unsigned = client(connection)
    try:
        answer = unsigned.send("POST", operation.path, json=params, shape=dict, secrets=params.values())
    except HubError as error:
        if not envelope.is_turned_away(error):
            raise
        # The caller is not to blame, and neither is whatever address was to be asked after signing in.
        reason = "对方没有标准的认证接口，请核对连接地址和 kind" if isinstance(error, NotSupported) else f"登录对方失败：{error.reason}"
        raise VendorError(reason, raw={"signIn": error.raw}) from error
    finally:
        unsigned.close()
    data = envelope.read(connection, answer, operation.response)
    if not data.get("token"):
        raise VendorError("对方的认证应答中没有 token")
    return Ticket(headers={"token": data["token"]}), _lifetime(data.get("expirationTime"), answer)


def _credentials(connection: Connection) -> dict[str, str]:
    if is_robot(connection):
        return {"secret": sealed_for(connection, _secret(connection, "secret"))}
    username = chosen(connection, "username", "")
    if not username:
        raise VendorError("连接中没有填写 username")
    return {"username": username, "password": sealed_for(connection, _secret(connection, "password"))}


def _secret(connection: Connection, name: str) -> str:
    value = connection.credentials.get(name)
    if not value:
        raise VendorError(f"连接中没有填写 {name}")
    return value


def sealed_for(connection: Connection, text: str) -> str:
    """A secret as the peer wants it."""
    unsigned = client(connection)

    def ask(path: str, params: dict[str, Any]) -> dict[str, Any]:
        return envelope.bare(unsigned.send("POST", path, json=params, shape=dict))

    try:
        return cipher.sealed(connection, text, ask)
    finally:
        unsigned.close()


def _lifetime(ends: datetime | None, answer: Answer) -> float:
    """Seconds until a token ends, by the clock of the answer; a few minutes where that makes no sense, as with a wrong zone."""
    if ends is None:
        return SHORTEST_LIFETIME
    left = (ends - _clock(answer)).total_seconds()
    return left if left > 0 else SHORTEST_LIFETIME


def _clock(answer: Answer) -> datetime:
    """The peer's time; this machine's where the peer does not tell it in a form that can be read."""
    try:
        return parsedate_to_datetime(answer.headers.get("Date", "")).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return datetime.now(UTC)
