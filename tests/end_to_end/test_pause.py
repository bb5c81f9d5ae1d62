"""Pausing a real run (clause 6.2.7.3): its processes stand still, and go on where they were."""
from __future__ import annotations

import time

from tests.end_to_end.client import Client, until

COUNTING = """
import time
for number in range(40):
    print(f"count {number}", flush=True)
    time.sleep(0.1)
"""


def test_a_paused_run_stands_still_until_it_is_resumed(admin: Client, group_id: int) -> None:
    (task_id,) = admin.start(admin.make_process(COUNTING, group_id=group_id))
    until(lambda: "count 3" in admin.log(task_id), 30, "the run to count")
    admin.call("task/pause", {"taskId": task_id})
    shown = admin.task(task_id)
    assert (shown["taskStatus"], shown["taskState"]) == ("4", "paused")
    counted = admin.log(task_id)
    time.sleep(1)
    assert admin.log(task_id) == counted
    admin.call("task/pause", {"taskId": task_id}, code="10504", status=409)
    admin.call("task/resume", {"taskId": task_id})
    assert admin.task(task_id)["taskState"] == "running"
    (ended,) = admin.ended([task_id])
    assert ended["taskState"] == "succeeded"
    assert [line for line in admin.log(task_id) if line.startswith("count")] == [f"count {number}" for number in range(40)]
    admin.call("task/resume", {"taskId": task_id}, code="10102", status=409)


def test_a_paused_run_is_cancelled(admin: Client, group_id: int) -> None:
    (task_id,) = admin.start(admin.make_process(COUNTING, group_id=group_id))
    until(lambda: admin.log(task_id), 30, "the run to begin")
    admin.call("task/pause", {"taskId": task_id})
    admin.call("task/cancel", {"taskId": task_id})
    (ended,) = admin.ended([task_id])
    assert ended["taskStatus"] == "3"


def test_a_held_task_lets_others_pass_and_runs_when_it_is_resumed(admin: Client, hello: int) -> None:
    other = admin.make_process("import time; time.sleep(2)", group_id=admin.call("robot-group/list")["robotGroups"][0]["robotGroupId"])
    busy = admin.start(other, totalCount=2)
    until(lambda: all(admin.task(each)["taskState"] == "running" for each in busy), 30, "both robots to be busy")
    (held,) = admin.start(hello)
    admin.call("task/pause", {"taskId": held})
    (passing,) = admin.start(hello)
    admin.ended([*busy, passing])
    shown = admin.task(held)
    assert (shown["taskState"], shown["robotId"], shown["startTime"]) == ("paused", None, "")
    admin.call("task/resume", {"taskId": held})
    assert admin.ended([held])[0]["taskState"] == "succeeded"
