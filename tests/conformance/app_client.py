"""The same client, calling a WSGI application in this process."""
from __future__ import annotations

from collections.abc import Mapping

from flask import Flask

from tests.end_to_end.client import Client, Reply


class AppClient(Client):
    """One caller of an application, without a socket between."""

    def __init__(self, app: Flask, token: str = "", side: str = "platform") -> None:
        super().__init__("http://localhost", token, side)
        self.app = app

    def send(self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Reply:
        """Send just this."""
        response = self.app.test_client().open(path, method=method, data=body, headers=dict(headers or {}))
        return Reply(response.status_code, {name.lower(): value for name, value in response.headers}, response.data)

    def log_in(self, username: str, password: str) -> AppClient:
        """A client with a token of this user."""
        data = AppClient(self.app).call("account/authenticate", {"username": username, "password": password})
        return AppClient(self.app, data["token"])

    def as_robot(self, secret: str) -> AppClient:
        """A client with a token of the robot whose secret this is."""
        return AppClient(self.app, AppClient(self.app).call("/api/robot/authenticate", {"secret": secret})["token"], "robot")

    def a_robot(self) -> AppClient:
        """A client with a token of the first robot, to which this caller gives a new secret."""
        return self.as_robot(self.call("/api/ext/robot/secret/rotate", {"robotId": 1})["secret"])
