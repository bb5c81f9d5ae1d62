"""The headers of a call that settings change the reading of."""
from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from config.settings import Settings
from hub.app import create_app
from tests.hub.conftest import ADMIN_PASSWORD


def sign_in(client: FlaskClient) -> str:
    body = {"username": "admin", "password": ADMIN_PASSWORD}
    return str(client.post("/api/platform/account/authenticate", json=body).get_json()["data"]["token"])


@pytest.mark.parametrize(("accepted", "code"), [(False, "10001"), (True, "00000")])
def test_a_bearer_token_counts_only_where_it_is_switched_on(new_settings: Callable[..., Settings], accepted: bool, code: str) -> None:
    client = create_app(new_settings(accept_bearer=accepted)).test_client()
    headers = {"Authorization": f"Bearer {sign_in(client)}"}
    assert client.post("/api/platform/department/list", json={}, headers=headers).get_json()["resultCode"] == code


def test_the_token_header_goes_before_a_bearer_token(new_settings: Callable[..., Settings]) -> None:
    client = create_app(new_settings(accept_bearer=True)).test_client()
    headers = {"Authorization": f"Bearer {sign_in(client)}", "token": "wrong"}
    assert client.post("/api/platform/department/list", json={}, headers=headers).get_json()["resultCode"] == "10001"


def test_packages_are_listed_under_both_names(new_settings: Callable[..., Settings]) -> None:
    client = create_app(new_settings()).test_client()
    headers = {"token": sign_in(client)}
    for path in ("/api/platform/package/query", "/api/ext/package/list"):
        data = client.post(path, json={}, headers=headers).get_json()["data"]
        assert data["packageList"] == data["packages"] == []
