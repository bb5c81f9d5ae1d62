"""The audit log: every change with its actor, in a chain in which whatever is changed, deleted or reordered is found, with its place."""
from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import CliRunner
from sqlalchemy import delete, insert, select, text, update

from hub import audit
from hub.cli import rpahub
from hub.models import AuditEntry, AuditHead
from tests.hub.services.conftest import prepared_postgresql, settings  # noqa: F401  (both databases)

ENTRIES = 12


@pytest.fixture
def chained(api, hub):
    """A chain of twelve entries, taken in at three times."""
    for number in range(ENTRIES):
        api("department_create", depName=f"部门{number}", parentId=1)
        if number % 4 == 3:
            assert audit.seal_pending(hub) == 4
    assert audit.verify(hub) == audit.Verdict(ENTRIES, 0)
    return hub


def entries(hub) -> list[AuditEntry]:
    with hub.db.read() as session:
        return list(session.scalars(select(AuditEntry).order_by(AuditEntry.seq)))


def test_a_change_is_written_with_its_actor_and_its_subject(api, hub):
    dep_id = api("department_create", depName="部门", parentId=1)["depId"]
    (entry,) = entries(hub)
    assert (entry.actor, entry.operation, entry.result_code, entry.department_id, entry.client_ip) == (
        "admin", "department_create", "00000", 1, "127.0.0.1",
    )  # fmt: skip
    assert entry.subject == {"depName": "部门", "parentId": 1, "depId": dep_id}


def test_reading_is_no_action_and_a_failed_change_is_one(api, hub):
    api("department_list")
    api.code("department_create", depName="x", parentId=10**6)
    api.code("department_create", nonsense=1)
    hub.calls.flush()
    assert [(each.operation, each.result_code) for each in entries(hub)] == [("department_create", "10501"), ("department_create", "10006")]


def test_who_may_not_is_written_down_by_name(api, hub, anybody):
    api("employee_create", employeeName="u", username="u", password="Password-of-tests-1", depId=1, roleIds=[])
    anybody.log_in("u", "Password-of-tests-1").code("department_create", depName="x", parentId=1)
    hub.calls.flush()
    last = entries(hub)[-1]
    assert (last.actor, last.operation, last.result_code) == ("u", "department_create", "30001")


def test_an_entry_waits_for_the_chain_for_a_moment_only(api, hub):
    api("department_create", depName="部门", parentId=1)
    assert audit.verify(hub) == audit.Verdict(0, 1)
    audit.seal_pending(hub)
    assert audit.verify(hub) == audit.Verdict(1, 0)
    assert audit.seal_pending(hub) == 0


def execute(hub, *statements) -> None:
    with hub.db.write() as session:
        for each in statements:
            session.execute(each)


def swap(hub, one: int, other: int) -> None:
    """Give two entries the numbers of each other."""
    for old, new in ((one, -1), (other, one), (-1, other)):
        execute(hub, update(AuditEntry).where(AuditEntry.seq == old).values(seq=new))


def exchange_contents(hub, one: int, other: int) -> None:
    """Give two entries the contents of each other, digests and numbers excepted."""
    columns = ("actor", "operation", "subject", "trace_id", "happened_at")
    found = {each.seq: {name: getattr(each, name) for name in columns} for each in entries(hub)}
    execute(hub, *(update(AuditEntry).where(AuditEntry.seq == a).values(found[b]) for a, b in ((one, other), (other, one))))


def close_the_gap(hub, gone: int) -> None:
    """Delete an entry and number those after it anew."""
    execute(hub, delete(AuditEntry).where(AuditEntry.seq == gone))
    for seq in range(gone + 1, ENTRIES + 1):
        execute(hub, update(AuditEntry).where(AuditEntry.seq == seq).values(seq=seq - 1))


def forge_on(hub) -> None:
    """Append an entry that is chained rightly, as anybody could who can compute SHA-256."""
    last = entries(hub)[-1]
    forged = AuditEntry(
        id=last.id + 1, seq=last.seq + 1, happened_at=last.happened_at, trace_id="t", operation="department_delete", actor="admin",
        department_id=1, client_ip="", subject={}, result_code="00000",
    )  # fmt: skip
    values = {each.name: getattr(forged, each.name) for each in AuditEntry.__table__.columns}
    execute(hub, insert(AuditEntry).values({**values, "digest": audit.digest_of(last.digest, forged)}))


def rebuild(hub, head: bool) -> None:
    """Change an entry and compute all digests after it anew, and that of the head."""
    execute(hub, update(AuditEntry).where(AuditEntry.seq == 5).values(actor="somebody"))
    previous = ""
    for entry in entries(hub):
        previous = audit.digest_of(previous, entry)
        execute(hub, update(AuditEntry).where(AuditEntry.seq == entry.seq).values(digest=previous))
    if head:
        execute(hub, update(AuditHead).values(digest=previous))


CHANGES: dict[str, tuple[Callable, int]] = {
    "actor": (lambda hub: execute(hub, update(AuditEntry).where(AuditEntry.seq == 5).values(actor="somebody")), 5),
    "operation": (lambda hub: execute(hub, update(AuditEntry).where(AuditEntry.seq == 1).values(operation="department_list")), 1),
    "subject": (lambda hub: execute(hub, update(AuditEntry).where(AuditEntry.seq == 12).values(subject={"depName": "y"})), 12),
    "result": (lambda hub: execute(hub, update(AuditEntry).where(AuditEntry.seq == 7).values(result_code="10501")), 7),
    "time": (lambda hub: execute(hub, update(AuditEntry).where(AuditEntry.seq == 3).values(happened_at=entries(hub)[0].happened_at)), 3),
    "trace": (lambda hub: execute(hub, update(AuditEntry).where(AuditEntry.seq == 3).values(trace_id="x")), 3),
    "address": (lambda hub: execute(hub, update(AuditEntry).where(AuditEntry.seq == 4).values(client_ip="10.0.0.1")), 4),
    "department": (lambda hub: execute(hub, update(AuditEntry).where(AuditEntry.seq == 4).values(department_id=None)), 4),
    "digest": (lambda hub: execute(hub, update(AuditEntry).where(AuditEntry.seq == 6).values(digest="0" * 64)), 6),
    "row id": (lambda hub: execute(hub, update(AuditEntry).where(AuditEntry.seq == 9).values(id=999)), 9),
    "first deleted": (lambda hub: execute(hub, delete(AuditEntry).where(AuditEntry.seq == 1)), 1),
    "middle deleted": (lambda hub: execute(hub, delete(AuditEntry).where(AuditEntry.seq == 6)), 6),
    "deleted and numbered anew": (lambda hub: close_the_gap(hub, 6), 6),
    "last deleted": (lambda hub: execute(hub, delete(AuditEntry).where(AuditEntry.seq == 12)), 12),
    "cut off": (lambda hub: execute(hub, delete(AuditEntry).where(AuditEntry.seq > 8)), 9),
    "all deleted": (lambda hub: execute(hub, delete(AuditEntry)), 1),
    "all deleted with the head": (lambda hub: execute(hub, delete(AuditEntry), delete(AuditHead)), 1),
    "taken out of the chain": (lambda hub: execute(hub, update(AuditEntry).where(AuditEntry.seq == 10).values(seq=None)), 10),
    "numbers swapped": (lambda hub: swap(hub, 4, 8), 4),
    "neighbours swapped": (lambda hub: swap(hub, 11, 12), 11),
    "contents exchanged": (lambda hub: exchange_contents(hub, 2, 9), 2),
    "forged at the end": (forge_on, 13),
    "rebuilt": (lambda hub: rebuild(hub, head=False), 12),
    "rebuilt with the head": (lambda hub: rebuild(hub, head=True), 12),
    "head deleted": (lambda hub: execute(hub, delete(AuditHead)), 13),
    "head of another hub": (lambda hub: execute(hub, update(AuditHead).values(signature="x" * 43)), 13),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_was_done_to_the_rows_is_found_with_its_place(chained, name):
    change, place = CHANGES[name]
    change(chained)
    found = audit.verify(chained)
    assert (found.is_whole, found.broken_at) == (False, place), found.problem
    assert found.sealed == place - 1


def test_going_back_to_an_earlier_end_is_found_even_with_its_signature(api, hub):
    api("department_create", depName="一", parentId=1)
    audit.seal_pending(hub)
    with hub.db.read() as session:
        early = session.get_one(AuditHead, 1)
    api("department_create", depName="二", parentId=1)
    audit.seal_pending(hub)
    execute(hub, delete(AuditEntry).where(AuditEntry.seq == 2))
    execute(hub, update(AuditHead).values(seq=early.seq, digest=early.digest, signature=early.signature))
    assert audit.verify(hub).broken_at == 2
    # Going on from there does not make this machine forget.
    for name in "三四五":
        api("department_create", depName=name, parentId=1)
        audit.seal_pending(hub)
    assert audit.verify(hub).broken_at == 2
    (hub.settings.data / audit.ANCHOR_FILE).unlink()
    assert audit.verify(hub).is_whole


def test_a_chain_holds_under_a_new_master_key(api, hub):
    api("department_create", depName="一", parentId=1)
    audit.seal_pending(hub)
    CliRunner().invoke(rpahub, ["master-key", "rotate", "--data", str(hub.settings.data)], catch_exceptions=False)
    assert audit.verify(hub).is_whole


def test_more_than_a_batch_is_chained_and_checked(hub, monkeypatch):
    monkeypatch.setattr(audit, "BATCH", 50)
    rows = [{"trace_id": "t", "operation": "x", "actor": "a", "client_ip": "", "subject": {"n": n, "f": n / 3}, "result_code": "00000"} for n in range(120)]
    execute(hub, insert(AuditEntry).values(rows))
    assert [audit.seal_pending(hub) for _ in range(4)] == [50, 50, 20, 0]
    assert audit.verify(hub) == audit.Verdict(120, 0)


def test_the_operation_tells_the_same(api, chained):
    assert api("audit_log_verify")["isWhole"] is True
    execute(chained, text("UPDATE audit_entry SET actor = 'x' WHERE seq = 7"))
    found = api("audit_log_verify")
    assert (found["isWhole"], found["brokenAt"], found["sealedCount"]) == (False, 7, 6)
    assert "7" in found["problem"]
