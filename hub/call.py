"""One call of an operation on its way through the hub: who calls, from where, with which session, and what it sets going."""
from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from hub import connections
from hub.models import AuditEntry, Connection, Outbox

if TYPE_CHECKING:
    from hub.core import Hub
    from plugins.operation import Operation


@dataclass(frozen=True)
class Caller:
    """Who calls. ``scope`` is the path of the department whose subtree the caller may see; "/" is everything.

    ``token`` is the digest of the token that the call came with. ``robot_id`` is set where a robot calls: it reaches its own things only.
    """

    name: str
    scope: str = "/"
    department_id: int | None = None
    employee_id: int | None = None
    permissions: frozenset[str] = frozenset()
    application_id: int | None = None
    rate_limit: int | None = None
    token: str = ""
    robot_id: int | None = None

    @property
    def key(self) -> str:
        """What tells this caller from all others. A name does not: it may be given to another one later."""
        if self.application_id is not None:
            return f"application:{self.application_id}"
        if self.robot_id is not None:
            return f"robot:{self.robot_id}"
        return f"user:{self.employee_id}" if self.employee_id is not None else f"internal:{self.name}"


SYSTEM = Caller("system", permissions=frozenset({"*"}))
ANONYMOUS = Caller("anonymous", scope="/0/")


@dataclass(frozen=True)
class Source:
    """Where a call comes from. ``base_url`` is the address under which the caller reached the hub."""

    kind: str = "internal"
    client_ip: str = ""
    base_url: str = ""
    method: str = ""
    path: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    idempotency_key: str = ""


INTERNAL = Source()


class Form(dict[str, Any]):
    """Parameters that came as a form: files, and all others as texts (erratum E05)."""


@dataclass
class Call:
    """What a service is handed as its first argument.

    The session is opened at first use, for writing where the operation writes, and committed by dispatch when the service returns.
    Jobs leave after that commit. ``audit`` may be added to by the service: it is what the audit log says beside the parameters.
    """

    hub: Hub
    operation: Operation
    caller: Caller
    trace_id: str
    source: Source = INTERNAL
    jobs: list[Outbox] = field(default_factory=list)
    audit: dict[str, Any] = field(default_factory=dict)
    _session: Session | None = None
    _block: AbstractContextManager[Session] | None = None

    @property
    def base_url(self) -> str:
        """The address under which the caller reached the hub."""
        return self.source.base_url

    @property
    def session(self) -> Session:
        """The database session of this call."""
        if self._session is None:
            self._block = self.hub.db.write() if self.operation.writes else self.hub.db.read()
            self._session = self._block.__enter__()
        return self._session

    def finish(self, error: BaseException | None = None) -> None:
        """End the session: commit, or roll back where there is an error."""
        block, self._block, self._session = self._block, None, None
        if block is not None:
            block.__exit__(type(error) if error else None, error, error.__traceback__ if error else None)

    def enqueue(self, job: str, subject_id: int, queues: list[str]) -> None:
        """Have the job done for the thing with this id, once the call is committed, by whoever serves one of the queues."""
        entry = Outbox(job=job, subject_id=subject_id, queues=queues)
        self.session.add(entry)
        self.jobs.append(entry)

    def audit_entry(self, subject: dict[str, Any], result_code: str) -> AuditEntry:
        """A row for the audit log about this call."""
        return AuditEntry(
            trace_id=self.trace_id,
            operation=self.operation.name,
            actor=self.caller.name,
            department_id=self.caller.department_id,
            client_ip=self.source.client_ip,
            subject={**subject, **self.audit},
            result_code=result_code,
        )

    def ask(self, connection: Connection, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Let the connection's adapter carry out an operation. The session so far is committed first: none is held while a vendor works."""
        self.finish()
        return connections.ask(self.hub, connection, operation, params, trace_id=self.trace_id, actor=self.caller.name)
