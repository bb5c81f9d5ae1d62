"""Safe repetition of calls (erratum E72): with an ``Idempotency-Key`` the first answer is given again, for a day."""
from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, insert

from hub.call import Call
from hub.database import now
from hub.models import KeptAnswer
from plugins import codes
from plugins.errors import Conflict
from plugins.files import FileContent

KEPT_FOR = timedelta(days=1)
PURPOSE = "kept answer"


def wanted(call: Call) -> bool:
    """Whether the answer of this call is kept: it has a key, changes something, and its caller is known."""
    return bool(call.source.idempotency_key) and call.operation.writes and not call.operation.public


def find(call: Call, params: dict[str, Any]) -> dict[str, Any] | None:
    """The answer that was given to this key before, or None. Raises Conflict (10602) when the key came with another request."""
    with call.hub.db.read() as session:
        kept = session.get(KeptAnswer, _digest(call))
    if kept is None or kept.created_at < now() - KEPT_FOR:
        return None
    if not call.hub.vault.is_mark(_told(params), kept.request_digest):
        raise Conflict(code=codes.IDEMPOTENCY_REUSED)
    answer: dict[str, Any] = json.loads(call.hub.vault.open(kept.sealed_answer, PURPOSE))
    return answer


def keep(call: Call, params: dict[str, Any], data: dict[str, Any]) -> None:
    """Keep the answer in the transaction of the call itself. Raises IntegrityError where another call with the key was quicker."""
    kept = {
        "digest": _digest(call),
        "request_digest": call.hub.vault.mark(_told(params)),
        "sealed_answer": call.hub.vault.seal(json.dumps(data, ensure_ascii=False), PURPOSE),
        "created_at": now(),
    }
    call.session.execute(delete(KeptAnswer).where(KeptAnswer.digest == kept["digest"], KeptAnswer.created_at < now() - KEPT_FOR))
    call.session.execute(insert(KeptAnswer).values(kept))


def _digest(call: Call) -> str:
    return hashlib.sha256("\0".join((call.caller.key, call.operation.name, call.source.idempotency_key)).encode()).hexdigest()


def _told(params: dict[str, Any]) -> str:
    """What the request says. Only a keyed digest of it is kept: from a plain one, a short secret in it could be guessed."""

    def plain(value: Any) -> Any:
        return value.digest() if isinstance(value, FileContent) else str(value)

    return json.dumps(params, sort_keys=True, default=plain)
