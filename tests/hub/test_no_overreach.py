"""Nobody reaches further than the own rights and the own departments: all operations × roles × departments × two tenants.

Derived from the catalogue: a new operation is covered by being declared, and a new kind of id asks for its factory here.
"""
from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from sqlalchemy import select, text

from hub import auth, rights
from hub.call import Source
from hub.core import Hub
from hub.models import Base, Connection, Department, Employee, Role
from plugins.fields import Id, Items
from plugins.operation import Operation
from tests.hub.conftest import Api
from tests.hub.services import making

# Things that belong to no department: everybody may see them who has the permission, so that no id of them is foreign.
COMMON = {"calendar", "machine", "machine_command", "robot_installer", "upgrade_campaign"}
# Written by every call, whatever becomes of it, or by who minds the own account.
NOTES = {"api_call", "api_metric", "audit_entry", "audit_head", "access_token", "rights_version", "kept_answer", "employee", "second_factor"}
ONE = frozenset({"task:query"})
_number = itertools.count(1)


def file_content() -> str:
    return base64.b64encode(b"content").decode()


def needed(operation: Operation) -> dict[str, Any]:
    """Mandatory parameters that name nothing; each call gets names of its own."""
    number = next(_number)
    known: dict[str, Any] = {
        "password": making.PASSWORD, "credentialPassword": "p-w-1", "package": making.package_content(f"# {number}"), "file": file_content(),
        "isRecord": False, "isGlobal": True, "isDefineCalendar": False, "robotType": 0, "priority": 1, "assignType": 1, "dataType": 0,
        "cronExpression": "0 9 * * *", "nonWorkingDays": ["2026-01-01"], "folderPath": "/", "range": "day", "newPassword": making.PASSWORD,
        "permissions": ["task:query"], "items": [{"content": "{}"}], "content": "{}", "address": "http://127.0.0.1:9", "adapter": "sema4", "machineName": "x", "id": 1,
    }  # fmt: skip
    fields = operation.request().fields
    params = {name: known.get(name, f"名称{number}") for name, field in fields.items() if field.required and not kind_of(field)}
    if operation.name == "role_import":
        params["roles"] = [{"roleName": f"名称{number}", "permissions": ["task:query"]}]
    if operation.name == "connection_create":
        params["address"] = known["address"]
    if operation.path.endswith("/update"):  # something to change, so that what else is named is looked up
        params |= {name: known.get(name, f"名称{number}") for name in ("remark",) if name in fields}
    return params


def kind_of(field: Any) -> str:
    """The kind of thing that a parameter names, or nothing."""
    inner = field.inner if isinstance(field, Items) else field
    return inner.kind if isinstance(inner, Id) else ""


def one_of_each(api: Api, hub: Hub, home: int) -> dict[str, int]:
    """A thing of each kind in a department: its id by kind."""
    robot = making.robot(api, home)
    group = making.group(api, home, (robot,))
    process = making.process(api, home, group)
    name = making.some
    role = api("role_create", roleName=name("角色"), depId=home, permissions=["task:query"])["roleId"]
    api_group = api("api_group_create", apiGroupName=name("接口组"), depId=home, permissions=["task:query"])["apiGroupId"]
    common = {"isGlobal": True, "depId": home}
    credential = api("credential_create", credentialName=name("凭据"), credentialUsername="u", credentialPassword="p-w-1", **common)
    queue = api("data_queue_create", queueName=name("队列"), depId=home)["queueId"]
    found = {
        "department": home,
        "robot": robot,
        "robot_group": group,
        "process": process,
        "package": making.package(api, home),
        "trigger": making.trigger(api, process, home),
        "task": making.tasks(api, process)[0],
        "employee": making.employee(api, home),
        "data_queue": queue,
        "queue_item": api("queue_item_add", queueId=queue, items=[{"content": {}}])["itemIds"][0],
        "credential": credential["credentialId"],
        "asset": api("asset_create", assetName=name("资产"), assetValue="v", dataType=0, **common)["assetId"],
        "file": api("file_create", depId=home, folderPath="/", fileName=name("文件"), file=file_content())["fileId"],
        "role": role,
        "user_group": api("user_group_create", userGroupName=name("用户组"), depId=home)["userGroupId"],
        "api_group": api_group,
        "app": api("app_create", appName=name("应用"), depId=home, apiGroupIds=[api_group])["appId"],
        "calendar": api("calendar_create", calendarName=name("日历"), nonWorkingDays=["2026-01-01"])["calendarId"],
        "machine": 1,
        "machine_command": 1,
        "robot_installer": api("robot_installer_upload", installerName=name("安装包"), installerVersion="1", file=file_content())["installerId"],
        "upgrade_campaign": 1,
    }
    found["recording"] = making.recording(hub, found["task"])
    found["connection"] = _connection(hub, home)
    found["licence"] = _licence(api, hub, found["connection"])
    return found


def _connection(hub: Hub, home: int) -> int:
    with hub.db.write() as session:
        row = Connection(name=making.some("连接"), adapter="sema4", department_id=home, address="http://127.0.0.1:9")
        session.add(row)
        session.flush()
        return row.id


def _licence(api: Api, hub: Hub, connection_id: int) -> int:
    with hub.db.read() as session:
        name = session.get_one(Connection, connection_id).name
    file = {"licenses": [{"type": "robot-unattended", "quantity": 1, "connection": name}]}
    return int(api("license_import", file=base64.b64encode(json.dumps(file).encode()).decode())["licenseIds"][0])


@pytest.fixture
def tenants(api: Api, hub: Hub) -> dict[str, dict[str, int]]:
    """Own department with its parent and sibling, and a department of another tenant, each with one thing of each kind."""
    with hub.db.write() as session:
        root = Department(name="另一公司")
        session.add(root)
        session.flush()
        root.path = f"/{root.id}/"
        other = root.id
    parent = making.department(api, name="上级")
    own, sibling = making.department(api, parent, "本部门"), making.department(api, parent, "平级")
    homes = {"own": own, "child": making.department(api, own, "下级"), "sibling": sibling, "parent": parent, "tenant": other}
    return {name: one_of_each(api, hub, home) for name, home in homes.items()}


def checked(api: Api) -> list[tuple[Operation, str, str]]:
    """Every operation with every parameter that names a thing of a department: (operation, parameter, kind)."""
    return [
        (operation, name, kind_of(field))
        for operation in api.dispatcher.catalogue
        if operation.side != "robot" and not operation.public
        for name, field in operation.request().fields.items()
        if kind_of(field) and kind_of(field) not in COMMON
    ]


def params_for(operation: Operation, own: Mapping[str, int], at: str, key: int) -> dict[str, Any]:
    """Parameters that name own things wherever they must, and ``key`` at one place."""
    params = needed(operation)
    for name, field in operation.request().fields.items():
        kind = kind_of(field)
        if kind and (field.required or name == at):
            value = key if name == at else own[kind]
            params[name] = [value] if isinstance(field, Items) else value
    if operation.name in ("credential_create", "asset_create", "credential_update", "asset_update") and at == "robotIds":
        params["isGlobal"] = False
    if operation.name in ("trigger_create", "trigger_update") and at == "queueId":
        params |= {"triggerType": "queue"}
    if operation.name in ("trigger_create", "trigger_update") and at == "robotIds":
        params |= {"assignType": 2}
    if operation.name in ("session_list", "session_revoke") and at == "appId":
        params.pop("employeeId", None)
    return params


def everything_stored(hub: Hub) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables, but for what every call writes."""
    with hub.db.read() as session:
        return {
            table.name: sorted(tuple(map(str, row)) for row in session.execute(select(table)))
            for table in Base.metadata.sorted_tables
            if table.name not in NOTES
        }


@pytest.mark.parametrize("where", ["sibling", "parent", "tenant"])
def test_a_foreign_id_is_not_found_in_any_parameter_of_any_operation(
    api: Api, hub: Hub, tenants: dict[str, dict[str, int]], where: str
) -> None:
    own, foreign = tenants["own"], tenants[where]
    user = api.within(own["department"])
    cases = checked(api)
    assert len(cases) > 150
    assert {kind for _, _, kind in cases} <= own.keys(), "a kind of id has no factory in one_of_each"
    before = everything_stored(hub)
    codes = {}
    for operation, name, kind in cases:
        if (operation.name, name, where) == ("department_update", "parentId", "parent"):
            continue  # it stays where it is: the parent of the own department is named, and no longer foreign by that
        answer = user.answer(operation.name, **params_for(operation, own, name, foreign[kind]))
        if answer.code.value != "10501":
            codes[f"{operation.name} {name}"] = (answer.code.value, answer.message)
    assert codes == {}
    assert everything_stored(hub) == before


def test_what_lies_below_the_own_department_is_within_reach(api: Api, tenants: dict[str, dict[str, int]]) -> None:
    own, below = tenants["own"], tenants["child"]
    user = api.within(own["department"])
    refused = {}
    for operation, name, kind in checked(api):
        if operation.path.endswith(("/query", "/list")):
            answer = user.answer(operation.name, **params_for(operation, own, name, below[kind]))
            if answer.code.value in ("10501", "30001", "30002"):
                refused[f"{operation.name} {name}"] = answer.message
    assert refused == {}


def test_no_list_shows_what_is_foreign(api: Api, tenants: dict[str, dict[str, int]]) -> None:
    user = api.within(tenants["own"]["department"])
    seen_of_own = 0
    for operation in api.dispatcher.catalogue:
        if operation.side == "robot" or operation.public or not operation.path.endswith(("/list", "/query")):
            continue
        fields = operation.request().fields
        if any(field.required for field in fields.values()) or operation.name == "session_list":
            continue  # they ask for one thing, which the tests above name
        if rights.permission_of(operation) in rights.OWN_BUSINESS:
            continue
        for row_list in user(operation.name, **({"pageSize": 1000} if "pageSize" in fields else {})).values():
            if not isinstance(row_list, list):
                continue
            for row in (each for each in row_list if isinstance(each, dict)):
                assert row.get("depId") in (None, tenants["own"]["department"], tenants["child"]["department"], 1), operation.name
                assert row.get("depId") != 1 or row.get("isBuiltin"), (operation.name, row)
                seen_of_own += row.get("depId") == tenants["own"]["department"]
    assert seen_of_own > 10


def user_with(hub: Hub, *permissions: str) -> int:
    """A user of the root department with one role that has these permissions; without any, a user without a role."""
    with hub.db.write() as session:
        name = making.some("user")
        row = Employee(department_id=1, name=name, username=name, password_hash="x")
        session.add(row)
        session.flush()
        if permissions:
            role = Role(department_id=1, name=making.some("角色"), permissions=list(permissions))
            session.add(role)
            session.flush()
            session.execute(text("INSERT INTO employee_role (employee_id, role_id) VALUES (:e, :r)"), {"e": row.id, "r": role.id})
        rights.changed(session)
        return row.id


def application_with(api: Api, hub: Hub, *permissions: str) -> int:
    group = api("api_group_create", apiGroupName=making.some("接口组"), depId=1, permissions=list(permissions))["apiGroupId"]
    return int(api("app_create", appName=making.some("应用"), depId=1, apiGroupIds=[group])["appId"])


ROLES: dict[str, Callable[[Api], frozenset[str]]] = {
    "administrator": lambda api: frozenset({"*"}),
    "operator": lambda api: frozenset(rights.builtin_roles(api.dispatcher.catalogue)[rights.OPERATOR]),
    "reader": lambda api: frozenset(rights.builtin_roles(api.dispatcher.catalogue)[rights.READER]),
    "one permission": lambda api: ONE,
    "one resource": lambda api: frozenset({"credential:*"}),
    "nobody": lambda api: frozenset(),
}


@pytest.mark.parametrize("kind", ["user", "application"])
@pytest.mark.parametrize("role", ROLES)
def test_an_operation_is_open_to_those_who_have_its_permission_and_to_nobody_else(api: Api, hub: Hub, role: str, kind: str) -> None:
    permissions = ROLES[role](api)
    if kind == "application" and role in ("administrator", "nobody"):
        permissions = permissions or frozenset({"task:pause"})
    holder = {"employee_id": user_with(hub, *permissions)} if kind == "user" else {"application_id": application_with(api, hub, *permissions)}
    source = Source(kind="test", client_ip="127.0.0.1", base_url="http://hub.test/")
    wrong = {}
    before = everything_stored(hub)
    for operation in api.dispatcher.catalogue:
        if operation.public:
            continue
        with hub.db.write() as session:  # each call has a token of its own: some end the one that they came with
            token, _ = auth.issue_token(hub, session, **holder)
        code = api.dispatcher.call(operation, {"unknown": 1}, token=token, source=source).code.value
        permission = rights.permission_of(operation)
        resource = permission.partition(":")[0]
        expected = bool({permission, f"{resource}:*", "*"} & permissions) or permission in rights.OWN_BUSINESS
        expected = expected and operation.side != "robot"  # that is for robots alone
        of_users_only = permission in rights.OWN_BUSINESS and kind == "application"
        if (code != "30001") != expected and not of_users_only:
            wrong[operation.name] = (code, expected)
    assert wrong == {}
    if role == "nobody":
        assert everything_stored(hub) == before
