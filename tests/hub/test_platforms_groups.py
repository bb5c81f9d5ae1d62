"""Which robots of a vendor's platform a task is for: those of the group that is named, where it has some there."""
from __future__ import annotations

from hub.core import Hub
from hub.models import Process, Robot
from tests.hub.conftest import Api
from tests.hub.services import making


class NoCalls:
    """A platform that is asked nothing here."""


def test_a_group_names_its_robots_of_the_platform_and_a_group_without_any_is_refused_where_the_task_names_it(api: Api, hub: Hub) -> None:
    connection_id = making.platform(hub, NoCalls())
    there = making.imported(hub, Robot, connection_id, name="远端", reference="V-1")
    group, empty = making.group(api, robots=(there,)), making.group(api, robots=(making.robot(api, robotName=making.some("本地")),))
    process = making.imported(hub, Process, connection_id, name="流程", reference="R-1", robot_group_id=empty)
    given = {"processId": process, "priority": 1, "isRecord": False}
    (task,) = api("task_create", **given, robotGroupId=group)["taskIds"]
    assert (making.task_of(hub, task).robots, making.task_of(hub, task).robot_group_id) == ([there], group)
    assert api.code("task_create", **given, robotGroupId=empty) == "11001"
    (task,) = api("task_create", **given)["taskIds"]
    assert making.task_of(hub, task).robots is None, "the process's own group has none there: the platform chooses"
