"""Machines (clauses 6.2.9.4 and 6.3.2)."""
from __future__ import annotations

from adapters.standard.forwarding import forwarded
from plugins.operations import machine as platform
from plugins.operations.robot_api_machine import robot_api_machine_query

machine_query = forwarded(platform.machine_query, robot_api_machine_query)
machine_list = forwarded(platform.machine_list)
