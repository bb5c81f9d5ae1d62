"""The audit log (clause 5.4, 5.7): every change with its actor, chained so that a changed, deleted or reordered row is found.

A row is written in the transaction of the change itself. Soon after, the scheduler takes it into the chain: it gets the next number and the
SHA-256 of the row before it and of its own content. The end of the chain is signed with the master key, and each machine that takes rows in
remembers it in a file of its data folder: who can write to the database alone can neither make another chain nor go back to an earlier end.
"""
from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from config.redaction import redact_text
from hub.database import storable
from hub.models import AuditEntry, AuditHead
from plugins.fields import Id, Items, Printed, Record

if TYPE_CHECKING:
    from hub.core import Hub

log = structlog.get_logger(__name__)

BATCH = 1000
ANCHOR_FILE = "audit.head"
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
        return storable(redact_text(value)[:LONGEST_TEXT])
    if isinstance(value, (bool, int)) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(field, Items) and isinstance(field.inner, Id) and isinstance(value, list):
        return [storable(each) if isinstance(each, str) else each for each in value[:MOST_IDS] if isinstance(each, (int, str))]
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
        anchor = _anchor(hub)
        holds = anchor is None or _holds(session, *anchor)
        end = (head.seq, head.digest)
    if holds:
        _remember(hub, *end)
    else:
        log.error("the audit log was cut off or replaced", remembered=anchor and anchor[0])
    return len(pending)


def _anchor(hub: Hub) -> tuple[int, str] | None:
    """The end of the chain as this machine remembers it: its number and digest."""
    path = _anchor_path(hub)
    seq, _, digest = path.read_text("ascii").strip().partition(" ") if path.exists() else ("", "", "")
    return (int(seq), digest) if seq.isdecimal() else None


def _anchor_path(hub: Hub) -> Path:
    return hub.settings.data / ANCHOR_FILE


def _holds(session: Session, seq: int, digest: str) -> bool:
    """Whether the chain still has the entry that is remembered as its end."""
    return session.scalar(select(AuditEntry.digest).where(AuditEntry.seq == seq)) == digest


def _remember(hub: Hub, seq: int, digest: str) -> None:
    path = _anchor_path(hub)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text(f"{seq} {digest}\n", "ascii")
    draft.replace(path)


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
    """Check the whole chain, in the order of its numbers, as it is at one moment."""
    anchor = _anchor(hub)
    with hub.db.read() as session:
        if not hub.db.is_sqlite:  # where a transaction is one moment anyway
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        pending = session.scalar(select(func.count()).select_from(AuditEntry).where(AuditEntry.seq.is_(None))) or 0
        head = session.get(AuditHead, 1)
        previous, number = "", 0
        for entry in _chained(session):
            if entry.seq != number + 1:
                return Verdict(number, pending, number + 1, f"entry {number + 1} is missing")
            if entry.digest != digest_of(previous, entry):
                return Verdict(number, pending, number + 1, f"entry {number + 1} was changed or moved (row {entry.id})")
            previous, number = entry.digest, number + 1
            if anchor is not None and number == anchor[0] and previous != anchor[1]:
                return Verdict(number - 1, pending, number, f"entry {number} is not the one that this machine remembers")
    sealed, problem = _problem_of_end(hub, head, number, previous, anchor)
    return Verdict(sealed, pending, sealed + 1, problem) if problem else Verdict(sealed, pending)


def _problem_of_end(hub: Hub, head: AuditHead | None, number: int, digest: str, anchor: tuple[int, str] | None) -> tuple[int, str]:
    """How many entries of a chain are the hub's own, and what is wrong with its end, empty where nothing is; its entries are in order."""
    if head is None:
        head = AuditHead(id=1, seq=0, digest="", signature="")
        if number:
            return number, "the end of the chain is missing"
    elif not hub.vault.is_mark(_signed(head), head.signature):
        return number, "the end of the chain is not signed by this hub"
    if head.seq > number:
        return number, f"entries {number + 1} to {head.seq} are missing"
    if (head.seq, head.digest) != (number, digest):
        return head.seq, f"entries {head.seq + 1} to {number} were not written by this hub"
    if anchor is not None and anchor[0] > number:
        return number, (
            f"entries {number + 1} to {anchor[0]} are missing: this machine remembers them in {ANCHOR_FILE}. "
            "After a database was restored from a backup on purpose, remove that file"
        )
    return number, ""


def _chained(session: Session) -> Iterator[AuditEntry]:
    last = 0
    while batch := list(session.scalars(select(AuditEntry).where(AuditEntry.seq > last).order_by(AuditEntry.seq).limit(BATCH))):
        yield from batch
        last = batch[-1].seq or last
        session.expunge_all()
