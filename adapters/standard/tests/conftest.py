"""A healthy peer."""
from __future__ import annotations

from collections.abc import Iterator

import pytest

from adapters.standard import contract
from plugins.testing import FakeVendor


@pytest.fixture
def peer() -> Iterator[FakeVendor]:
    """A peer that is a platform and a robot, with one thing of each kind."""
    server = FakeVendor()
    contract.vendor(server)
    with server:
        yield server
