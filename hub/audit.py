"""The audit log (clause 5.4, 5.7): every change with its actor, chained so that a changed, deleted or reordered row is found.

A row is written in the transaction of the change itself. Soon after, the scheduler takes it into the chain: it gets the next number and the
SHA-256 of the row before it and of its own content. The end of the chain is signed with the master key, so that who can write to the
database alone cannot cut it off or make another one.
"""
from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.models import AuditEntry, AuditHead
from plugins.fields import Id, Items, Printed, Record

if TYPE_CHECKING:
    from hub.core import Hub

BATCH = 1000
LONGEST_TEXT = 200
MOST_IDS = 50


def subject_of(values: Any, schema: Record) -> dict[str, Any]:
    """What a call was about: its ids, flags, numbers and short texts; never a secret, never a file, no lists but those of ids."""
    if not isinstance(values, Mapping):
        return {}
    return {name: shown for name, field in schema.fields.items() if name in values and (shown := _shown(values[name], field)) is not None}


def _shown(value: Any, field: Any) -> Any:
    if not isinstance(field, Printed) or value is None or value == "":
        return None
    if field.secret:
        return "***"
    if isinstance(value, str):
        return value[:LONGEST_TEXT]
    if isinstance(value, (bool, int, float)):
        return value
    if isinstance(field, Items) and isinstance(field.inner, Id) and isinstance(value, list):
        return [each for each in value[:MOST_IDS] if isinstance(each, (int, str))]
    return None


def digest_of(previous: str, entry: AuditEntry) -> str:
    """The link of an entry: SHA-256 over the link before it and all that the entry says."""
    content = [
        previous,
        entry.seq,
        entry.id,
        entry.happened_at.isoformat(timespec="microseconds"),
        entry.trace_id,
        entry.operation,
        entry.actor,
        entry.department_id,
        entry.client_ip,
        entry.subject,
        entry.result_code,
    ]
    return hashlib.sha256(json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def seal_pending(hub: Hub) -> int:
    """Take the entries that are not in the chain yet into it; gives how many. One process at a time: the head's row is locked."""
    with hub.db.read() as session:
        if session.scalar(select(AuditEntry.id).where(AuditEntry.seq.is_(None)).limit(1)) is None:
            return 0
    with hub.db.write() as session:
        head = _head(session)
        pending = list(session.scalars(select(AuditEntry).where(AuditEntry.seq.is_(None)).order_by(AuditEntry.id).limit(BATCH)))
        for entry in pending:
            entry.seq = head.seq + 1
            entry.digest = digest_of(head.digest, entry)
            head.seq, head.digest = entry.seq, entry.digest
        head.signature = hub.vault.mark(_signed(head))
    return len(pending)


def _head(session: Session) -> AuditHead:
    head = session.get(AuditHead, 1, with_for_update=True)
    if head is None:
        head = AuditHead(id=1, seq=0, digest="", signature="")
        session.add(head)
        session.flush()
    return head


def sign_again(hub: Hub) -> None:
    """Sign the end of the chain with the current master key, if its signature holds under one that is known."""
    with hub.db.write() as session:
        head = session.get(AuditHead, 1, with_for_update=True)
        if head is not None and hub.vault.is_mark(_signed(head), head.signature):
            head.signature = hub.vault.mark(_signed(head))


def _signed(head: AuditHead) -> str:
    return f"audit|{head.seq}|{head.digest}"


@dataclass(frozen=True)
class Verdict:
    """What ``verify`` found: how many entries are in order, how many wait to be chained, and the first that is not in order."""

    sealed: int
    pending: int
    broken_at: int | None = None
    problem: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether nothing was changed, deleted or reordered."""
        return self.broken_at is None


def verify(hub: Hub) -> Verdict:
    """Check the whole chain, in the order of its numbers."""
    previous, expected = "", 1
    with hub.db.read() as session:
        pending = sum(1 for _ in session.scalars(select(AuditEntry.id).where(AuditEntry.seq.is_(None))))
        for entry in _chained(session):
            if entry.seq != expected:
                return Verdict(expected - 1, pending, expected, f"entry {expected} is missing")
            if entry.digest != digest_of(previous, entry):
                return Verdict(expected - 1, pending, expected, f"entry {expected} was changed or moved (row {entry.id})")
            previous, expected = entry.digest, expected + 1
        head = session.get(AuditHead, 1)
    if head is None:
        return Verdict(0, pending) if expected == 1 else Verdict(expected - 1, pending, expected, "the end of the chain is missing")
    if not hub.vault.is_mark(_signed(head), head.signature):
        return Verdict(expected - 1, pending, expected, "the end of the chain is not signed by this hub")
    if (head.seq, head.digest) != (expected - 1, previous):
        return Verdict(expected - 1, pending, expected, f"entries {expected} to {head.seq} are missing")
    return Verdict(expected - 1, pending)


def _chained(session: Session) -> Iterator[AuditEntry]:
    last = 0
    while batch := list(session.scalars(select(AuditEntry).where(AuditEntry.seq > last).order_by(AuditEntry.seq).limit(BATCH))):
        yield from batch
        last = batch[-1].seq or last
        session.expunge_all()
