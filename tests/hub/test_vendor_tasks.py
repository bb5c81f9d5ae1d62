"""Tasks on vendors' platforms: a start whose answer was lost, what a look brings, and recordings that come back."""
from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import func, select, update

from hub.core import Hub
from hub.database import now
from hub.models import Connection, Process, Recording, Task, TaskEvent
from hub.redis_server import RedisServer
from hub.sealed_files import Sealed
from hub.tasks import queues, recordings
from hub.tasks.vendor import find_task, start_task, watch_connection
from plugins import FileContent, Unreachable, VendorError, hookimpl
from tests.hub.conftest import Api
from tests.hub.services import making

VIDEO = b"content of a recording" * 100_000


class Platform:
    """A vendor's platform in this process: what it answers can be changed, what it is told is kept."""

    def __init__(self) -> None:
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.task: dict[str, Any] = {"taskState": "running"}
        self.answers: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "task_create": lambda params: {"taskIds": ["T-1"]},
            "task_find": lambda params: {"taskId": "T-1"},
            "task_watch": lambda params: {"tasks": [{"taskId": each, **self.task} for each in params["taskIds"]]},
            "task_log_query": lambda params: {"logs": [{"logTime": now(), "logLevel": "info", "message": "一行"}]},
            "video_query": lambda params: {"recordFileInfos": [self.recording(1), self.recording(2)]},
            "recording_fetch": lambda params: {"content": FileContent.of(VIDEO + params["recordFileId"].encode())},
        }

    def recording(self, number: int, **changes: Any) -> dict[str, Any]:
        return {"recordFileId": str(number), "url": f"http://there/{number}", "videoStartTime": now(), "videoEndTime": now(), **changes}

    def times(self, name: str) -> int:
        return sum(each == name for each, _ in self.told)

    def module(self) -> ModuleType:
        made = ModuleType("platform")
        for name in self.answers:
            made.__dict__[name] = hookimpl(self.implementation(name))
        return made

    def implementation(self, name: str) -> Any:
        def carry_out(ctx: Any, params: dict[str, Any]) -> dict[str, Any]:
            self.told.append((name, params))
            return self.answers[name](params)

        carry_out.__name__ = name
        return carry_out


@pytest.fixture
def platform() -> Platform:
    return Platform()


@pytest.fixture
def connection_id(hub: Hub, platform: Platform) -> int:
    return making.platform(hub, platform.module())


@pytest.fixture
def task_id(api: Api, hub: Hub, connection_id: int) -> int:
    """A queued task of the platform, to be recorded."""
    process_id = making.imported(hub, Process, connection_id, name="流程", reference="R-1")
    return int(api("task_create", processId=process_id, isRecord=True)["taskIds"][0])


def unreachable(params: dict[str, Any]) -> dict[str, Any]:
    error = Unreachable("连接被中断")
    error.maybe_done = True
    raise error


def test_a_start_whose_answer_was_lost_is_found_by_its_key_and_all_that_was_said(hub: Hub, platform: Platform, task_id: int) -> None:
    platform.answers["task_create"] = unreachable
    start_task(hub, task_id)
    row = making.task_of(hub, task_id)
    assert (row.state, row.reference) == ("running", "T-1")
    created, found = (dict(platform.told)[name] for name in ("task_create", "task_find"))
    assert found["key"] == created.pop("key") and found["start"] == created
    assert platform.times("task_create") == 1


def test_while_the_platform_is_away_a_lost_start_is_looked_for_again_for_some_minutes(hub: Hub, platform: Platform, task_id: int) -> None:
    platform.answers["task_create"] = platform.answers["task_find"] = unreachable
    start_task(hub, task_id)
    find_task(hub, task_id)
    assert making.task_of(hub, task_id).state == "dispatching"
    platform.answers["task_find"] = lambda params: {"taskId": "T-9"}
    find_task(hub, task_id)
    assert making.task_of(hub, task_id).reference == "T-9"


def test_a_start_that_is_never_cleared_up_has_failed_uncertainly(hub: Hub, platform: Platform, task_id: int) -> None:
    platform.answers["task_create"] = platform.answers["task_find"] = unreachable
    start_task(hub, task_id)
    with hub.db.write() as session:
        session.execute(update(TaskEvent).values(happened_at=now() - timedelta(hours=1)))
    find_task(hub, task_id)
    row = making.task_of(hub, task_id)
    assert row.state == "failed" and "可能已经启动" in (row.reason or "")


def test_a_look_brings_progress_and_step_and_writes_only_what_changed(hub: Hub, platform: Platform, task_id: int, connection_id: int) -> None:
    start_task(hub, task_id)
    platform.task = {"taskState": "running", "progress": 40, "step": "登录"}
    watch_connection(hub, connection_id)
    row = making.task_of(hub, task_id)
    assert (row.state, row.progress, row.step) == ("running", 40, "登录")
    watch_connection(hub, connection_id)
    assert making.task_of(hub, task_id).updated_at == row.updated_at
    platform.task = {"taskState": "paused"}
    watch_connection(hub, connection_id)
    row = making.task_of(hub, task_id)
    assert (row.state, row.progress, row.step) == ("paused", 40, "登录")


def end(hub: Hub, platform: Platform, task_id: int, connection_id: int) -> None:
    """Start the task, and see that it has ended between two looks."""
    start_task(hub, task_id)
    platform.task = {"taskState": "succeeded", "outParameters": [{"name": "a", "value": "1"}], "stopTime": now()}
    watch_connection(hub, connection_id)


def stored(hub: Hub) -> list[Recording]:
    with hub.db.read() as session:
        return list(session.scalars(select(Recording).order_by(Recording.reference)))


def files(hub: Hub) -> int:
    """How many encrypted contents there are."""
    return sum(1 for path in (hub.settings.data / "files").rglob("*") if path.is_file())


def test_the_recordings_of_an_ended_task_come_back_once_and_are_our_own(
    api: Api, hub: Hub, platform: Platform, task_id: int, connection_id: int, redis_server: RedisServer
) -> None:
    end(hub, platform, task_id, connection_id)
    row = making.task_of(hub, task_id)
    assert (row.state, row.out_parameters, making.log_of(hub, task_id)) == ("succeeded", [{"name": "a", "value": "1"}], ["一行"])
    recordings.queue_due(hub)
    recordings.queue_due(hub)
    name = queues.connection_queue(connection_id, recordings.PRIORITY)
    assert [each for each in queues.queue(hub.redis, name).job_ids if "fetch" in each] == [f"fetch_recordings-{task_id}-{name}"]
    recordings.fetch_recordings(hub, task_id)
    recordings.fetch_recordings(hub, task_id)
    kept = stored(hub)
    assert [each.reference for each in kept] == ["1", "2"] and platform.times("recording_fetch") == 2
    due = making.task_of(hub, task_id).recordings_due
    assert due is not None and due > now(), "a robot that died may hand in its last one when it is back"
    making.change_task(hub, task_id, stopped_at=now() - recordings.UNLISTED * 2)
    recordings.fetch_recordings(hub, task_id)
    assert making.task_of(hub, task_id).recordings_due is None and platform.times("recording_fetch") == 2
    shown = api("video_query", taskId=task_id)["recordFileInfos"]
    assert [each["recordFileId"] for each in shown] == [each.id for each in kept]
    assert all(each["url"].startswith("http://hub.test/api/ext/recording/download/") for each in shown)
    first = kept[0]
    content = hub.files.get(Sealed(first.blob, first.sealed_key, first.digest, first.size)).read()
    assert content == VIDEO + b"1"
    for path in (hub.settings.data / "files").rglob("*"):
        assert not path.is_file() or b"content of a recording" not in path.read_bytes()
    asked = dict(platform.told)["recording_fetch"]
    assert (asked["largest"], asked["taskId"], asked["url"]) == (hub.settings.max_recording, "T-1", "http://there/2")


def test_jobs_that_meet_keep_one_copy(hub: Hub, platform: Platform, task_id: int, connection_id: int) -> None:
    end(hub, platform, task_id, connection_id)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: recordings.fetch_recordings(hub, task_id), range(4)))
    assert len(stored(hub)) == 2 and files(hub) == 2


def test_what_cannot_be_had_is_asked_for_again_at_growing_intervals_and_not_for_ever(
    hub: Hub, platform: Platform, task_id: int, connection_id: int, redis_server: RedisServer
) -> None:
    good = platform.answers["recording_fetch"]

    def second_fails(params: dict[str, Any]) -> dict[str, Any]:
        if params["recordFileId"] == "2":
            raise VendorError("中断")
        return good(params)

    platform.answers["recording_fetch"] = second_fails
    end(hub, platform, task_id, connection_id)
    recordings.fetch_recordings(hub, task_id)
    assert [each.reference for each in stored(hub)] == ["1"]
    for age, pause in ((0, 5), (60, 30), (36000, 3600)):
        stopped = now() - timedelta(seconds=age)
        making.change_task(hub, task_id, stopped_at=stopped, recordings_due=now())
        recordings.queue_due(hub)
        due = making.task_of(hub, task_id).recordings_due
        assert due is not None and abs((due - now()).total_seconds() - pause) < 4
    platform.answers["recording_fetch"] = good
    recordings.fetch_recordings(hub, task_id)
    assert [each.reference for each in stored(hub)] == ["1", "2"] and platform.times("recording_fetch") == 3


@pytest.mark.parametrize(("answer", "hours", "goes_on"), [
    ([], 0, True), ([], 2, False), ([{"recordFileId": "1"}], 2, True), ([{"recordFileId": "1"}], 25, False),
])
def test_a_platform_that_lists_nothing_is_given_up_after_an_hour_and_one_that_gives_nothing_after_a_day(
    hub: Hub, platform: Platform, task_id: int, connection_id: int, answer: list[dict[str, Any]], hours: int, goes_on: bool
) -> None:
    platform.answers["video_query"] = lambda params: {"recordFileInfos": answer}
    end(hub, platform, task_id, connection_id)
    making.change_task(hub, task_id, stopped_at=now() - timedelta(hours=hours))
    recordings.fetch_recordings(hub, task_id)
    assert (making.task_of(hub, task_id).recordings_due is not None) == goes_on
    assert stored(hub) == []


def test_a_content_that_is_not_what_the_platform_says_is_not_kept(hub: Hub, platform: Platform, task_id: int, connection_id: int) -> None:
    platform.answers["video_query"] = lambda params: {"recordFileInfos": [platform.recording(1, digest="0" * 64)]}
    end(hub, platform, task_id, connection_id)
    recordings.fetch_recordings(hub, task_id)
    assert stored(hub) == [] and files(hub) == 0
    right = FileContent.of(VIDEO + b"1").digest()
    platform.answers["video_query"] = lambda params: {"recordFileInfos": [platform.recording(1, digest=right.upper())]}
    recordings.fetch_recordings(hub, task_id)
    assert [each.digest for each in stored(hub)] == [right]


def test_a_question_for_recordings_brings_them_also_where_none_were_expected(
    api: Api, hub: Hub, platform: Platform, task_id: int, connection_id: int
) -> None:
    making.change_task(hub, task_id, is_record=False)
    start_task(hub, task_id)
    assert api("video_query", taskId=task_id)["recordFileInfos"] == []
    assert making.task_of(hub, task_id).recordings_due is None, "it has not ended yet"
    platform.task = {"taskState": "succeeded"}
    watch_connection(hub, connection_id)
    assert making.task_of(hub, task_id).recordings_due is None
    assert api("video_query", taskId=task_id)["recordFileInfos"] == []
    recordings.fetch_recordings(hub, task_id)
    assert len(api("video_query", taskId=task_id)["recordFileInfos"]) == 2


def test_an_adapter_that_cannot_fetch_shows_its_platforms_addresses(api: Api, hub: Hub, platform: Platform) -> None:
    platform.answers.pop("recording_fetch")
    other = making.platform(hub, platform.module())
    process_id = making.imported(hub, Process, other, name="流程", reference="R-1")
    (task_id,) = api("task_create", processId=process_id, isRecord=True)["taskIds"]
    end(hub, platform, task_id, other)
    assert making.task_of(hub, task_id).recordings_due is None
    assert [each["url"] for each in api("video_query", taskId=task_id)["recordFileInfos"]] == ["http://there/1", "http://there/2"]
    with hub.db.read() as session:
        assert session.scalar(select(func.count()).select_from(Task).where(Task.recordings_due.is_not(None))) == 0
        assert session.get_one(Connection, other).name == "acme"
