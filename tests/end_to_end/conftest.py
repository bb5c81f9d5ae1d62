"""One running hub for all tests of this folder, and what they need of it."""
from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from adapters.sema4.tests.real_server import sema4_python, sema4_server
from tests.end_to_end.client import Client
from tests.end_to_end.hub_process import HubProcess

__all__ = ["sema4_python", "sema4_server"]


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """`rpahub up` with two robots; it must stop cleanly at the end."""
    process = HubProcess(tmp_path_factory.mktemp("hub") / "data", max_json=4 << 20, max_request=8 << 20, max_package=2 << 20, task_count_limit=60)
    with process:
        yield process
        status = process.stop()
    assert status == 0, process.said()


@pytest.fixture(scope="session")
def admin(hub: HubProcess) -> Client:
    """The administrator."""
    return hub.admin()


@pytest.fixture(scope="session")
def anybody(hub: HubProcess) -> Client:
    """A caller without a token."""
    return Client(hub.url)


@pytest.fixture(scope="session")
def group_id(admin: Client) -> int:
    """The group that the first start made, with both robots."""
    found = admin.call("robot-group/list")["robotGroups"][0]
    admin.online(found["robotIds"])
    return int(found["robotGroupId"])


@pytest.fixture(scope="session")
def hello(admin: Client, group_id: int) -> int:
    """A process that says hello and gives back what it was told."""
    return admin.make_process(HELLO, group_id=group_id)


@pytest.fixture
def named(request: pytest.FixtureRequest) -> Callable[[str], str]:
    """Names that no other test uses."""
    return lambda name: f"{name} {request.node.name}"[:128]


HELLO = """
import json, os
given = json.load(open(os.environ["RPA_INPUT"], encoding="utf-8"))
print("你好，世界")
json.dump(given + [{"name": "taskId", "value": os.environ["RPA_TASK_ID"]}], open(os.environ["RPA_OUTPUT"], "w", encoding="utf-8"))
"""
