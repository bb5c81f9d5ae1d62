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

from hub.api.envelope import API_VERSION, TRACE_HEADER, on_http_exception
from plugins import codes
from plugins.fields import Record, Upload
from plugins.operation import Catalogue, Operation

PREFIX = "/api/ext"
DOCUMENT = "openapi.json"
SIDES = {"platform": "管理平台", "robot": "机器人", "ext": "扩展"}
JSON = "application/json"

# What is true of all operations is said once.
ABOUT = """
所有接口统一使用 POST，返回 `{resultCode, message, data, traceId}`。`resultCode` 为 `00000` 时成功，其他取值与 HTTP 状态码的对应关系见各响应说明。

- 文本参数采用 UTF-8 编码；不超过 255 个字符的文本为单行，更长的文本可以包含制表符和换行符，均不接受其他控制字符。必填的文本不能为空白。
- 时间格式为 `yyyy-MM-dd HH:mm:ss`，时区为部署时区（见 /api/ext/version/info）。
- 宽松模式接受无损的其他类型写法（如 `"12"` 表示 12），严格模式仅接受所列类型，且不接受未列出的参数。可选参数为 null 时视为未提供。
- 文件参数可以用 multipart/form-data 上传，也可以在 JSON 中以 base64 文本或 `{name, content}` 提供。
"""

# Every operation may refuse a call in these ways; others are added where something is named (404) or changed (409).
REFUSALS = (400, 401, 403, 429, 500)
TITLES = {
    400: "参数错误", 401: "未许可的访问", 403: "禁止访问该资源", 404: "请求的资源不存在", 409: "请求与另一个请求冲突",
    429: "太多请求", 500: "服务器内部错误",
}  # fmt: skip
HEADERS: dict[str, Any] = {
    TRACE_HEADER: {"description": "跟踪标识，与 traceId 相同", "required": True, "schema": {"type": "string"}},
    "version": {"description": "提供的接口版本号", "required": True, "schema": {"type": "string", "const": API_VERSION}},
}
RETRY_AFTER = {"Retry-After": {"description": "多少秒后可以重试", "schema": {"type": "integer", "minimum": 0}}}
IN_JSON: dict[str, Any] = {
    "oneOf": [
        {"type": "string", "contentEncoding": "base64", "minLength": 1},
        {
            "type": "object",
            "properties": {"name": {"type": "string"}, "content": {"type": "string", "contentEncoding": "base64", "minLength": 1}},
            "required": ["content"],
        },
    ]
}


class Failure(Schema):
    """The envelope of an error."""

    resultCode = fields.String(required=True, metadata={"description": "业务状态码"})
    message = fields.String(required=True, metadata={"description": "消息内容"})
    data = fields.Dict(required=True, metadata={"description": "返回业务参数"})
    traceId = fields.String(metadata={"description": "跟踪标识"})


class HubApi(Api):
    """flask-smorest's API with the standard's envelope for errors."""

    ERROR_SCHEMA = Failure
    DEFAULT_ERROR_RESPONSE_NAME = None

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
    api = HubApi(app, spec_kwargs={"info": {"description": ABOUT.strip()}})
    api.spec.components.security_scheme("token", {"type": "apiKey", "in": "header", "name": "token", "description": "字符令牌"})
    for status in TITLES:
        api.spec.components.response(_refusal(status), _refusals(status))
    return api


def _refusal(status: int) -> str:
    return f"Failure{status}"


def _refusals(status: int) -> dict[str, Any]:
    """The answers with an HTTP status, and the codes that lead to it."""
    told = "；".join(f"{code.value} {code.zh}" for code in codes.ALL.values() if code.status == status)
    headers = {**HEADERS, **(RETRY_AFTER if status in (429, 500) else {})}
    return {"description": f"{TITLES[status]}：{told}", "headers": headers, "content": {JSON: {"schema": Failure}}}


def browser() -> FlaskBlueprint:
    """Swagger UI at /api/ext/docs, from files that its package brings."""
    return get_swaggerui_blueprint(f"{PREFIX}/docs", f"{PREFIX}/{DOCUMENT}", config={"app_name": "RPA Hub", "validatorUrl": None})


def blueprints(catalogue: Catalogue) -> dict[tuple[str, str], Blueprint]:
    """One blueprint, and so one tag of the document, for each side and resource."""
    keys = dict.fromkeys((each.side, each.resource) for each in catalogue)
    return {(side, resource): Blueprint(f"{SIDES[side]} {resource}", f"{side}_{resource}") for side, resource in keys}


def describe(operation: Operation, served: bool, strict: bool) -> dict[str, Any]:
    """The operation's entry in the document."""
    known = {"type": "string", "pattern": r"^1(\.[0-9]{1,5}){0,2}$", "default": API_VERSION}
    version = {"name": "version", "in": "header", "required": strict, "description": "接口版本号", "schema": known}
    clause = f"T/TSAC 002-2025 {operation.clause}（{operation.code}）。" if operation.side != "ext" else f"扩展接口（{operation.code}）。"
    entry: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.title,
        "description": clause + operation.summary + ("" if served else " 当前版本未提供，返回 20102。"),
        "parameters": [version],
        "responses": {
            "201" if operation.creates else "200": {
                "description": "成功", "headers": HEADERS, "content": {JSON: {"schema": success(operation.response)}},
            },
            **{str(status): _refusal(status) for status in sorted(_statuses(operation))},
        },
        "security": [] if operation.public else [{"token": []}],
    }
    fields_ = operation.request().fields.values()
    if fields_:
        content = {JSON: {"schema": operation.request}}
        if any(isinstance(each, Upload) for each in fields_):
            content = {JSON: {"schema": in_json(operation.request)}, "multipart/form-data": {"schema": operation.request}}
        entry["requestBody"] = {"required": any(each.required for each in fields_), "content": content}
    return entry


def _statuses(operation: Operation) -> set[int]:
    """The HTTP statuses of an operation's refusals (erratum E09)."""
    return {*REFUSALS, *([404] if operation.request().fields else []), *([409] if operation.writes else [])}


def refuse_unknown(api: Api, catalogue: Catalogue) -> None:
    """Say of all requests that they have no parameters but those listed, as is so in strict mode (erratum E26)."""
    requests = {each.request for each in catalogue if each.request().fields}
    for request in [*requests, *map(in_json, requests)]:
        documented = api.spec.components.schemas.get(request.__name__)
        if documented is not None:
            documented["additionalProperties"] = False


@cache
def in_json(request: type[Record]) -> type[Record]:
    """The same request as JSON, where a file is a text in base64, or that beside a name (erratum E05)."""
    uploads = {}
    for name, each in request().fields.items():
        if isinstance(each, Upload):
            uploads[name] = Upload(each.description, required=each.required, additive=each.additive)
            uploads[name].metadata = {"description": each.description, **IN_JSON}
    return type(f"{request.__name__}InJson", (request,), uploads)


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
