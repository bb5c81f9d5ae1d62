"""Credentials and assets: typed, guarded, and encrypted at rest."""
from __future__ import annotations

import pytest

SECRET = "Pa55-of-the-counter"


def make(api, **changes):
    params = {"credentialName": "柜台", "credentialUsername": "u1", "credentialPassword": SECRET, "isGlobal": True, "depId": 1}
    return api("credential_create", **{**params, **changes})["credentialId"]


def test_a_password_is_never_shown_and_never_stored_in_plain(api, hub):
    credential_id = make(api)
    shown = api("credential_query", credentialId=credential_id)
    assert shown["credentialPassword"] == ""
    assert shown["credentialUsername"] == "u1"
    hub.calls.flush()
    hub.db.dispose()
    for path in hub.settings.data.rglob("*"):
        if path.is_file():
            assert SECRET.encode() not in path.read_bytes(), path


def test_one_that_is_not_global_names_its_robots(api):
    assert api.code("credential_create", credentialName="a", credentialUsername="u", credentialPassword="p-w", isGlobal=False, depId=1) == "10006"
    limited = make(api, isGlobal=False, robotIds=[2, 1, 2])
    assert api("credential_query", credentialId=limited)["robotIds"] == [1, 2]
    assert api.code("credential_update", credentialId=limited, robotIds=[99]) == "10501"
    api("credential_update", credentialId=limited, isGlobal=True)
    assert api("credential_query", credentialId=limited)["robotIds"] == []


def test_names_are_unique_in_a_department_until_deleted(api):
    first = make(api)
    assert api.code("credential_create", credentialName="柜台", credentialUsername="u", credentialPassword="p", isGlobal=True, depId=1) == "10502"
    api("credential_delete", credentialId=first)
    make(api)
    assert api("credential_query", credentialId=first)["isDeleted"] is True
    assert api.code("credential_update", credentialId=first, remark="x") == "10501"
    assert [each["credentialName"] for each in api("credential_list")["credentials"]] == ["柜台"]
    assert api("credential_list", includeDeleted=True)["total"] == 2


@pytest.mark.parametrize(
    ("kind", "value", "stored"),
    [(0, " any text ", " any text "), (1, "TRUE", "true"), (2, "-1.5e3", "-1.5e3"), (2, " 42 ", "42"), (3, '{"a": 1}', '{"a": 1}')],
)
def test_a_value_of_its_type_is_kept(api, kind, value, stored):
    asset_id = api("asset_create", assetName="a", assetValue=value, dataType=kind, isGlobal=True, depId=1)["assetId"]
    assert api("asset_query", assetId=asset_id)["assetValue"] == stored


@pytest.mark.parametrize(("kind", "value"), [(1, "yes"), (2, "1,000"), (2, "nan"), (2, "0x10"), (3, "[1]"), (3, "{"), (3, "[" * 5000)])
def test_a_value_of_another_type_is_refused(api, kind, value):
    assert api.code("asset_create", assetName="a", assetValue=value, dataType=kind, isGlobal=True, depId=1) == "10007"
    assert api("asset_list")["assets"] == []


def test_a_new_type_must_fit_the_value_that_is_there(api):
    asset_id = api("asset_create", assetName="a", assetValue="abc", dataType=0, isGlobal=True, depId=1)["assetId"]
    assert api.code("asset_update", assetId=asset_id, dataType=2) == "10007"
    assert api("asset_query", assetId=asset_id)["dataType"] == 0
    api("asset_update", assetId=asset_id, dataType=2, assetValue="7")
    assert api("asset_query", assetId=asset_id)["assetValue"] == "7"


def test_those_of_another_department_are_not_found(api):
    credential_id = make(api)
    asset_id = api("asset_create", assetName="a", assetValue="abc", dataType=0, isGlobal=True, depId=1)["assetId"]
    other = api.within(api("department_create", depName="one", parentId=1)["depId"])
    for operation, params in (
        ("credential_query", {"credentialId": credential_id}),
        ("credential_update", {"credentialId": credential_id, "remark": "x"}),
        ("credential_delete", {"credentialId": credential_id}),
        ("asset_query", {"assetId": asset_id}),
        ("asset_update", {"assetId": asset_id, "remark": "x"}),
        ("asset_delete", {"assetId": asset_id}),
    ):
        assert other.code(operation, **params) == "10501"
    assert other("credential_list")["credentials"] == other("asset_list")["assets"] == []


def test_a_search_finds_part_of_a_name_or_remark(api):
    make(api, credentialName="估值系统", remark="资管")
    make(api, credentialName="清算系统", remark="结算")
    assert [each["credentialName"] for each in api("credential_list", keyword="估值")["credentials"]] == ["估值系统"]
    assert [each["credentialName"] for each in api("credential_list", keyword="结算")["credentials"]] == ["清算系统"]
    assert api("credential_list", keyword="%")["total"] == 0
    assert [each["credentialName"] for each in api("credential_list", sort="-credentialId")["credentials"]] == ["清算系统", "估值系统"]
    assert api.code("credential_list", sort="nothing") == "10007"
