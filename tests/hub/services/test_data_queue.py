"""Data queues and their seven counters."""
from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, func, insert, select, text

from hub.core import Hub
from hub.database import now
from hub.models import DataQueueItem
from hub.services.data_queue import item_states, state_of
from tests.hub.conftest import Api

COUNTERS = (
    "unconsumedMessageCount", "consumedMessageCount", "unavailableMessageCount", "expiredMessageCount", "consumedMessageSuccessCount",
    "consumedMessageFailCount", "totalCount",
)  # fmt: skip
MOMENT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def queue_id(api: Api) -> int:
    """An empty queue."""
    return api("data_queue_create", depId=1, queueName="待处理", remark="对账单")["queueId"]


def counters(api: Api, queue_id: int) -> list[int]:
    shown = api("data_queue_query", queueId=queue_id)
    return [shown[name] for name in COUNTERS]


def wire(moment: datetime) -> str:
    return (moment + timedelta(hours=8)).strftime("%Y-%m-%d %H:%M:%S")


def test_a_new_queue_is_shown_and_empty(api: Api, queue_id: int) -> None:
    shown = api("data_queue_query", queueId=queue_id)
    assert [shown[name] for name in COUNTERS] == [0] * 7
    assert (shown["queueId"], shown["queueName"], shown["isDeleted"]) == (queue_id, "待处理", False)
    assert api("data_queue_list")["queues"] == [{"queueId": queue_id, "queueName": "待处理", "remark": "对账单", "depId": 1, "isDeleted": False}]


def test_items_are_counted_by_their_times(api: Api, queue_id: int) -> None:
    moment = now()
    items = [
        {"content": {"no": 1}},
        {"content": {"no": 2}, "expirationTime": wire(moment + timedelta(hours=1))},
        {"content": {"no": 3}, "effectiveTime": wire(moment + timedelta(hours=1))},
        {"content": {"no": 4}, "expirationTime": wire(moment - timedelta(hours=1)), "reference": "旧单", "priority": 0},
    ]
    added = api("queue_item_add", queueId=queue_id, items=items)["itemIds"]
    assert counters(api, queue_id) == [2, 0, 1, 1, 0, 0, 4]
    listed = api("queue_item_list", queueId=queue_id)["items"]
    assert [each["itemId"] for each in listed] == added
    assert [each["itemState"] for each in listed] == ["available", "available", "unavailable", "expired"]
    assert [each["content"]["no"] for each in listed] == [1, 2, 3, 4]
    assert (listed[3]["reference"], listed[3]["priority"], listed[0]["priority"]) == ("旧单", 0, 1)
    assert listed[1]["expirationTime"] == items[1]["expirationTime"]
    for state in ("available", "unavailable", "expired", "leased"):
        found = api("queue_item_list", queueId=queue_id, itemState=state)["items"]
        assert [each["itemId"] for each in found] == [each["itemId"] for each in listed if each["itemState"] == state]
    assert [each["itemId"] for each in api("queue_item_list", queueId=queue_id, keyword="旧")["items"]] == added[3:]


def test_a_lease_protects_past_the_expiry_and_ends_by_itself(hub: Hub, api: Api, queue_id: int) -> None:
    moment = now()
    past, future = moment - timedelta(hours=1), moment + timedelta(hours=1)
    rows: list[dict[str, Any]] = [
        {"state": "leased", "lease_until": future},
        {"state": "leased", "lease_until": future, "expires_at": past},
        {"state": "leased", "lease_until": past},
        {"state": "leased", "lease_until": past, "expires_at": past},
        {"state": "leased", "lease_until": past, "effective_at": future},
        {"state": "succeeded"},
        {"state": "failed", "expires_at": past},
        {"state": "new", "is_deleted": True},
    ]
    with hub.db.write() as session:
        session.add_all(DataQueueItem(queue_id=queue_id, **each) for each in rows)
    assert counters(api, queue_id) == [3, 2, 1, 1, 1, 1, 7]


offsets = st.none() | st.sampled_from([-7200, -1, 0, 1, 7200])
items = st.fixed_dictionaries(
    {
        "state": st.sampled_from(["new", "leased", "succeeded", "failed"]),
        "effective_at": offsets, "expires_at": offsets, "lease_until": offsets,
    }
)  # fmt: skip


def test_every_item_is_exactly_one_thing_and_the_counters_add_up(hub: Hub, api: Api, queue_id: int) -> None:
    """The database and Python agree on each item, whatever its times are, also when they are this very moment."""

    @settings(max_examples=40, deadline=None)
    @given(st.lists(items, min_size=1, max_size=12))
    def check(found: list[dict[str, Any]]) -> None:
        rows = [
            {name: MOMENT + timedelta(seconds=value) if isinstance(value, int) else value for name, value in each.items()} for each in found
        ]
        with hub.db.write() as session:
            session.execute(delete(DataQueueItem).where(DataQueueItem.queue_id == queue_id))
            session.execute(insert(DataQueueItem), [{"queue_id": queue_id, **each} for each in rows])
        with hub.db.read() as session:
            stored = list(session.scalars(select(DataQueueItem).where(DataQueueItem.queue_id == queue_id)))
            for item in stored:
                conditions = item_states(MOMENT)
                chosen = select(*(condition.label(name) for name, condition in conditions.items())).where(DataQueueItem.id == item.id)
                true = [name for name, value in session.execute(chosen).mappings().one().items() if value]
                assert true == [state_of(item, MOMENT)]
        unconsumed, consumed, unavailable, expired, succeeded, failed, total = counters(api, queue_id)
        assert consumed == succeeded + failed
        assert total == unconsumed + consumed + unavailable + expired == len(rows)

    check()


def test_counting_reads_the_index_alone_and_is_quick(hub: Hub, api: Api, queue_id: int) -> None:
    other = api("data_queue_create", depId=1, queueName="别的")["queueId"]
    states = ("new", "leased", "succeeded", "failed")
    rows = [{"queue_id": queue_id if number % 2 else other, "state": states[number // 2 % 4]} for number in range(20_000)]
    with hub.db.write() as session:
        session.execute(insert(DataQueueItem), rows)
    assert counters(api, queue_id) == [5000, 5000, 0, 0, 2500, 2500, 10_000]
    if not hub.db.is_sqlite:
        return
    counted = select(*(func.count().filter(condition) for condition in item_states(now()).values()))
    statement = counted.where(DataQueueItem.queue_id == queue_id, DataQueueItem.is_deleted.is_(False))
    with hub.db.read() as session:
        compiled = str(statement.compile(session.connection(), compile_kwargs={"literal_binds": True}))
        plan = "\n".join(str(row) for row in session.execute(text(f"EXPLAIN QUERY PLAN {compiled}")))
    assert "SEARCH data_queue_item USING COVERING INDEX ix_data_queue_item_count (queue_id=? AND is_deleted=?)" in plan


@pytest.mark.parametrize(
    ("items", "code"),
    [
        ([], "10005"),
        ([{"reference": "no content"}], "10006"),
        ([{"content": "text"}], "10007"),
        ([{"content": {"a": "\x00"}}], "10007"),
        ([{"content": {"a": ["\ud800"]}}], "10007"),
        ([{"content": {}, "priority": 9}], "10007"),
        ([{"content": {}, "effectiveTime": "soon"}], "10301"),
        ([{"content": {}, "effectiveTime": "2027-01-02 00:00:00", "expirationTime": "2027-01-01 00:00:00"}], "10007"),
        ([{"content": {}}, {"content": 1}], "10007"),
    ],
)
def test_wrong_items_are_refused_all_together(api: Api, queue_id: int, items: list[Any], code: str) -> None:
    assert api.code("queue_item_add", queueId=queue_id, items=items) == code
    assert counters(api, queue_id) == [0] * 7


def test_names_are_unique_within_a_department(api: Api, queue_id: int) -> None:
    home = api("department_create", depName="分部", parentId=1)["depId"]
    assert api.code("data_queue_create", depId=1, queueName="待处理") == "10502"
    assert api.code("data_queue_create", depId=home, queueName="待处理") == "00000"
    api("data_queue_delete", queueId=queue_id)
    assert api.code("data_queue_create", depId=1, queueName="待处理") == "00000"


def test_a_deleted_queue_is_shown_but_takes_nothing(api: Api, queue_id: int) -> None:
    api("queue_item_add", queueId=queue_id, items=[{"content": {}}])
    api("data_queue_delete", queueId=queue_id)
    shown = api("data_queue_query", queueId=queue_id)
    assert (shown["isDeleted"], shown["totalCount"]) == (True, 1)
    assert api("data_queue_list")["queues"] == []
    assert api("data_queue_list", includeDeleted=True)["total"] == 1
    assert api.code("queue_item_add", queueId=queue_id, items=[{"content": {}}]) == "10501"
    assert api.code("data_queue_delete", queueId=queue_id) == "10501"
    assert api("queue_item_list", queueId=queue_id)["total"] == 1


def test_a_queue_that_an_active_trigger_waits_on_is_not_deleted(api: Api, queue_id: int) -> None:
    process_id = api("process_create", processName="p", depId=1, robotGroupId=1, isRecord=False)["processId"]
    trigger_id = api(
        "trigger_create", triggerName="来单即办", depId=1, processId=process_id, assignType=1, isRecord=False, isDefineCalendar=False,
        triggerType="queue", queueId=queue_id,
    )["triggerId"]  # fmt: skip
    refused = api.answer("data_queue_delete", queueId=queue_id)
    assert (refused.code.value, "来单即办" in refused.message) == ("10503", True)
    api("trigger_delete", triggerId=trigger_id)
    assert api.code("data_queue_delete", queueId=queue_id) == "00000"


def test_a_department_sees_only_its_own_queues(api: Api, queue_id: int) -> None:
    home = api("department_create", depName="分部", parentId=1)["depId"]
    own = api("data_queue_create", depId=home, queueName="自己的")["queueId"]
    somebody = api.within(home)
    assert [each["queueId"] for each in somebody("data_queue_list")["queues"]] == [own]
    for operation in ("data_queue_query", "data_queue_delete", "queue_item_list"):
        assert somebody.code(operation, queueId=queue_id) == "10501"
    assert somebody.code("queue_item_add", queueId=queue_id, items=[{"content": {}}]) == "10501"
    assert somebody.code("data_queue_create", depId=1, queueName="x") == "10501"
