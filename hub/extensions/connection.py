"""Connections to vendor platforms (X31): added, checked, and their things imported into the hub's index."""
from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

from marshmallow import ValidationError
from sqlalchemy import func, select, update

from hub import connections
from hub.call import Call
from hub.database import now
from hub.models import Connection, Department, Package, Process, Robot, Task
from hub.paging import page
from hub.resource import refuse_taken
from hub.scope import find, visible, within_department
from hub.tasks import lifecycle
from hub.wire import open_password
from plugins import codes
from plugins.errors import Conflict, InvalidInput
from plugins.fields import Flag, Id, Items, Json, Moment, Record, Text, Whole
from plugins.operation import operation
from plugins.paging import ListRequest, ListResult


class ConnectionCreateRequest(Record):
    """A connection's name, adapter, address, and the fields of the adapter's form."""

    connectionName = Text("连接名称", required=True, longest=128)
    adapter = Text("适配器名称", required=True, longest=64)
    depId = Id("部门 ID，缺省为调用者所在部门", kind="department")
    address = Text("厂商平台地址", longest=1024)
    options = Json("适配器选项，键由适配器的连接表单规定")
    credentials = Json("适配器凭据，值为密文，加密存储，永不返回", secret=True)


class ConnectionCreateResult(Record):
    """The new connection."""

    connectionId = Id("连接 ID", kind="connection")
    product = Text("厂商产品名称")
    productVersion = Text("厂商产品版本")


@operation(
    "X31", "/api/ext/connection/create", clause="X31", title="创建厂商连接",
    request=ConnectionCreateRequest, response=ConnectionCreateResult, hook=False,
)
def connection_create(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Connect to a vendor platform. The connection is tried out first; one that does not work is not stored."""
    adapter = call.hub.adapters.get(params["adapter"])
    if adapter is None or adapter.name == connections.NATIVE:
        raise InvalidInput(f"适配器应为 {'、'.join(sorted(set(call.hub.adapters) - {connections.NATIVE}))} 之一")
    if adapter.adapter.needs_address and not params.get("address"):
        raise InvalidInput("缺少 address", code=codes.PARAMETER_MISSING)
    sent = (params.get("credentials") or {}).items()
    opened = {name: open_password(call, value, name) if isinstance(value, str) and value else value for name, value in sent}
    options, credentials = _split(adapter.adapter.form, {**(params.get("options") or {}), **opened})
    home = find(call, Department, params.get("depId") or call.caller.department_id or _root(call))
    _refuse_taken(call, params["connectionName"])
    row = Connection(
        name=params["connectionName"],
        adapter=adapter.name,
        department_id=home.id,
        address=params.get("address") or "",
        options=options,
        sealed_credentials=connections.seal_credentials(call.hub, credentials),
        updated_at=now(),
    )
    call.finish()
    found = connections.try_out(call.hub, row, trace_id=call.trace_id)
    _refuse_taken(call, row.name)
    row.version = str(found.get("version") or "")[:128]
    call.session.add(row)
    call.session.flush()
    return {"connectionId": row.id, "product": found.get("product"), "productVersion": row.version}


def _root(call: Call) -> int | None:
    return call.session.scalar(select(func.min(Department.id)).where(Department.parent_id.is_(None)))


def _refuse_taken(call: Call, name: str) -> None:
    refuse_taken(call, Connection, f"连接 {name}", Connection.name == name)


def _split(form: type[Record], given: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The options and the credentials of a filled-in form. Raises InvalidInput for what the form does not take."""
    schema = form()
    unknown = sorted(given.keys() - schema.fields.keys())
    if unknown:
        raise InvalidInput(f"连接表单中没有 {'、'.join(unknown)[:200]}")
    try:
        values = schema.load(given)
    except ValidationError as error:
        fields = "、".join(sorted(str(key) for key in error.normalized_messages()))
        raise InvalidInput(f"连接表单有误：{fields}") from error
    secret = {name for name, field in schema.fields.items() if getattr(field, "secret", False)}
    return (
        {name: value for name, value in values.items() if name not in secret},
        {name: value for name, value in values.items() if name in secret},
    )


class ConnectionRequest(Record):
    """Names one connection."""

    connectionId = Id("连接 ID", kind="connection", required=True)


class ConnectionCheckResult(Record):
    """What the platform says of itself."""

    product = Text("厂商产品名称")
    productVersion = Text("厂商产品版本")


@operation(
    "X31", "/api/ext/connection/check", clause="X31", title="检查厂商连接",
    request=ConnectionRequest, response=ConnectionCheckResult, hook=False, writes=False,
)
def connection_check(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Ask a platform whether it answers, with the stored address and credentials."""
    row = find(call, Connection, params["connectionId"])
    found = call.ask(row, "connection_check", {})
    return {"product": found.get("product"), "productVersion": found.get("version")}


class ConnectionRow(Record):
    """One connection, without its credentials."""

    connectionId = Id("连接 ID", kind="connection")
    connectionName = Text("连接名称")
    adapter = Text("适配器名称")
    depId = Id("部门 ID", kind="department")
    address = Text("厂商平台地址")
    options = Json("适配器选项")
    productVersion = Text("厂商产品版本")
    boundDepIds = Items(Id(kind="department"), "绑定该连接的部门 ID 组")
    createTime = Moment("创建时间")
    isDeleted = Flag("是否删除")


class ConnectionListRequest(ListRequest):
    """Which connections."""

    depId = Id("部门 ID", kind="department")


class ConnectionListResult(ListResult):
    """A page of connections."""

    connections = Items(ConnectionRow, "连接列表")


@operation(
    "X31", "/api/ext/connection/list", clause="X31", title="查询厂商连接列表",
    request=ConnectionListRequest, response=ConnectionListResult, hook=False,
)
def connection_list(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """List the connections of a department and of those below it."""
    statement = within_department(select(Connection), Connection, call, params.get("depId"), params.get("includeChildren") is False)
    rows, paging = page(call, statement, Connection, params, search=(Connection.name, Connection.address))
    bound = defaultdict(list)
    binding = visible(select(Department), Department, call).where(Department.is_deleted.is_(False), Department.connection_id.is_not(None))
    for each in call.session.scalars(binding.order_by(Department.id)):
        bound[each.connection_id].append(each.id)
    found = [
        {
            "connectionId": row.id,
            "connectionName": row.name,
            "adapter": row.adapter,
            "depId": row.department_id,
            "address": row.address,
            "options": row.options,
            "productVersion": row.version,
            "boundDepIds": bound[row.id],
            "createTime": row.created_at,
            "isDeleted": row.is_deleted,
        }
        for row in rows
    ]
    return {"connections": found, **paging}


@operation("X31", "/api/ext/connection/delete", clause="X31", title="删除厂商连接", request=ConnectionRequest, hook=False)
def connection_delete(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Remove a connection, with its processes and packages from the index. Refused while a task of it is queued or running."""
    row = find(call, Connection, params["connectionId"])
    if row.adapter == connections.NATIVE:
        raise Conflict("内置平台不能删除", code=codes.IN_USE)
    busy = select(Task.id).where(lifecycle.IS_ACTIVE, Task.connection_id == row.id).limit(1)
    if call.session.scalar(busy) is not None:
        raise Conflict("该连接上还有未结束的任务", code=codes.IN_USE)
    for model in (Process, Package, Robot):
        call.session.execute(update(model).where(model.connection_id == row.id).values(is_deleted=True))
    call.session.execute(update(Department).where(Department.connection_id == row.id).values(connection_id=None))
    row.is_deleted = True
    row.sealed_credentials = ""
    return {}


class ConnectionBindRequest(Record):
    """Which department, and to which platform; to none where no connection is named."""

    depId = Id("部门 ID", kind="department", required=True)
    connectionId = Id("连接 ID，缺省为解除绑定", kind="connection")


@operation("X31", "/api/ext/connection/bind", clause="X31", title="绑定部门与厂商连接", request=ConnectionBindRequest, hook=False)
def connection_bind(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Let the packages and processes that are made in a department, and in those below it, go to a platform from now on."""
    home = find(call, Department, params["depId"])
    wanted = params.get("connectionId")
    home.connection_id = None if wanted is None else find(call, Connection, wanted).id
    return {}


class ConnectionImportResult(Record):
    """How much was taken into the index."""

    packages = Whole("新增或更新的流程包数")
    processes = Whole("新增或更新的流程数")
    robots = Whole("新增或更新的机器人数")
    removed = Whole("厂商平台上已不存在而标记删除的对象数")
    importTime = Moment("导入时间")


@operation(
    "X31", "/api/ext/connection/import", clause="X31", title="导入厂商平台对象",
    request=ConnectionRequest, response=ConnectionImportResult, hook=False,
)
def connection_import(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Take what exists on the vendor's side into the hub's index: packages, processes and robots, under the connection's department."""
    row = find(call, Connection, params["connectionId"])
    found = call.ask(row, "connection_import", {})
    moment: datetime = now()
    package_ids, packages, gone = _import_packages(call, row, found.get("packages", []))
    processes, gone_processes = _import_processes(call, row, found.get("processes", []), package_ids)
    robots, gone_robots = _import_robots(call, row, found.get("robots", []))
    removed = gone + gone_processes + gone_robots
    return {"packages": packages, "processes": processes, "robots": robots, "removed": removed, "importTime": moment}


def _import_packages(call: Call, row: Connection, found: list[dict[str, Any]]) -> tuple[dict[str, int], int, int]:
    present = _by_reference(call, Package, row)
    count = 0
    for each in found:
        reference = str(each["packageId"])
        name, version = str(each.get("packageName") or reference)[:128], str(each.get("packageVersion") or "")[:64]
        package = present.get(reference)
        if package is None:
            package = Package(department_id=row.department_id, connection_id=row.id, reference=reference, name=name, version=version)
            call.session.add(package)
            present[reference] = package
        elif (package.name, package.version, package.is_deleted) == (name, version, False):
            continue
        package.name, package.version, package.is_deleted = name, version, False
        count += 1
    gone = _mark_gone(present, {str(each["packageId"]) for each in found})
    call.session.flush()
    return {reference: package.id for reference, package in present.items()}, count, gone


def _import_processes(call: Call, row: Connection, found: list[dict[str, Any]], package_ids: dict[str, int]) -> tuple[int, int]:
    present = _by_reference(call, Process, row)
    count = 0
    for each in found:
        reference = str(each["processId"])
        process = present.get(reference)
        if process is None:
            process = Process(department_id=row.department_id, connection_id=row.id, reference=reference, is_record=False)
            call.session.add(process)
            present[reference] = process
        values: dict[str, Any] = {
            "name": str(each.get("processName") or reference)[:128],
            "remark": str(each.get("remark") or "")[:1024] or None,
            "is_deleted": False,
        }
        # What a platform does not tell stays as it is here.
        if each.get("packageId") is not None:
            values["package_id"] = package_ids.get(str(each["packageId"]))
        if each.get("inParameters") is not None:
            values["in_parameters"] = [{"name": item["name"], "value": item.get("value", "")} for item in each["inParameters"]]
        if any(getattr(process, column) != value for column, value in values.items()):
            count += 1
            for column, value in values.items():
                setattr(process, column, value)
    return count, _mark_gone(present, {str(each["processId"]) for each in found})


def _import_robots(call: Call, row: Connection, found: list[dict[str, Any]]) -> tuple[int, int]:
    present = _by_reference(call, Robot, row)
    count = 0
    for each in found:
        reference = str(each["robotId"])
        robot = present.get(reference)
        name = str(each.get("robotName") or reference)[:128]
        if robot is None:
            robot = Robot(department_id=row.department_id, connection_id=row.id, reference=reference, name=name)
            call.session.add(robot)
            present[reference] = robot
        elif (robot.name, robot.is_deleted) == (name, False):
            continue
        robot.name, robot.is_deleted = name, False
        count += 1
    return count, _mark_gone(present, {str(each["robotId"]) for each in found})


def _by_reference(call: Call, model: Any, row: Connection) -> dict[str, Any]:
    return {str(each.reference): each for each in call.session.scalars(select(model).where(model.connection_id == row.id))}


def _mark_gone(present: dict[str, Any], references: set[str]) -> int:
    gone = [each for reference, each in present.items() if reference not in references and not each.is_deleted]
    for each in gone:
        each.is_deleted = True
    return len(gone)

