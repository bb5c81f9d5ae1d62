"""The list of packages under the name that the other lists have (X03, erratum E29)."""
from __future__ import annotations

from typing import Any

from hub.call import Call
from hub.services.package import package_query
from plugins.operation import operation
from plugins.operations.package import PackageQueryRequest, PackageQueryResult


@operation(
    "X03", "/api/ext/package/list", clause="X03", title="查询流程包列表",
    request=PackageQueryRequest, response=PackageQueryResult, hook=False,
)
def package_list(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """List the packages of a department and of those below it, as package/query of the standard does."""
    return package_query(call, params)
