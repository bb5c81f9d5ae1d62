"""Roles and user groups: what they allow, who may hand them on, and that nobody gets more than somebody had."""
from __future__ import annotations

import json

import pytest
from sqlalchemy import update

from hub import rights
from hub.models import Employee, Role
from tests.hub.conftest import Api, Signed

PASSWORD = "Password-of-tests-1"


@pytest.fixture
def people(api: Api, anybody: Signed):
    """Makes users with roles of given permissions, and gives them signed in."""

    def make(name: str, *permissions: str, department: int = 1) -> Signed:
        role_ids = [api("role_create", roleName=f"{name}的角色", permissions=list(permissions))["roleId"]] if permissions else []
        api("employee_create", employeeName=name, username=name, password=PASSWORD, depId=department, roleIds=role_ids)
        return anybody.log_in(name, PASSWORD)

    return make


def employee_id(client: Signed) -> int:
    return client("account_me")["employeeId"]


def test_a_role_allows_what_it_names_and_nothing_else(people):
    user = people("甲", "department:list", "robot:*")
    assert user.code("department_list") == "00000"
    assert user.code("robot_list") == "00000"
    for operation in ("robot_group_list", "employee_list", "department_create", "role_create", "audit_log_list"):
        assert user.code(operation) == "30001", operation


def test_who_has_no_role_may_only_look_after_the_own_account(people):
    user = people("甲")
    assert user("account_me")["permissions"] == []
    own = [each.name for each in user.dispatcher.catalogue if rights.permission_of(each) in rights.OWN_BUSINESS]
    others = [each.name for each in user.dispatcher.catalogue if not each.public and each.name not in own]
    assert {user.code(name) for name in others} == {"30001"}
    assert len(own) == len(rights.OWN_BUSINESS)
    assert "30001" not in {user.code(name) for name in sorted(own, key=lambda name: name in ("token_revoke", "token_refresh"))}


def test_permission_comes_before_the_parameters_are_looked_at(people):
    user = people("甲", "department:list")
    assert user.code("department_create", nonsense=[1]) == "30001"


def test_a_new_user_is_an_operator_unless_roles_are_named(api, people, anybody):
    api("employee_create", employeeName="a", username="a", password=PASSWORD, depId=1)
    assert anybody.log_in("a", PASSWORD)("account_me")["roles"] == [rights.OPERATOR]
    assert people("b")("account_me")["roles"] == []


def test_changes_of_a_role_hold_from_the_next_call_on(api, people):
    user = people("甲", "department:list")
    (role,) = api("role_list", keyword="甲的角色")["roles"]
    api("role_update", roleId=role["roleId"], permissions=["robot:list"])
    assert (user.code("department_list"), user.code("robot_list")) == ("30001", "00000")
    gone = api("role_delete", roleId=role["roleId"])
    assert gone["employeeIds"] == [employee_id(user)]
    assert user.code("robot_list") == "30001"
    assert api.code("role_update", roleId=role["roleId"], remark="x") == "10501"
    assert api("role_query", roleId=role["roleId"])["isDeleted"] is True


def test_roles_are_granted_and_revoked_all_or_none(api, people):
    user = people("甲")
    first = api("role_create", roleName="一", permissions=["robot:list"])["roleId"]
    second = api("role_create", roleName="二", permissions=["task:list"])["roleId"]
    assert api.code("role_grant", roleIds=[first, 10**6], employeeIds=[employee_id(user)]) == "10501"
    assert api.code("role_grant", roleIds=[first], employeeIds=[employee_id(user), 10**6]) == "10501"
    assert user.code("robot_list") == "30001"
    api("role_grant", roleIds=[first, second], employeeIds=[employee_id(user)])
    api("role_grant", roleIds=[first], employeeIds=[employee_id(user)])
    assert (user.code("robot_list"), user.code("task_list")) == ("00000", "00000")
    assert api("role_query", roleId=first)["employeeIds"] == [employee_id(user)]
    api("role_revoke", roleIds=[first], employeeIds=[employee_id(user)])
    assert (user.code("robot_list"), user.code("task_list")) == ("30001", "00000")
    api("employee_update", employeeId=employee_id(user), roleIds=[first])
    assert api("employee_query", employeeId=employee_id(user))["roleIds"] == [first]
    assert (user.code("robot_list"), user.code("task_list")) == ("00000", "30001")


def test_a_group_gives_its_members_its_roles_until_they_leave_or_it_goes(api, people):
    user = people("甲")
    role_id = api("role_create", roleName="一", permissions=["robot:list"])["roleId"]
    group_id = api("user_group_create", userGroupName="组", roleIds=[role_id])["userGroupId"]
    assert user.code("robot_list") == "30001"
    api("user_group_member_add", userGroupId=group_id, employeeIds=[employee_id(user)])
    api("user_group_member_add", userGroupId=group_id, employeeIds=[employee_id(user)])
    shown = api("user_group_query", userGroupId=group_id)
    assert (shown["employeeIds"], shown["roleIds"], shown["memberCount"]) == ([employee_id(user)], [role_id], 1)
    assert user.code("robot_list") == "00000"
    api("user_group_member_remove", userGroupId=group_id, employeeIds=[employee_id(user)])
    assert user.code("robot_list") == "30001"
    api("user_group_member_add", userGroupId=group_id, employeeIds=[employee_id(user)])
    api("user_group_update", userGroupId=group_id, roleIds=[])
    assert user.code("robot_list") == "30001"
    api("role_grant", roleIds=[role_id], userGroupIds=[group_id])
    assert user.code("robot_list") == "00000"
    api("user_group_delete", userGroupId=group_id)
    assert user.code("robot_list") == "30001"
    assert api("user_group_list")["userGroups"] == []
    assert api("user_group_query", userGroupId=group_id)["isDeleted"] is True


def test_names_are_unique_in_a_department_until_deleted(api):
    for create, delete, key, names in (
        ("role_create", "role_delete", "roleId", {"roleName": "一", "permissions": ["task:list"]}),
        ("user_group_create", "user_group_delete", "userGroupId", {"userGroupName": "一"}),
        ("api_group_create", "api_group_delete", "apiGroupId", {"apiGroupName": "一", "permissions": ["task:list"]}),
        ("app_create", "app_delete", "appId", {"appName": "一"}),
    ):
        first = api(create, **names)[key]
        assert api.code(create, **names) == "10502", create
        api(delete, **{key: first})
        assert api(create, **names)[key] != first


@pytest.mark.parametrize("permissions", [["task:fly"], ["nothing:*"], ["**"], [""], ["task"], ["account:me"]])
def test_what_is_no_permission_is_refused(api, permissions):
    assert api.code("role_create", roleName="x", permissions=permissions) == "10007"
    assert api.code("api_group_create", apiGroupName="x", permissions=permissions) == "10007"


def test_nobody_hands_on_more_than_the_own_rights(api, people):
    keeper = people("管权人", "role:*", "employee:*", "user-group:*", "app:*", "api-group:*", "robot:list", "task:*")
    strong = api("role_create", roleName="强", permissions=["robot:list", "credential:query"])["roleId"]
    weak = api("role_create", roleName="弱", permissions=["robot:list", "task:create"])["roleId"]
    other = employee_id(people("乙"))
    group = api("user_group_create", userGroupName="强组", roleIds=[strong])["userGroupId"]
    api_group = api("api_group_create", apiGroupName="强接口", permissions=["credential:query"])["apiGroupId"]
    app = api("app_create", appName="强应用", apiGroupIds=[api_group])["appId"]
    (administrator,) = [each["roleId"] for each in api("role_list")["roles"] if each["roleName"] == rights.ADMINISTRATOR]
    admin_id = api("employee_list", keyword="admin")["users"][0]["employeeId"]
    attempts = [
        ("role_create", {"roleName": "x", "permissions": ["credential:query"]}),
        ("role_create", {"roleName": "x", "permissions": ["*"]}),
        ("role_create", {"roleName": "x", "permissions": ["robot:*"]}),
        ("role_import", {"roles": [{"roleName": "x", "permissions": ["credential:query"]}]}),
        ("role_import", {"roles": [{"roleName": "弱", "permissions": ["credential:query"]}], "onConflict": "replace"}),
        ("role_update", {"roleId": weak, "permissions": ["credential:query"]}),
        ("role_update", {"roleId": strong, "permissions": ["robot:list"]}),
        ("role_update", {"roleId": strong, "remark": "x"}),
        ("role_delete", {"roleId": strong}),
        ("role_grant", {"roleIds": [strong], "employeeIds": [other]}),
        ("role_grant", {"roleIds": [weak, administrator], "employeeIds": [employee_id(keeper)]}),
        ("role_revoke", {"roleIds": [administrator], "employeeIds": [admin_id]}),
        ("employee_create", {"employeeName": "x", "username": "x", "password": PASSWORD, "depId": 1, "roleIds": [strong]}),
        ("employee_update", {"employeeId": employee_id(keeper), "roleIds": [administrator]}),
        ("employee_update", {"employeeId": admin_id, "password": PASSWORD}),
        ("employee_reset_password", {"employeeId": admin_id, "password": PASSWORD}),
        ("user_group_create", {"userGroupName": "x", "roleIds": [strong]}),
        ("user_group_update", {"userGroupId": group, "roleIds": []}),
        ("user_group_member_add", {"userGroupId": group, "employeeIds": [employee_id(keeper)]}),
        ("user_group_member_remove", {"userGroupId": group, "employeeIds": [other]}),
        ("user_group_delete", {"userGroupId": group}),
        ("api_group_create", {"apiGroupName": "x", "permissions": ["credential:query"]}),
        ("api_group_update", {"apiGroupId": api_group, "permissions": ["robot:list"]}),
        ("api_group_delete", {"apiGroupId": api_group}),
        ("app_create", {"appName": "x", "apiGroupIds": [api_group]}),
        ("app_update", {"appId": app, "remark": "x"}),
        ("app_rotate_secret", {"appId": app}),
        ("app_disable", {"appId": app}),
        ("app_delete", {"appId": app}),
    ]
    before = keeper("account_me")["permissions"]
    for operation, params in attempts:
        assert keeper.code(operation, **params) == "30001", (operation, params)
    assert keeper("account_me")["permissions"] == before
    assert api("role_query", roleId=strong)["permissions"] == ["credential:query", "robot:list"]
    keeper("role_grant", roleIds=[weak], employeeIds=[other])
    keeper("role_update", roleId=weak, permissions=["task:*"])
    keeper("role_revoke", roleIds=[weak], employeeIds=[other])
    keeper("role_delete", roleId=weak)


def test_built_in_roles_can_be_granted_but_not_changed(api, people):
    reader = next(each for each in api("role_list")["roles"] if each["roleName"] == rights.READER)
    assert reader["isBuiltin"] is True
    assert api.code("role_update", roleId=reader["roleId"], permissions=["*"]) == "10504"
    assert api.code("role_delete", roleId=reader["roleId"]) == "10504"
    user = people("甲")
    api("role_grant", roleIds=[reader["roleId"]], employeeIds=[employee_id(user)])
    assert (user.code("task_list"), user.code("task_create")) == ("00000", "30001")


def test_the_last_user_who_may_do_everything_keeps_that(api, hub):
    (administrator,) = [each["roleId"] for each in api("role_list")["roles"] if each["roleName"] == rights.ADMINISTRATOR]
    admin_id = api("role_query", roleId=administrator)["employeeIds"][0]
    assert api.code("role_revoke", roleIds=[administrator], employeeIds=[admin_id]) == "10503"
    assert api.code("employee_update", employeeId=admin_id, roleIds=[]) == "10503"
    assert api("role_query", roleId=administrator)["employeeIds"] == [admin_id]
    second = api("employee_create", employeeName="b", username="b", password=PASSWORD, depId=1, roleIds=[administrator])["employeeId"]
    with hub.db.write() as session:
        session.execute(update(Employee).where(Employee.id == second).values(is_locked=True))
    assert api.code("role_revoke", roleIds=[administrator], employeeIds=[admin_id]) == "10503"
    with hub.db.write() as session:
        session.execute(update(Employee).where(Employee.id == second).values(is_locked=False))
    api("role_revoke", roleIds=[administrator], employeeIds=[admin_id])


def test_the_last_administrator_may_be_one_by_a_group(api):
    (administrator,) = [each["roleId"] for each in api("role_list")["roles"] if each["roleName"] == rights.ADMINISTRATOR]
    admin_id = api("role_query", roleId=administrator)["employeeIds"][0]
    group_id = api("user_group_create", userGroupName="组", roleIds=[administrator], employeeIds=[admin_id])["userGroupId"]
    api("role_revoke", roleIds=[administrator], employeeIds=[admin_id])
    for operation, params in (
        ("user_group_delete", {}), ("user_group_update", {"roleIds": []}), ("user_group_member_remove", {"employeeIds": [admin_id]}),
    ):  # fmt: skip
        assert api.code(operation, userGroupId=group_id, **params) == "10503", operation


def test_exported_roles_come_back_whole(api, hub, anybody):
    api("role_create", roleName="运维", remark="夜班", permissions=["task:*", "robot:list", "package:query"])
    api("role_create", roleName="审计", permissions=["audit-log:list"])
    exported = json.loads(json.dumps(api("role_export")["roles"]))
    assert [each["roleName"] for each in exported] == ["运维", "审计"]
    child = api("department_create", depName="分部", parentId=1)["depId"]
    taken = api("role_import", roles=exported, depId=child)
    assert (taken["created"], taken["replaced"], taken["skipped"]) == (2, 0, 0)
    copies = [api("role_query", roleId=each) for each in taken["roleIds"]]
    assert [{name: each[name] for name in ("roleName", "remark", "permissions")} for each in copies] == exported
    assert api.code("role_import", roles=exported, depId=child) == "10502"
    assert api("role_import", roles=exported, depId=child, onConflict="skip")["skipped"] == 2
    changed = [{**exported[0], "permissions": ["task:list"]}]
    assert api("role_import", roles=changed, depId=child, onConflict="replace")["replaced"] == 1
    assert api("role_query", roleId=taken["roleIds"][0])["permissions"] == ["task:list"]
    builtin = next(each["roleId"] for each in api("role_list")["roles"] if each["roleName"] == rights.OPERATOR)
    (full,) = api("role_export", roleIds=[builtin])["roles"]
    assert len(full["permissions"]) > 80


def test_an_import_with_an_unknown_permission_leaves_nothing_behind(api):
    roles = [{"roleName": "好", "permissions": ["task:list"]}, {"roleName": "坏", "permissions": ["task:fly"]}]
    assert api.code("role_import", roles=roles) == "10007"
    assert api("role_list", keyword="好")["total"] == 0


def test_roles_and_groups_of_other_departments_are_not_there(api):
    one, other = (api("department_create", depName=name, parentId=1)["depId"] for name in ("甲部", "乙部"))
    of_one, of_other = api.within(one), api.within(other)
    role_id = of_one("role_create", roleName="r", permissions=["task:list"])["roleId"]
    group_id = of_one("user_group_create", userGroupName="g")["userGroupId"]
    assert {each["roleName"] for each in of_other("role_list")["roles"]} == {rights.ADMINISTRATOR, rights.OPERATOR, rights.READER}
    assert of_other("role_list", depId=other)["roles"] == of_other("user_group_list")["userGroups"] == of_other("role_export")["roles"] == []
    assert {"r"} < {each["roleName"] for each in of_one("role_list")["roles"]}
    for operation, params in (
        ("role_query", {"roleId": role_id}), ("role_update", {"roleId": role_id}), ("role_delete", {"roleId": role_id}),
        ("role_export", {"roleIds": [role_id]}), ("role_grant", {"roleIds": [role_id], "userGroupIds": []}),
        ("role_create", {"roleName": "x", "permissions": ["task:list"], "depId": one}), ("role_list", {"depId": one}),
        ("user_group_query", {"userGroupId": group_id}), ("user_group_create", {"userGroupName": "x", "roleIds": [role_id]}),
    ):  # fmt: skip
        assert of_other.code(operation, **params) == "10501", operation
    assert api("role_query", roleId=role_id)["depId"] == one


def test_the_list_of_permissions_tells_which_ones_the_caller_has(people):
    user = people("甲", "permission:list", "task:*")
    rows = {each["permission"]: each for each in user("permission_list")["permissions"]}
    assert {name for name, row in rows.items() if row["isHeld"]} == {name for name in rows if name.startswith("task:")} | {"permission:list"}
    assert (rows["task:create"]["code"], rows["task:create"]["isChange"], rows["task:list"]["isChange"]) == ("P24", True, False)
    assert not rights.OWN_BUSINESS & rows.keys()


def test_a_permission_that_the_database_was_given_by_hand_is_still_only_a_name(api, people, hub):
    user = people("甲", "department:list")
    with hub.db.write() as session:
        session.execute(update(Role).where(Role.name == "甲的角色").values(permissions=["department:create "]))
        rights.changed(session)
    assert user.code("department_create") == "30001"


def test_the_robot_interface_cannot_be_granted(api):
    assert api.code("role_create", roleName="机器人", permissions=["robot-api/task:create"]) == "10007"
