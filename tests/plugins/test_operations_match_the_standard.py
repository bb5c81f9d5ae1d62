"""The declared operations against the standard's own text: no difference outside the errata listed here.

Each operation becomes a flat table of facts, once from the print and once from the declaration.
"""
from __future__ import annotations

import re
import unicodedata
from typing import Any

import pytest
from marshmallow import fields as marshmallow_fields

from plugins import codes
from plugins.fields import Days, Flag, Items, Part, Printed, Record, Text, Upload, Whole
from plugins.manager import standard_catalogue
from plugins.operation import Nothing, Operation
from tests.printed import STANDARD, Page, Row, needs_text, printed_codes, printed_operations

# (operation, fact): (erratum, as printed, as declared)
ERRATA: dict[tuple[str, str], tuple[str, Any, Any]] = {
    ("R14", "path"): ("E27", "/api/platform/process/list", "/api/robot/process/list"),
    ("R18", "path"): ("E28", "api/robot/task/resume", "/api/robot/task/resume"),
    ("P57", "request.remark.type"): ("E35", "int", "string"),
    ("P59", "request.remark.type"): ("E35", "int", "string"),
    ("P60", "response.remark.type"): ("E35", "int", "string"),
    ("P57", "request.dataType.choices"): ("E44", (0, 1, 2), (0, 1, 2, 3)),
    ("P60", "response.dataType.choices"): ("E44", (0, 1, 2), (0, 1, 2, 3)),
    ("P57", "request.dataType.description"): (
        "E44", "资产数据类型(0-文本1-布尔2-数值)", "资产数据类型(0-文本1-布尔2-数值3-哈希)",
    ),
    ("P60", "response.dataType.description"): (
        "E44", "资产数据类型(0-文本1-布尔2-数值)", "资产数据类型(0-文本1-布尔2-数值3-哈希)",
    ),
}


def facts_of_print(page: Page) -> dict[str, Any]:
    """All facts about one operation as printed."""
    facts: dict[str, Any] = {"clause": page.clause, "title": page.title, "path": page.path}
    for part, rows, table in (("request", page.request, page.request_table), ("response", page.response, page.response_table)):
        facts[f"{part}.table"] = table
        facts |= facts_of_rows(part, rows)
        facts |= {f"{part}.{row.name}.required": row.required for row in rows if row.required is not None}
    return facts


def facts_of_rows(place: str, rows: list[Row]) -> dict[str, Any]:
    """Names in their order, and type, meaning and choices of each."""
    facts: dict[str, Any] = {place: tuple(row.name for row in rows)}
    for row in rows:
        facts[f"{place}.{row.name}.type"] = row.type
        facts[f"{place}.{row.name}.description"] = plain(row.description)
        facts[f"{place}.{row.name}.choices"] = row.choices
        facts |= facts_of_rows(f"{place}.{row.name}", row.inner)
    return facts


def plain(text: str) -> str:
    """A description without what printing adds: spacing, the width of punctuation, the comma or colon before the next field."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", text)).strip(",.:。")


def facts_of_declaration(operation: Operation) -> dict[str, Any]:
    """All facts about one operation as declared, without the additive fields."""
    facts: dict[str, Any] = {"clause": operation.clause, "title": operation.title, "path": operation.path}
    for part, record in (("request", operation.request), ("response", operation.response)):
        rows = declared_rows(record)
        table = re.match(r"Table (\d+)", record.__doc__ or "")
        facts[f"{part}.table"] = table[1] if table and record is not Nothing else ""
        facts |= facts_of_rows(part, rows)
        if part == "request":
            facts |= {f"{part}.{row.name}.required": row.required for row in rows}
    return facts


def declared_rows(record: type[Record]) -> list[Row]:
    """The printed fields of a record."""
    return [
        Row(name, printed_type(each), each.description, each.required, inner_rows(each), each.choices if isinstance(each, Whole) else ())
        for name, each in record().fields.items()
        if isinstance(each, Printed) and not each.additive
    ]


def printed_type(each: Printed) -> str:
    """The type that a table prints for a field."""
    if isinstance(each, Whole):
        return "string" if each.as_text else "int"
    names = {Upload: "file", Flag: "boolean", Items: "array", Days: "array", Part: "json", Text: "string"}
    return next(name for kind, name in names.items() if isinstance(each, kind))


def inner_rows(each: Printed) -> list[Row]:
    """The fields of the records in an array or object."""
    nested = each.inner if isinstance(each, Items) else each
    return declared_rows(type(nested.schema)) if isinstance(nested, marshmallow_fields.Nested) else []


def compare(text: str) -> dict[tuple[str, str], tuple[Any, Any]]:
    """Every fact in which print and declaration differ: (operation, fact): (printed, declared)."""
    declared = {operation.code: facts_of_declaration(operation) for operation in standard_catalogue()}
    pages = printed_operations(text)
    counted = {"6.2": 0, "6.3": 0}
    printed = {}
    for page in pages:
        counted[page.clause[:3]] += 1
        code = f"{'P' if page.clause.startswith('6.2') else 'R'}{counted[page.clause[:3]]:02}"
        printed[code] = facts_of_print(page)
    assert printed.keys() == declared.keys()
    return {
        (code, fact): (printed[code].get(fact), declared[code].get(fact))
        for code in printed
        for fact in printed[code].keys() | declared[code].keys()
        if printed[code].get(fact) != declared[code].get(fact)
    }


@needs_text
def test_the_text_is_read_completely() -> None:
    pages = printed_operations(STANDARD.read_text(encoding="utf-8"))
    tables = {int(table) for page in pages for table in (page.request_table, page.response_table) if table}
    assert len(pages) == 100
    assert tables == set(range(5, 161)), "tables 5 to 160 belong to the operations"
    assert sum(len(page.request) for page in pages) > 250
    assert [row.name for page in pages for row in page.response if row.type == "json" and not row.inner] == []


@needs_text
def test_declared_operations_differ_from_the_print_only_by_the_errata() -> None:
    found = compare(STANDARD.read_text(encoding="utf-8"))
    assert found == {key: (printed, declared) for key, (_, printed, declared) in ERRATA.items()}


@needs_text
@pytest.mark.parametrize(
    ("printed", "instead", "where"),
    [
        ("depName\tstring\t是\t", "depName\tint\t是\t", ("P02", "request.depName.type")),
        ("parentId\tint\t否\t", "parentId\tint\t是\t", ("P04", "request.parentId.required")),
        ("email\tstring\t否\t", "mail\tstring\t否\t", ("P06", "request")),
        ("packageUrl string", "packageUrl int", ("P13", "response.packageList.packageUrl.type")),
        ("videoPath string", "path string", ("R27", "response.recordFileInfos")),
        ("userStatus\tint\t用户状态 (0-正常 1-", "userStatus\tint\t用户状态 (0-正常 2-", ("P09", "response.userStatus.choices")),
        ("请求地址：/api/platform/trigger/delete", "请求地址：/api/platform/trigger/drop", ("P20", "path")),
        ("6.2.7.3 暂停任务\n", "6.2.7.3 停止任务\n", ("P26", "title")),
    ],
)
def test_a_change_of_the_print_would_be_noticed(printed: str, instead: str, where: tuple[str, str]) -> None:
    text = STANDARD.read_text(encoding="utf-8")
    assert printed in text
    assert where in compare(text.replace(printed, instead)).keys() - ERRATA.keys()


@needs_text
def test_the_eighteen_codes_have_the_printed_messages() -> None:
    printed = printed_codes(STANDARD.read_text(encoding="utf-8"))
    assert len(printed) == 18 and {codes.OK.value, *printed} == {code.value for code in codes.ALL.values() if code.printed}
    assert {value: codes.ALL[value].zh for value in printed} == printed
