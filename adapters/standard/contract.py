"""What the contract suite needs to know: one call of each operation, for a platform and for a robot, and a peer's healthy answers.

The answers are made from the declarations of the standard's tables, so that they are the standard's by construction.
"""
from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any

from plugins.fields import Flag, Id, Items, Json, Level, Moment, Part, Record, Whole
from plugins.files import FileContent
from plugins.manager import standard_catalogue
from plugins.testing import FakeVendor, Reply

OPTIONS = {"kind": "platform", "username": "hub-a", "cipher": "plain"}
ROBOT = {"kind": "robot", "cipher": "plain"}
KEY = "0432c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0"
MOMENT = datetime(2026, 11, 24, 3, 9, 57, tzinfo=UTC)
VALUES = ((Moment, MOMENT), (Json, {"cpu": "4 核"}), (Flag, True), (Id, 7), (Level, "info"))
TOLD = {"taskState": "succeeded", "url": "/recordings/7?sign=x"}
CONTENT = FileContent.of(b"PK content of a package", "package.zip")
START: dict[str, Any] = {"processId": "7", "inParameters": [{"name": "name", "value": "Li"}], "priority": 1, "totalCount": 1, "isRecord": True}
ROBOT_VALUES = {"robotName": "r", "robotType": 0, "machineId": "7", "machineName": "m", "machineUsername": "u", "machinePassword": "p"}

# What both kinds of peer can do for the hub.
_BOTH: dict[str, dict[str, Any]] = {
    "connection_check": {},
    "connection_import": {},
    "task_create": {**START, "key": "key-1"},
    "task_find": {"key": "key-1", "start": START, "saidTime": datetime.now(UTC)},
    "task_cancel": {"taskId": "7"},
    "task_pause": {"taskId": "7"},
    "task_resume": {"taskId": "7"},
    "task_query": {"taskId": "7"},
    "task_list": {"runningStartTimeRange_startTime": MOMENT},
    "task_watch": {"taskIds": ["7", "8"]},
    "task_log_query": {"taskId": "7"},
    "video_query": {"taskId": "7"},
    "recording_fetch": {"taskId": "7", "recordFileId": "7", "url": "/recordings/7?sign=x", "largest": 1000, "timeout": 60},
    "machine_query": {"machineId": "7", "resourceTypes": ["cpu"]},
    "license_info": {},
    "package_create": {"packageName": "p", "packageVersion": "1", "package": CONTENT},
    "package_delete": {"packageId": "7"},
    "package_query": {},
    "process_create": {"processName": "p", "remark": "r", "isRecord": False},
    "process_activate_package_version": {"processId": "7", "packageId": "7", "inParameters": [{"name": "a", "value": "1"}]},
    "process_delete": {"processId": "7"},
    "process_update": {"processId": "7", "processName": "q"},
    "process_list": {},
}

EXAMPLES: dict[str, dict[str, Any]] = {
    **_BOTH,
    "machine_list": {},
    "robot_create": ROBOT_VALUES,
    "robot_delete": {"robotId": "7"},
    "robot_update": {"robotId": "7", "robotName": "s"},
    "robot_query": {"robotId": "7"},
    "robot_list": {},
    "robot_group_create": {"robotGroupName": "g"},
    "robot_group_delete": {"robotGroupId": "7"},
    "robot_group_update": {"robotGroupId": "7", "remark": "r"},
    "robot_group_append": {"robotGroupId": "7", "robotIds": ["7"]},
    "robot_group_remove": {"robotGroupId": "7", "robotIds": ["7"]},
    "robot_group_list": {},
}

_OF_A_ROBOT: dict[str, dict[str, Any]] = {
    "start": {},
    "stop": {},
    "config": {"robotConfig": {"machineUsername": "u", "machinePassword": "p", "resolutionWidth": 1280}},
    "query": {},
    "file_create": {"file": FileContent.of(b"text", "a.txt"), "folderPath": "/", "fileName": "a.txt"},
    "file_delete": {"fileId": "7"},
    "file_update": {"fileId": "7", "fileName": "b.txt", "folderPath": "/"},
    "file_query": {"fileId": "7"},
    "file_list": {},
    **{
        name: {key: value for key, value in _BOTH[name].items() if key != "key"}
        for name in _BOTH if name.partition("_")[0] in ("machine", "package", "process", "task", "video", "license")
        and name not in ("task_find", "task_watch")
    },
}

MORE: dict[str, tuple[dict[str, Any], dict[str, dict[str, Any]]]] = {
    "sealed": ({**OPTIONS, "cipher": "auto"}, {name: EXAMPLES[name] for name in ("connection_check", "robot_create")}),
    "robot": (ROBOT, {**_BOTH, **{f"robot_api_{name}": params for name, params in _OF_A_ROBOT.items()}}),
}

FORGIVES = {
    ("connection_check", status): "signed in and read from the peer before: an address beyond the standard may be kept from the hub"
    for status in ("401", "403", "404")
}


def good(data: Any, code: Any = "00000") -> dict[str, Any]:
    """An answer in the standard's shape."""
    return {"resultCode": code, "message": "无业务异常。", "data": data}


def sample(record: type[Record], **values: Any) -> dict[str, Any]:
    """The data of an answer in which every field of the table has a value, as it goes over the wire."""
    schema = record()
    return dict(schema.dump({**_filled(schema), **values}))


def _filled(schema: Record) -> dict[str, Any]:
    return {field.attribute or name: _value(name, field) for name, field in schema.fields.items()} | {"isDeleted": False}


def _value(name: str, field: Any) -> Any:
    if isinstance(field, Items):
        inner: Any = field.inner
        return [_filled(inner.schema) if hasattr(inner, "schema") else _value(name, inner)]
    if isinstance(field, Part):
        return _filled(field.schema)  # type: ignore[arg-type]
    return next((value for kind, value in VALUES if isinstance(field, kind)), None) or _told(name, field)


def _told(name: str, field: Any) -> Any:
    if name in TOLD:
        return TOLD[name]
    if field.choices:
        return field.choices[0]
    return 1 if isinstance(field, Whole) else f"some {name}"[: field.longest]


@cache
def _answers() -> dict[str, Reply]:
    """The answer of each operation by its address."""
    return {each.path: Reply(good(sample(each.response)), 201 if each.creates else 200) for each in standard_catalogue()}


def vendor(server: FakeVendor) -> None:
    """The answers of a peer that is a platform and a robot, with one thing of each kind."""
    for path, reply in _answers().items():
        server.on("POST", path, reply)
    for path in ("/api/platform/account/authenticate", "/api/robot/authenticate"):
        server.on("POST", path, good({"token": "token-of-the-peer", "expirationTime": "2099-12-31 23:59:59"}))
    server.on("POST", "/api/ext/crypto/public-key", good({"algorithm": "SM2", "publicKey": KEY, "timestamp": 1_795_000_000}))
    server.on("POST", "/api/ext/version/info", good({"productVersion": "1.1.0", "timeZone": "Asia/Shanghai", "idempotencyLifetime": 86400}))
    server.on("GET", "/recordings/7", Reply(b"content of a recording", headers={"Content-Type": "video/mp4"}))
