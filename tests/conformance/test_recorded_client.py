"""A client that was written for version 1.0.0 of the interfaces is served by this version as it was then (clause 6.1.4.3).

The client is a recording (record_client.py), so these tests need nothing but the hub. If one fails, the hub has changed, not the recording:
what is new must be additional.
"""
from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.conformance.app_client import AppClient
from tests.conformance.conftest import application
from tests.conformance.replay import AUTHENTICATE, RECORDED, Played, play, resolved
from tests.end_to_end.client import assert_envelope
from tests.end_to_end.hub_process import PASSWORD

OTHER_TYPE = {"a type that nothing is recorded with": 1.5}


@dataclass
class Replay:
    """The recording, played on a hub of this version."""

    headers: dict[str, Any]
    played: list[Played]
    kept: dict[str, Any]
    client: AppClient


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replay]:
    """All calls made in their order on a fresh hub with its defaults."""
    recording, kept = json.loads(RECORDED.read_text(encoding="utf-8")), {"adminPassword": PASSWORD}
    with application(tmp_path_factory.mktemp("recorded") / "data") as app:
        client = AppClient(app)
        yield Replay(recording["headers"], list(play(client, recording, kept)), kept, client)


def places(shape: Any, value: Any) -> Iterator[tuple[Any, str]]:
    """Every object in an answer with each key of it that is recorded."""
    if isinstance(shape, dict) and "object" in shape:
        for key, inner in shape["object"].items():
            yield value, key
            yield from places(inner, value[key])
    elif isinstance(shape, dict) and "each" in shape.get("array", {}):
        for each in value:
            yield from places(shape["array"]["each"], each)


def last(replay: Replay, path: str) -> Played:
    """The last good answer of an operation, to be spoilt."""
    found = [each for each in replay.played if each.call["path"] == f"/api/platform/{path}" and each.status < 400]
    return copy.deepcopy(found[-1])


def test_the_recorded_client_is_answered_as_it_was(replay: Replay) -> None:
    found = [f"call {number}: {each}" for number, played in enumerate(replay.played) for each in played.differences(replay.kept)]
    assert not found, "\n".join(found)


def test_the_recording_calls_all_72_operations_and_sends_the_headers_of_table_1(replay: Replay) -> None:
    assert len({each.call["path"] for each in replay.played if each.call["resultCode"] == "00000"}) == 72
    assert (set(replay.headers), replay.headers["version"]) == ({"content-type", "token", "version"}, "1.0.0")


def test_a_key_that_is_gone_or_has_another_type_is_noticed_wherever_it_stands(replay: Replay) -> None:
    tried = 0
    for played in replay.played:
        for number in range(len(list(places(played.call["data"], played.envelope["data"])))):
            for spoil in ("remove", "retype"):
                spoilt = replace(played, envelope=copy.deepcopy(played.envelope))
                container, key = list(places(played.call["data"], spoilt.envelope["data"]))[number]
                if spoil == "remove":
                    del container[key]
                else:
                    container[key] = OTHER_TYPE if not isinstance(container[key], dict) else []
                assert any(key in each for each in spoilt.differences(replay.kept)), f"{played.call['path']}: {spoil} {key}"
                tried += 1
    assert tried > 1000


def test_another_code_or_http_status_is_noticed(replay: Replay) -> None:
    for played in replay.played:
        code = "20001" if played.call["resultCode"] != "20001" else "00000"
        assert any("resultCode" in each for each in replace(played, envelope={**played.envelope, "resultCode": code}).differences(replay.kept))
        assert any("HTTP status" in each for each in replace(played, status=202).differences(replay.kept))


def test_another_value_and_a_row_that_is_gone_are_noticed(replay: Replay) -> None:
    queried = last(replay, "calendar/query")
    queried.envelope["data"]["isDeleted"] = not queried.envelope["data"]["isDeleted"]
    assert len(queried.differences(replay.kept)) == 1
    listed = last(replay, "task/list")
    listed.envelope["data"]["tasks"].clear()
    assert any("nothing is like" in each for each in listed.differences(replay.kept))
    renumbered = last(replay, "task/list")
    renumbered.envelope["data"]["tasks"][0]["taskId"] += 1000
    assert renumbered.differences(replay.kept)


def test_additional_keys_and_rows_are_allowed(replay: Replay) -> None:
    listed = last(replay, "robot-group/list")
    for row in listed.envelope["data"]["robotGroups"]:
        row["newKey"] = {"of": "a later version"}
    listed.envelope["data"]["robotGroups"].append({**listed.envelope["data"]["robotGroups"][0], "robotGroupName": "又一组"})
    listed.envelope |= {"newKey": 1, "message": "另一种说法"}
    assert listed.differences(replay.kept) == []


@pytest.mark.parametrize("version", ["1.0.0", "1.9.3"])
def test_every_version_1_is_served(replay: Replay, version: str) -> None:
    headers = {**resolved(replay.headers, replay.kept), "version": version}
    reply = replay.client.send("POST", "/api/platform/department/list", b"{}", headers)
    assert assert_envelope(reply, "00000", 200)["departments"]


@pytest.mark.parametrize("path", ["/api/platform/department/list", AUTHENTICATE])
def test_version_2_is_refused(replay: Replay, path: str) -> None:
    body = json.dumps({"username": "admin", "password": PASSWORD}).encode() if path == AUTHENTICATE else b"{}"
    reply = replay.client.send("POST", path, body, {**resolved(replay.headers, replay.kept), "version": "2.0.0"})
    assert assert_envelope(reply, "10002", 400) == {}
