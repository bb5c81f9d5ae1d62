"""What the services of the robot interface (clause 6.3) do alike: find the robot that calls, and pass on what another platform looks after.

A robot of ours keeps its packages, processes and files in the hub's own tables, marked as its own (``local_robot_id``). What is made on a
robot that a vendor's platform looks after is made there first and stored here with its reference, as everywhere.
"""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hub import connections
from hub.call import Call
from hub.models import Connection, Robot
from hub.scope import find


def own_robot(call: Call) -> Robot:
    """The robot that calls."""
    return find(call, Robot, call.caller.robot_id)


def own_platform(call: Call) -> Connection | None:
    """The platform that looks after the calling robot; None where it is a robot of ours."""
    connection = call.session.get_one(Connection, own_robot(call).connection_id)
    return None if connections.runs_here(call.hub, connection) else connection


def tell_own(call: Call, operation: str, params: Mapping[str, Any]) -> dict[str, Any] | None:
    """Let the platform of the calling robot carry out an operation of the robot interface first; None where the robot is one of ours.

    ``params`` are in the platform's own references. The session has been ended meanwhile.
    """
    platform = own_platform(call)
    if platform is None:
        return None
    return call.ask(platform, operation, {"robotId": own_robot(call).reference, **params})
