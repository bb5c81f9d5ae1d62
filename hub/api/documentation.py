"""The OpenAPI document, made from the declared operations, and a browser for it that needs no other host."""
from __future__ import annotations

from functools import cache
from typing import Any

from flask import Blueprint as FlaskBlueprint
from flask import Flask, Response
from flask_smorest import Api, Blueprint
from flask_swagger_ui import get_swaggerui_blueprint
from marshmallow import Schema, fields
from werkzeug.exceptions import HTTPException

from hub.api.envelope import API_VERSION, on_http_exception
from plugins.fields import Record, Upload
from plugins.operation import Catalogue, Operation

PREFIX = "/api/ext"
DOCUMENT = "openapi.json"
SIDES = {"platform": "管理平台", "robot": "机器人", "ext": "扩展"}


class Failure(Schema):
    """The envelope of an error."""

    resultCode = fields.String(required=True, metadata={"description": "业务状态码"})
    message = fields.String(required=True, metadata={"description": "消息内容"})
    data = fields.Dict(required=True, metadata={"description": "返回业务参数"})
    traceId = fields.String(metadata={"description": "跟踪标识"})


class HubApi(Api):
    """flask-smorest's API with the standard's envelope for errors."""

    ERROR_SCHEMA = Failure

    def handle_http_exception(self, error: HTTPException) -> Response | HTTPException:
        """What Flask refused, in the envelope."""
        return on_http_exception(error)


def create_api(app: Flask) -> Api:
    """The API object; it serves the document at /api/ext/openapi.json."""
    app.config.update(
        API_TITLE="证券行业 RPA 统一接口（T/TSAC 002-2025）",
        API_VERSION=API_VERSION,
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX=PREFIX,
        OPENAPI_JSON_PATH=DOCUMENT,
    )
    api = HubApi(app)
    api.spec.components.security_scheme("token", {"type": "apiKey", "in": "header", "name": "token", "description": "字符令牌"})
    return api


def browser() -> FlaskBlueprint:
    """Swagger UI at /api/ext/docs, from files that its package brings."""
    return get_swaggerui_blueprint(f"{PREFIX}/docs", f"{PREFIX}/{DOCUMENT}", config={"app_name": "RPA Hub", "validatorUrl": None})


def blueprints(catalogue: Catalogue) -> dict[tuple[str, str], Blueprint]:
    """One blueprint, and so one tag of the document, for each side and resource."""
    keys = dict.fromkeys((each.side, each.resource) for each in catalogue)
    return {(side, resource): Blueprint(f"{SIDES[side]} {resource}", f"{side}_{resource}") for side, resource in keys}


def describe(operation: Operation, served: bool) -> dict[str, Any]:
    """The operation's entry in the document."""
    kinds = ["application/json"]
    if any(isinstance(field, Upload) for field in operation.request().fields.values()):
        kinds.append("multipart/form-data")
    version = {"name": "version", "in": "header", "required": False, "description": "接口版本号", "schema": {"type": "string", "default": API_VERSION}}
    clause = f"T/TSAC 002-2025 {operation.clause}（{operation.code}）。" if operation.side != "ext" else f"扩展接口（{operation.code}）。"
    entry: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.title,
        "description": clause + operation.summary + ("" if served else " 当前版本未提供，返回 20102。"),
        "parameters": [version],
        "responses": {
            "201" if operation.creates else "200": {"description": "成功", "content": {"application/json": {"schema": success(operation.response)}}},
            "default": {"description": "失败", "content": {"application/json": {"schema": Failure}}},
        },
        "security": [] if operation.public else [{"token": []}],
    }
    if operation.request().fields:
        required = any(field.required for field in operation.request().fields.values())
        entry["requestBody"] = {"required": required, "content": {kind: {"schema": operation.request} for kind in kinds}}
    return entry


@cache
def success(response: type[Record]) -> type[Schema]:
    """The envelope around a response; the same class for the same response, as apispec names schemas by class."""
    return Schema.from_dict(
        {
            "resultCode": fields.String(required=True, metadata={"description": "业务状态码", "const": "00000"}),
            "message": fields.String(required=True, metadata={"description": "消息内容"}),
            "data": fields.Nested(response, required=True, metadata={"description": "返回业务参数"}),
            "traceId": fields.String(metadata={"description": "跟踪标识"}),
        },
        name=f"{response.__name__}Envelope",
    )
