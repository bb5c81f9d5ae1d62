"""What is common to all answers (clause 6.1.1.5): a result code, and data as an object, whichever way it is written (errata E03 and E12)."""
from __future__ import annotations

import json
from typing import Any

from adapters.standard.answers import Reader, broken, zone_of
from adapters.standard.codes import result_code
from adapters.standard.form import DEFAULT_ZONE, chosen
from plugins import Connection, HubError, InvalidInput, NotFound, NotSupported
from plugins.fields import Record
from plugins.http import Answer

TURNED_AWAY = (400, 401, 403, 404, 405, 501)


def read(connection: Connection, answer: Answer, record: type[Record]) -> dict[str, Any]:
    """The data of an answer in the words of a record. Raises VendorError for an answer that is not the standard's."""
    _require_code(answer)
    return Reader(zone_of(chosen(connection, "time_zone", DEFAULT_ZONE))).data(answer.body, record)


def bare(answer: Answer) -> dict[str, Any]:
    """The data of an answer that no declaration describes, as it is."""
    _require_code(answer)
    data = answer.body.get("data")
    if isinstance(data, str) and data:
        try:
            data = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise broken("data 不是对象") from error
    if data in (None, ""):
        return {}
    if not isinstance(data, dict):
        raise broken("data 不是对象")
    return data


def is_turned_away(error: HubError) -> bool:
    """Whether an error only says that the peer does not have, or does not show, an address that the standard does not know."""
    status = error.raw.get("status") if isinstance(error.raw, dict) else None
    return isinstance(error, (NotFound, NotSupported, InvalidInput)) or status in TURNED_AWAY


def _require_code(answer: Answer) -> None:
    if result_code(answer.body) is None:
        raise broken("没有 resultCode")
