"""Departments (clause 6.2.2)."""
from __future__ import annotations

from plugins.context import Context
from plugins.fields import Flag, Id, Items, Record, Text
from plugins.operation import Answer, Params, operation
from plugins.paging import ListRequest, ListResult
from plugins.records import Dated


class DepartmentCreateRequest(Record):
    """Table 7."""

    depName = Text("部门名称", longest=128, required=True)
    parentId = Id("父级部门 ID", kind="department", required=True)


class DepartmentCreateResult(Record):
    """Table 8."""

    depId = Id("部门 ID", kind="department")


@operation(
    "P02", "/api/platform/department/create", clause="6.2.2.1", title="创建部门",
    request=DepartmentCreateRequest, response=DepartmentCreateResult,
)
def department_create(ctx: Context, params: Params) -> Answer:
    """Create a department below another."""


class DepartmentDeleteRequest(Record):
    """Table 9."""

    depId = Id("部门 ID", kind="department", required=True)


@operation("P03", "/api/platform/department/delete", clause="6.2.2.2", title="删除部门", request=DepartmentDeleteRequest)
def department_delete(ctx: Context, params: Params) -> Answer:
    """Delete a department with everything below it."""


class DepartmentUpdateRequest(Record):
    """Table 10."""

    depId = Id("部门 ID", kind="department", required=True)
    parentId = Id("父级部门 ID", kind="department")
    depName = Text("部门名称", longest=128)


@operation("P04", "/api/platform/department/update", clause="6.2.2.3", title="更新部门", request=DepartmentUpdateRequest)
def department_update(ctx: Context, params: Params) -> Answer:
    """Rename a department or move it below another."""


class DepartmentListRequest(ListRequest):
    """Table 11."""

    depId = Id("部门 ID", kind="department")


class DepartmentRow(Dated):
    """One element of ``departments`` (Table 12)."""

    depId = Id("部门 ID", kind="department")
    depName = Text("部门名称", longest=128)
    parentId = Id("父级部门 ID", kind="department")
    isDeleted = Flag("是否删除")


class DepartmentListResult(ListResult):
    """Table 12."""

    departments = Items(DepartmentRow, "部门列表")


@operation(
    "P05", "/api/platform/department/list", clause="6.2.2.4", title="查询部门列表",
    request=DepartmentListRequest, response=DepartmentListResult,
)
def department_list(ctx: Context, params: Params) -> Answer:
    """List a department and those below it."""
