"""Compares requests that arrived with what a vendor's OpenAPI document allows."""
from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from plugins.testing.vendor import Seen

METHODS = ("get", "put", "post", "delete", "patch", "head", "options")


def mismatches(seen: Seen, document: Mapping[str, Any], *, base: str = "") -> list[str]:
    """What is wrong with a request by the document (OpenAPI 3 or Swagger 2, as parsed); empty when nothing is.

    ``base`` is the part of the address before the document's paths. Bodies are checked where ``jsonschema`` is installed.
    """
    request = f"{seen.method} {seen.path}"
    path = seen.path.removeprefix(base)
    # A path without parameters goes before one with them, as the specification says.
    fitting = sorted((template for template in document["paths"] if _fits(template, path)), key=lambda template: template.count("{"))
    template = next((each for each in fitting if seen.method.lower() in document["paths"][each]), None)
    if template is None:
        return [f"{request}: {'the method is not documented' if fitting else 'the path is not documented'}"]
    item = document["paths"][template]
    operation = item[seen.method.lower()]
    declared = [_resolved(each, document) for each in [*item.get("parameters", []), *operation.get("parameters", [])]]
    names = {each["name"] for each in declared if each["in"] == "query"}
    given = {"query": {name for name, _ in seen.query}, "header": set(seen.headers)}
    problems = [f"{request}: the query parameter {name} is not documented" for name in sorted(given["query"] - names)]
    for each in declared:
        name = each["name"].lower() if each["in"] == "header" else each["name"]
        if each.get("required") and each["in"] in given and name not in given[each["in"]]:
            problems.append(f"{request}: the {each['in']} parameter {each['name']} is missing")
    return problems + [f"{request}: {problem}" for problem in _body_problems(seen, operation, document)]


def _fits(template: str, path: str) -> bool:
    pattern = "".join("[^/]+" if part.startswith("{") else re.escape(part) for part in re.split(r"(\{[^}]*\})", template))
    return re.fullmatch(pattern, path) is not None


def _resolved(node: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in node:
        target: Any = document
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step.replace("~1", "/").replace("~0", "~")]
        node = target
    return node


def _body_problems(seen: Seen, operation: Mapping[str, Any], document: Mapping[str, Any]) -> list[str]:
    body = _resolved(operation.get("requestBody", {}), document)
    content = body.get("content", {})
    if not seen.content:
        return ["the body is missing"] if body.get("required") else []
    if not content:
        return ["a body is not documented"] if "requestBody" not in operation and not _swagger_body(operation, document) else []
    sort = seen.headers.get("content-type", "").split(";")[0].strip()
    if sort not in content and "*/*" not in content:
        return [f"the content type {sort} is not documented"]
    schema = content.get(sort, {}).get("schema")
    return _schema_problems(seen.json, schema, document) if schema and sort == "application/json" else []


def _swagger_body(operation: Mapping[str, Any], document: Mapping[str, Any]) -> bool:
    return any(_resolved(each, document).get("in") in ("body", "formData") for each in operation.get("parameters", []))


def _schema_problems(value: Any, schema: Mapping[str, Any], document: Mapping[str, Any]) -> list[str]:
    try:
        import jsonschema
    except ImportError:
        return []
    whole = {**schema, "components": document.get("components", {}), "definitions": document.get("definitions", {})}
    return [f"body: {error.message}" for error in jsonschema.Draft202012Validator(whole).iter_errors(value)]
