"""The department tree: renamed, moved, deleted with all that hangs on it (erratum E64)."""
from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from hub import auth
from hub.core import Hub
from hub.models import Application, AuditEntry, Department
from hub.security import token_digest
from tests.hub.conftest import Api
from tests.hub.services import making
from tests.hub.services.making import department

CLIENT_ID = f"{auth.CLIENT_ID}of-tests"


def path_of(hub: Hub, department_id: int) -> str:
    with hub.db.read() as session:
        return session.scalars(select(Department.path).where(Department.id == department_id)).one()


def test_a_department_is_renamed_and_keeps_its_place(api: Api) -> None:
    one = department(api, name="甲")
    department(api, name="乙")
    api("department_update", depId=one, depName="丙")
    assert {row["depName"] for row in api("department_list")["departments"]} == {"总部", "乙", "丙"}
    assert api.code("department_update", depId=one, depName="乙") == "10502"
    assert api.code("department_update", depId=one, depName="") == "10005"
    api("department_update", depId=one, depName="丙")


def test_a_move_takes_the_whole_subtree_along_and_with_it_what_callers_see(api: Api, hub: Hub) -> None:
    one, two = department(api), department(api)
    child = department(api, one)
    grandchild = department(api, child)
    process_id = making.process(api, grandchild)
    api("department_update", depId=child, parentId=two)
    assert path_of(hub, grandchild) == f"/1/{two}/{child}/{grandchild}/"
    assert path_of(hub, one) == f"/1/{one}/"
    seen = lambda dep_id: [row["processId"] for row in api.within(dep_id)("process_list")["processes"]]  # noqa: E731
    assert seen(one) == []
    assert seen(two) == [process_id]
    parents = {row["depId"]: row["parentId"] for row in api("department_list")["departments"]}
    assert parents == {1: 0, one: 1, two: 1, child: two, grandchild: child}


def test_a_move_takes_deleted_departments_along(api: Api, hub: Hub) -> None:
    one, two = department(api), department(api)
    gone = department(api, one)
    api("department_delete", depId=gone)
    api("department_update", depId=one, parentId=two)
    assert path_of(hub, gone) == f"/1/{two}/{one}/{gone}/"


def test_the_tree_stays_a_tree(api: Api, hub: Hub) -> None:
    one = department(api)
    child = department(api, one)
    assert api.code("department_update", depId=one, parentId=one) == "10504"
    assert api.code("department_update", depId=one, parentId=child) == "10504"
    assert api.code("department_update", depId=1, parentId=child) == "10503"
    api("department_update", depId=1, parentId=0, depName="总公司")
    assert path_of(hub, child) == f"/1/{one}/{child}/"


def test_names_are_unique_among_siblings_also_after_a_move(api: Api) -> None:
    one, two = department(api), department(api)
    moved = department(api, one, "投研")
    department(api, two, "投研")
    assert api.code("department_update", depId=moved, parentId=two) == "10502"
    api("department_update", depId=moved, parentId=two, depName="投研二部")


def test_a_subtree_does_not_grow_deeper_than_paths_reach(api: Api, hub: Hub) -> None:
    top = department(api)
    below = department(api, top)
    with hub.db.write() as session:
        row = session.get_one(Department, below)
        row.path = f"/1/{top}/{'9' * 1000}/{below}/"
    assert api.code("department_create", parentId=below, depName="x") == "10007"
    assert api.code("department_update", depId=top, parentId=department(api, department(api))) == "10007"
    assert path_of(hub, below).startswith(f"/1/{top}/999")


@pytest.mark.parametrize("target", ["parent", "sibling", "nowhere"])
def test_a_move_out_of_the_own_scope_finds_nothing(api: Api, target: str) -> None:
    own, sibling = department(api), department(api)
    child = department(api, own)
    parent_id = {"parent": 1, "sibling": sibling, "nowhere": 0}[target]
    assert api.within(own).code("department_update", depId=child, parentId=parent_id) == "10501"


def test_deletion_shuts_out_the_people_of_the_subtree(api: Api, hub: Hub) -> None:
    one = department(api)
    child = department(api, one)
    inside, outside = making.employee(api, child, "inside"), making.employee(api, 1, "outside")
    token, other = making.token_of(api, "inside"), making.token_of(api, "outside")
    with hub.db.write() as session:
        row = Application(department_id=child, name="app", client_id=CLIENT_ID, secret_hash=token_digest("app-secret"))
        session.add(row)
    app_token = making.token_of(api, CLIENT_ID, "app-secret")
    api("department_delete", depId=one)
    assert [making.is_alive(api, each) for each in (token, app_token, other)] == [False, False, True]
    assert making.sign_in(api, "inside") == making.sign_in(api, CLIENT_ID, "app-secret") == "30006"
    assert api("employee_query", employeeId=inside)["userStatus"] == 1
    assert api("employee_query", employeeId=outside)["userStatus"] == 0
    assert [row["depId"] for row in api("department_list")["departments"]] == [1]
    assert {row["depId"] for row in api("department_list", includeDeleted=True)["departments"]} == {1, one, child}


def test_deletion_stops_what_the_subtree_would_start(api: Api, hub: Hub) -> None:
    one = department(api)
    process_id, other = making.process(api, one), making.process(api)
    own, foreign, unrelated = (
        making.trigger(api, process_id, one),
        making.trigger(api, process_id),
        making.trigger(api, other),
    )
    running, queued = making.tasks(api, process_id, 2)
    elsewhere = making.tasks(api, other)[0]
    making.change_task(hub, running, state="running", run_key="k")
    api("department_delete", depId=one)
    assert [making.is_active(hub, each) for each in (own, foreign, unrelated)] == [False, False, True]
    assert [making.task_of(hub, each).state for each in (running, queued, elsewhere)] == ["running", "cancelled", "queued"]
    assert "已删除" in making.log_of(hub, queued)[0]
    assert api.code("task_create", processId=process_id, priority=1, isRecord=False) == "10504"
    with hub.db.read() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.operation == "department_delete")).one()
    assert (entry.subject["deactivatedTriggers"], entry.subject["cancelledTasks"]) == (2, 1)


def test_what_belonged_to_a_deleted_department_can_be_moved_by_those_above(api: Api) -> None:
    one = department(api)
    process_id = making.process(api, one)
    api("department_delete", depId=one)
    api("process_update", processId=process_id, depId=1)
    making.tasks(api, process_id)


def test_root_and_own_department_stay(api: Api) -> None:
    own = department(api)
    child = department(api, own)
    assert api.code("department_delete", depId=1) == "10503"
    assert api.within(own).code("department_delete", depId=own) == "10503"
    assert api.within(own).code("department_delete", depId=1) == "10501"
    api.within(own)("department_delete", depId=child)


def test_nothing_can_be_done_with_a_deleted_department(api: Api) -> None:
    one = department(api, name="甲")
    api("department_delete", depId=one)
    for operation, params in (
        ("department_delete", {"depId": one}),
        ("department_update", {"depId": one, "depName": "x"}),
        ("department_create", {"parentId": one, "depName": "x"}),
        ("department_list", {"depId": one}),
        ("employee_create", {"depId": one, "employeeName": "x", "username": "x", "password": making.PASSWORD}),
    ):
        assert api.code(operation, **params) == "10501", operation
    department(api, name="甲")


def test_departments_are_sorted_as_asked(api: Api) -> None:
    for name in ("b", "a", "c"):
        department(api, name=name)
    names = lambda sort: [row["depName"] for row in api("department_list", sort=sort)["departments"]][-3:]  # noqa: E731
    assert names("depName") == sorted(["a", "b", "c", "总部"])[-3:]
    assert [row["depName"] for row in api("department_list", sort="-depName")["departments"]] == sorted(["a", "b", "c", "总部"], reverse=True)
    assert api.code("department_list", sort="colour") == "10007"


def test_two_moves_that_meet_make_no_circle(api: Api, hub: Hub) -> None:
    for _ in range(5):
        one, two = department(api), department(api)
        line_up = threading.Barrier(2)

        def move(moved: int, parent: int, line_up: threading.Barrier = line_up) -> str:
            line_up.wait(30)
            return api.code("department_update", depId=moved, parentId=parent)

        with ThreadPoolExecutor(2) as pool:
            codes = [each.result() for each in (pool.submit(move, one, two), pool.submit(move, two, one))]
        assert sorted(codes) == ["00000", "10504"]
        assert {path_of(hub, one), path_of(hub, two)} in ({f"/1/{one}/", f"/1/{one}/{two}/"}, {f"/1/{two}/", f"/1/{two}/{one}/"})
