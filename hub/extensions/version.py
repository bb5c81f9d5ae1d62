"""What this hub is and speaks (X02): versions, their history, the codes, and what each adapter can do."""
from __future__ import annotations

import platform
from typing import Any

from hub import history
from hub.call import Call
from hub.idempotency import KEPT_FOR
from hub.licences import LICENCE_TYPES
from hub.serving import full_catalogue, handlers
from hub.version import program_version
from plugins import codes
from plugins.fields import Flag, Items, Record, Text, Whole
from plugins.operation import operation


class VersionInfoResult(Record):
    """The versions in force and the readings of this deployment where the standard leaves a choice."""

    interfaceVersion = Text("接口版本号（主版本号.次版本号.补丁版本号）")
    productVersion = Text("平台版本号")
    pythonVersion = Text("Python 版本")
    system = Text("操作系统")
    timeZone = Text("时间字段所在时区")
    timeFormat = Text("时间格式")
    slaUnit = Text("maxRunTime、maxWaitingTime 的单位")
    mode = Text("参数校验模式（lenient-宽松 strict-严格）")
    pageSizeLimit = Whole("pageSize 上限")
    maxPackage = Whole("流程包大小上限（字节）")
    maxRequest = Whole("请求大小上限（字节）")
    licenseTypes = Items(Text(), "许可类型取值")
    idempotencyLifetime = Whole("请求头 Idempotency-Key 的有效时长（秒）：其间以同一键重复的写操作只执行一次")


@operation("X02", "/api/ext/version/info", clause="X02", title="查询版本信息", response=VersionInfoResult, hook=False)
def version_info(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Tell the versions of interface and product, and how this deployment reads what the standard leaves open."""
    settings = call.hub.settings
    return {
        "interfaceVersion": history.INTERFACE_VERSION,
        "productVersion": program_version(),
        "pythonVersion": platform.python_version(),
        "system": platform.platform(),
        "timeZone": settings.time_zone,
        "timeFormat": "yyyy-MM-dd HH:mm:ss",
        "slaUnit": "秒",
        "mode": "strict" if settings.strict else "lenient",
        "pageSizeLimit": settings.page_size_limit,
        "maxPackage": settings.max_package,
        "maxRequest": settings.max_request,
        "licenseTypes": list(LICENCE_TYPES),
        "idempotencyLifetime": int(KEPT_FOR.total_seconds()),
    }


class ReleaseRow(Record):
    """One version of the interface and what it brought."""

    version = Text("版本号")
    date = Text("发布日期")
    changes = Items(Text(longest=1024), "变更内容")


class ChangelogResult(Record):
    """All versions, the newest first."""

    versions = Items(ReleaseRow, "更新日志")


@operation("X02", "/api/ext/version/changelog", clause="X02", title="查询更新日志", response=ChangelogResult, hook=False)
def version_changelog(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Tell what each version of the interface changed (clause 6.1.4.2)."""
    return {"versions": [{"version": each.version, "date": each.date, "changes": list(each.changes)} for each in history.RELEASES]}


class ReleaseNotesRequest(Record):
    """Which version; the newest when none is named."""

    version = Text("版本号", longest=32)


class ReleaseNotesResult(Record):
    """How to use what is new, what is known to be wrong, and what it is compatible with."""

    version = Text("版本号")
    date = Text("发布日期")
    usage = Items(Text(longest=2048), "新功能使用方法")
    knownIssues = Items(Text(longest=2048), "已知问题")
    compatibility = Items(Text(longest=2048), "兼容性信息")


@operation(
    "X02", "/api/ext/version/release-notes", clause="X02", title="查询发布说明",
    request=ReleaseNotesRequest, response=ReleaseNotesResult, hook=False, writes=False,
)
def version_release_notes(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Give the release notes of a version (clause 6.1.4.2)."""
    found = history.release(params.get("version"))
    return {
        "version": found.version,
        "date": found.date,
        "usage": list(found.usage),
        "knownIssues": list(found.known_issues),
        "compatibility": list(found.compatibility),
    }


class CodeRow(Record):
    """One result code."""

    resultCode = Text("业务状态码")
    httpStatus = Whole("HTTP 状态码")
    message = Text("错误信息")
    messageEn = Text("英文错误信息")
    isPrinted = Flag("是否为标准附录 A 所列")


class VersionCodesResult(Record):
    """The registry of result codes."""

    codes = Items(CodeRow, "业务状态码列表")


@operation("X02", "/api/ext/version/codes", clause="X02", title="查询业务状态码", response=VersionCodesResult, hook=False)
def version_codes(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """List all result codes, the printed ones and the hub's own (clause 6.1.1.7, Appendix A)."""
    rows = [
        {"resultCode": each.value, "httpStatus": each.status, "message": each.zh, "messageEn": each.en, "isPrinted": each.printed}
        for each in codes.ALL.values()
    ]
    return {"codes": rows}


class CapabilityRow(Record):
    """How one operation is answered for one adapter."""

    operation = Text("接口名称")
    code = Text("接口编号")
    title = Text("接口标题")
    adapter = Text("适配器名称")
    support = Text("支持方式（native-厂商提供 emulated-平台代为实现 cannot-厂商不支持 not yet-暂未实现）")
    reason = Text("不支持的原因", longest=1024)
    isServed = Flag("平台当前版本是否提供该接口")


class CapabilityListRequest(Record):
    """Which adapter; all when none is named."""

    adapter = Text("适配器名称", longest=64)


class CapabilityListResult(Record):
    """The capability matrix."""

    capabilities = Items(CapabilityRow, "能力列表")


@operation(
    "X02", "/api/ext/capability/list", clause="X02", title="查询适配器能力",
    request=CapabilityListRequest, response=CapabilityListResult, hook=False,
)
def capability_list(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """List for each adapter which operations it carries out, which the hub stands in for, and which it cannot do, with the reason."""
    served = handlers()
    rows = []
    for each in full_catalogue():
        if each.side == "ext":
            continue
        for name, adapter in call.hub.adapters.items():
            if params.get("adapter") in (None, name):
                support, reason = adapter.support(each)
                rows.append(
                    {
                        "operation": each.name,
                        "code": each.code,
                        "title": each.title,
                        "adapter": name,
                        "support": support,
                        "reason": reason,
                        "isServed": each.name in served,
                    }
                )
    return {"capabilities": rows}
