"""Plays a recorded client again, and compares what it is answered with what it was answered then.

A recording is an object with ``headers``, ``values`` and ``calls``. A call has the ``path``, the ``body``, and what was answered: HTTP
``status``, ``resultCode`` and the shape of ``data``. ``{"$": "depId:1"}`` in it stands for a value that an earlier answer gave, where that
call's ``keep`` says. A shape is one of:

- ``"integer"``: a value of this JSON type, or of one of these: ``"integer or null"``;
- ``{"is": "text"}``: this value; ``{"$": "depId:1"}``: the value kept under this name;
- ``{"object": {key: shape}}``: at least these keys;
- ``{"array": {"each": shape, "holds": [shape]}}``: all elements are like the one, and for each of the others there is one like it.

What a recording does not name is free: that is how operations may grow (clause 6.1.4.3).
"""
from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

from tests.end_to_end.client import Client

RECORDED = Path(__file__).parent / "recorded" / "client-1.0.0.json"
AUTHENTICATE = "/api/platform/account/authenticate"  # the one operation without a token (clause 6.1.1.4)
TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object", type(None): "null"}


@dataclass
class Played:
    """A call that was made again, and its answer."""

    call: Mapping[str, Any]
    status: int
    envelope: Any

    def differences(self, kept: Mapping[str, Any]) -> list[str]:
        """What is otherwise than recorded."""
        return [f"{self.call['path']} {each}" for each in compare(self.call, self.status, self.envelope, kept)]


def play(client: Client, recording: Mapping[str, Any], kept: dict[str, Any]) -> Iterator[Played]:
    """Make the calls in their order; what their answers give to later calls is put into ``kept``."""
    kept |= recording["values"]
    for call in recording["calls"]:
        played = Played(call, *send(client, recording["headers"], call, kept))
        for name, place in call.get("keep", {}).items():
            kept[name] = at(played.envelope.get("data"), place)
        yield played


def send(client: Client, headers: Mapping[str, Any], call: Mapping[str, Any], kept: Mapping[str, Any]) -> tuple[int, Any]:
    """Make one call; gives the HTTP status and the answer's JSON."""
    chosen = {name: value for name, value in headers.items() if name != "token" or call["path"] != AUTHENTICATE}
    reply = client.send("POST", call["path"], json.dumps(resolved(call["body"], kept)).encode(), resolved(chosen, kept))
    return reply.status, reply.json


def resolved(value: Any, kept: Mapping[str, Any]) -> Any:
    """A recorded value with the kept ones in their places; null where an earlier answer failed to give one."""
    if isinstance(value, dict):
        return kept.get(value["$"]) if set(value) == {"$"} else {key: resolved(each, kept) for key, each in value.items()}
    return [resolved(each, kept) for each in value] if isinstance(value, list) else value


def at(data: Any, place: list[str | int]) -> Any:
    """The value at a place in an answer; null where there is none."""
    try:
        return reduce(lambda found, step: found[step], place, data)
    except (LookupError, TypeError):
        return None


def compare(call: Mapping[str, Any], status: int, envelope: Any, kept: Mapping[str, Any]) -> Iterator[str]:
    """What is otherwise in an answer than in the recorded one."""
    if status != call["status"]:
        yield f"HTTP status: {status} instead of {call['status']}"
    if envelope.get("resultCode") != call["resultCode"]:
        yield f"resultCode: {envelope.get('resultCode')} instead of {call['resultCode']} ({envelope.get('message')})"
    elif not isinstance(envelope.get("message"), str):
        yield "message: no string"
    else:
        yield from otherwise(call["data"], envelope.get("data"), kept, "data")


def otherwise(shape: Any, value: Any, kept: Mapping[str, Any], place: str) -> Iterator[str]:
    """What is otherwise in a value than its shape says."""
    kind = TYPES[type(value)]
    if isinstance(shape, str):
        if kind not in shape.split(" or "):
            yield f"{place}: {kind} instead of {shape}"
    elif "object" in shape or "array" in shape:
        (expected,) = shape
        if kind != expected:
            yield f"{place}: {kind} instead of {expected}"
        elif kind == "object":
            yield from _otherwise_in_object(shape["object"], value, kept, place)
        else:
            yield from _otherwise_in_array(shape["array"], value, kept, place)
    else:
        wanted = shape["is"] if "is" in shape else kept.get(shape["$"])
        if (kind, value) != (TYPES[type(wanted)], wanted):
            yield f"{place}: {value!r} instead of {wanted!r}"


def _otherwise_in_object(keys: Mapping[str, Any], value: Mapping[str, Any], kept: Mapping[str, Any], place: str) -> Iterator[str]:
    for key, shape in keys.items():
        if key in value:
            yield from otherwise(shape, value[key], kept, f"{place}.{key}")
        else:
            yield f"{place}.{key}: missing"


def _otherwise_in_array(shape: Mapping[str, Any], value: list[Any], kept: Mapping[str, Any], place: str) -> Iterator[str]:
    for number, each in enumerate(value):
        yield from otherwise(shape["each"], each, kept, f"{place}[{number}]") if "each" in shape else ()
    for wanted in shape.get("holds", []):
        found = [list(otherwise(wanted, each, kept, f"{place}[{number}]")) for number, each in enumerate(value)]
        if all(found):
            yield f"{place}: nothing is like {wanted}; nearest: {min(found, key=len, default='it is empty')}"
