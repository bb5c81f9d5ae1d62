"""What the deletion of a thing does to others (errata E63, E64, E77): triggers are switched off, tasks that wait are cancelled.

Nothing else is deleted along with it, and what runs is left to finish. A caller is told the ids that the own scope holds; the audit log
names the others too.
"""
from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, select, update

from hub.call import Call
from hub.models import Department, Task, Trigger
from hub.tasks import lifecycle

NAMED_IN_AUDIT = 50


def switch_off(call: Call, condition: ColumnElement[bool], *, only_tell: bool = False) -> list[int]:
    """Deactivate the triggers that meet a condition; gives the ids of all of them, also of those that were off already."""
    present = (condition, Trigger.is_deleted.is_(False))
    found = told(call, "otherTriggerIds", Trigger, *present)
    if not only_tell:
        statement = update(Trigger).where(*present, Trigger.is_activated.is_(True)).values(is_activated=False)
        call.session.execute(statement.execution_options(synchronize_session=False))
    return found


def cancel_waiting(call: Call, condition: ColumnElement[bool], reason: str, *, only_tell: bool = False) -> list[int]:
    """Cancel the tasks that meet a condition and have not begun; gives their ids."""
    found = told(call, "otherTaskIds", Task, lifecycle.IS_ACTIVE, lifecycle.is_waiting(), condition)
    if not only_tell:
        lifecycle.cancel_waiting(call.session, condition, reason)
    return found


def told(call: Call, others: str, model: Any, *conditions: Any) -> list[int]:
    """The ids that the caller may see; the rest goes into the audit log under the name ``others``."""
    statement = select(model.id, Department.path).join(Department, Department.id == model.department_id).where(*conditions)
    found = call.session.execute(statement.order_by(model.id)).all()
    hidden = [key for key, path in found if not path.startswith(call.caller.scope)]
    if hidden:
        call.audit[others] = hidden[:NAMED_IN_AUDIT]
    return [key for key, path in found if path.startswith(call.caller.scope)]
