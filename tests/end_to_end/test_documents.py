"""The published documents: OpenAPI 3.1 for all operations, a browser for it, and honest answers for what is not there yet."""
from __future__ import annotations

import re
from typing import Any
from urllib.parse import urljoin

import pytest

from tests.end_to_end.client import Client, assert_envelope

SIDES = {"platform": 72, "robot": 28}


@pytest.fixture(scope="module")
def document(anybody: Client) -> dict[str, Any]:
    """The OpenAPI document."""
    reply = anybody.send("GET", "/api/ext/openapi.json")
    assert reply.status == 200
    return dict(reply.json)


def test_the_document_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    validator = pytest.importorskip("openapi_spec_validator")
    assert document["openapi"].startswith("3.1.")
    validator.validate(document)


def test_all_100_operations_are_in_the_document_as_post(document: dict[str, Any]) -> None:
    for side, count in SIDES.items():
        found = {path: set(methods) - {"parameters"} for path, methods in document["paths"].items() if path.startswith(f"/api/{side}/")}
        assert len(found) == count
        assert {frozenset(methods) for methods in found.values()} == {frozenset({"post"})}


def test_an_operation_shows_its_clause_its_fields_and_which_are_mandatory(document: dict[str, Any]) -> None:
    entry = document["paths"]["/api/platform/task/create"]["post"]
    assert "6.2.7.1" in entry["description"]
    schema = resolved(document, entry["requestBody"]["content"]["application/json"]["schema"])
    assert {"processId", "totalCount", "robotIds", "robotGroupId", "priority", "inParameters"} <= schema["properties"].keys()
    assert "processId" in schema["required"]
    assert "multipart/form-data" in document["paths"]["/api/platform/package/create"]["post"]["requestBody"]["content"]


def test_what_is_not_there_yet_answers_20102_and_never_success(admin: Client, document: dict[str, Any]) -> None:
    wanting = {path: methods["post"] for path, methods in document["paths"].items() if "20102" in methods.get("post", {}).get("description", "")}
    if not wanting:
        pytest.skip("every operation is served")
    for path, entry in wanting.items():
        assert_envelope(admin.post(path, smallest(document, entry)), "20102", 400)


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        return dict(document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]])
    return schema


def smallest(document: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
    """The smallest request that the document allows."""
    content = entry.get("requestBody", {}).get("content", {})
    return value_of(document, content["application/json"]["schema"]) if content else {}


def value_of(document: dict[str, Any], schema: dict[str, Any], about: str = "") -> Any:
    schema = resolved(document, schema)
    about += schema.get("description", "")
    schema = schema.get("oneOf", [schema])[0]
    kind = schema.get("type")
    kind = next(each for each in kind if each != "null") if isinstance(kind, list) else kind
    if schema.get("enum"):
        return schema["enum"][0]
    if kind == "array":
        return [value_of(document, schema["items"], about)]
    if kind == "object":
        return {name: value_of(document, schema["properties"][name], name) for name in schema.get("required", [])}
    forms = {"标识": "1", "ID": "1", "HH:mm:ss": "2026-01-05 09:30:00", "yyyy-MM-dd": "2026-01-05", "Days": "2026-01-05", "cron": "0 9 * * 1"}
    text = next((text for form, text in forms.items() if form in about), "YWJj")
    return {"integer": 1, "number": 1, "boolean": True, "string": text}[kind]


def test_the_browser_for_the_document_needs_no_other_host(anybody: Client) -> None:
    page = anybody.send("GET", "/api/ext/docs/")
    assert page.status == 200 and "text/html" in page.headers["content-type"]
    html = page.body.decode()
    links = re.findall(r"""(?:src|href)=["']([^"']+)""", html)
    assert links and not [link for link in links if "//" in link]
    assert "/api/ext/openapi.json" in html
    for link in links:
        assert anybody.send("GET", urljoin("/api/ext/docs/", link)).status == 200, link
    assert not re.findall(r"""["'](?:https?:)?//[^"']+["']""", html.replace(anybody.url, ""))
