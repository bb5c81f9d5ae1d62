"""The declared records as they appear in an OpenAPI 3.1 document."""
from __future__ import annotations

import warnings
from typing import Any

import pytest
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from plugins.manager import standard_catalogue
from plugins.operation import Operation

OPERATIONS = list(standard_catalogue())


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """All operations in one document; a schema that apispec would have to rename or guess is an error."""
    spec = APISpec("RPA hub", "1.0.0", "3.1.0", plugins=[MarshmallowPlugin()])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for each in OPERATIONS:
            content = {name: {"application/json": {"schema": record}} for name, record in (("in", each.request), ("out", each.response))}
            post = {
                "summary": each.summary,
                "requestBody": {"content": content["in"]},
                "responses": {"200": {"description": each.title, "content": content["out"]}},
            }
            spec.path(each.path, operations={"post": post})
        return spec.to_dict()


@pytest.fixture(scope="module")
def schemas(document: dict[str, Any]) -> dict[str, Any]:
    return document["components"]["schemas"]


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    validate(document)
    assert len(document["paths"]) == 100


def test_every_schema_has_the_name_of_its_record(schemas: dict[str, Any]) -> None:
    assert {each.request.__name__ for each in OPERATIONS} | {each.response.__name__ for each in OPERATIONS} <= schemas.keys()
    assert [name for name in schemas if name[-1].isdigit()] == []


@pytest.mark.parametrize(
    ("schema", "name", "expected"),
    [
        ("DepartmentCreateRequest", "parentId", {"type": "integer", "minimum": 0, "description": "父级部门 ID"}),
        ("EmployeeCreateRequest", "password", {"type": "string", "format": "password", "maxLength": 4096, "description": "密码（密文）"}),
        ("RobotRow", "machineId", {"type": "string", "description": "设备 ID"}),
        ("RobotCreateRequest", "robotType", {"type": "integer", "enum": [0, 1], "description": "机器人类型（0-后台机器人 1-前台机器人）"}),
        ("RobotQueryResult", "robotStatus", {
            "type": ["integer", "null"], "enum": [0, 1, 2, None], "description": "机器人状态（0-空闲 1-运行 2-离线）",
        }),
        ("TaskListResult", "tasks", {"type": "array", "items": {"$ref": "#/components/schemas/TaskRow"}, "description": "任务列表"}),
        ("RobotApiConfigRequest", "robotConfig", {"$ref": "#/components/schemas/RobotConfig", "description": "机器人配置信息"}),
        ("PackageCreateRequest", "package", {"type": "string", "format": "binary", "description": "流程包"}),
        ("TaskQueryResult", "progress", {
            "type": ["integer", "null"], "minimum": 0, "maximum": 100, "x-additive": True, "description": "任务进度百分比",
        }),
        ("RobotGroupAppendRequest", "robotIds", {
            "type": "array", "items": {"type": "integer", "minimum": 0}, "description": "机器人 ID 组",
        }),
        ("TaskLogQueryRequest", "logLevel", {
            "type": "string", "enum": ["trace", "debug", "info", "warn", "error", ""],
            "description": "日志等级（trace, debug, info, warn, error）",
        }),
    ],
)
def test_a_field_is_published_as_declared(schemas: dict[str, Any], schema: str, name: str, expected: dict[str, Any]) -> None:
    assert schemas[schema]["properties"][name] == expected


def test_mandatory_parameters_are_published_as_printed(schemas: dict[str, Any]) -> None:
    assert schemas["TaskCreateRequest"]["required"] == ["isRecord", "priority", "processId"]
    assert "required" not in schemas["TaskListRequest"]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_an_answer_that_says_nothing_fits_its_own_schema(operation: Operation, document: dict[str, Any]) -> None:
    """null and "" for what is unknown have to be allowed where a client generated from the document reads them."""
    schema = {"$ref": f"#/components/schemas/{operation.response.__name__}", "components": document["components"]}
    assert [error.message for error in Draft202012Validator(schema).iter_errors(operation.response().dump({}))] == []


def test_a_list_of_rows_that_say_nothing_fits_its_schema(document: dict[str, Any]) -> None:
    for operation in OPERATIONS:
        if operation.path.endswith("/list"):
            response = operation.response()
            array = next(name for name, each in response.fields.items() if each.metadata.get("description", "").endswith("列表"))
            schema = {"$ref": f"#/components/schemas/{operation.response.__name__}", "components": document["components"]}
            Draft202012Validator(schema).validate(response.dump({array: [{}]}))
