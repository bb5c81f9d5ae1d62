"""Packages: immutable, downloadable, deleted only when nothing needs them (erratum E70)."""
from __future__ import annotations

import pytest

from hub.core import Hub
from tests.hub.conftest import Api
from tests.hub.services import making


def create(api: Api, **changes: object) -> int:
    given = {"packageName": "p", "packageVersion": "1", "depId": 1, "package": making.package_content()}
    return int(api("package_create", **{**given, **changes})["packageId"])


def shown(api: Api, package_id: int, **params: object) -> dict[str, object]:
    return next(row for row in api("package_query", **params)["packageList"] if row["packageId"] == package_id)


def test_an_active_package_stays(api: Api) -> None:
    process_id = making.process(api)
    active = api("process_list")["processes"][0]["activePackageId"]
    assert api.code("package_delete", packageId=active) == "10503"
    api("process_activate_package_version", processId=process_id, packageId=making.package(api))
    api("package_delete", packageId=active)


def test_a_package_that_an_active_trigger_names_stays(api: Api) -> None:
    package_id = making.package(api)
    trigger_id = making.trigger(api, making.process(api), packageId=package_id)
    assert api.code("package_delete", packageId=package_id) == "10503"
    api("trigger_update", triggerId=trigger_id, isActivated=False)
    api("package_delete", packageId=package_id)


@pytest.mark.parametrize("state", ["queued", "paused", "running"])
def test_a_package_that_a_task_still_needs_stays(api: Api, hub: Hub, state: str) -> None:
    package_id = making.package(api)
    task_id = making.tasks(api, making.process(api), packageId=package_id)[0]
    making.change_task(hub, task_id, state=state)
    assert api.code("package_delete", packageId=package_id) == "10503"
    making.change_task(hub, task_id, state="failed")
    api("package_delete", packageId=package_id)
    assert api("task_query", taskId=task_id)["packageVersion"] == "1"


def test_the_content_goes_with_the_last_package_that_has_it(api: Api, hub: Hub) -> None:
    first, second = create(api), create(api, packageVersion="2")
    digest = str(shown(api, first)["digest"])
    assert shown(api, second)["digest"] == digest
    api("package_delete", packageId=first)
    assert hub.store.has(digest)
    api("package_delete", packageId=second)
    assert not hub.store.has(digest)
    third = create(api)
    assert hub.store.has(digest)
    assert shown(api, third)["digest"] == digest


def test_a_deleted_package_is_remembered_without_an_address(api: Api) -> None:
    package_id = create(api)
    assert "sign=" in str(shown(api, package_id)["packageUrl"])
    api("package_delete", packageId=package_id)
    assert api("package_query")["packageList"] == []
    row = shown(api, package_id, includeDeleted=True)
    assert (row["isDeleted"], row["packageUrl"]) == (True, "")
    assert api.code("package_delete", packageId=package_id) == "10501"
    assert api.code("process_activate_package_version", processId=making.process(api), packageId=package_id) == "10501"


def test_packages_are_sorted_as_asked(api: Api) -> None:
    for version in ("1", "3", "2"):
        create(api, packageVersion=version)
    versions = lambda sort: [row["packageVersion"] for row in api("package_query", sort=sort)["packageList"]]  # noqa: E731
    assert (versions("packageVersion"), versions("-packageId")) == (["1", "2", "3"], ["2", "3", "1"])
