"""Licences (clause 6.2.16)."""
from __future__ import annotations

from plugins.context import Context
from plugins.fields import Items, Moment, Record, Text, Whole
from plugins.operation import Answer, Params, operation


class LicenseRow(Record):
    """One element of ``licenses`` (Table 120)."""

    type = Text("许可类型", longest=64)
    quantity = Whole("数量")
    used_quantity = Whole("已使用数量")
    licenseExpirationTime = Moment("许可到期时间，格式为 yyyy-MM-dd HH:mm:ss")
    usedQuantity = Whole("同 used_quantity", attribute="used_quantity", dump_only=True, additive=True)


class LicenseInfoResult(Record):
    """Table 120."""

    licenses = Items(LicenseRow, "许可明细")


@operation("P72", "/api/platform/license/info", clause="6.2.16", title="查询许可信息", response=LicenseInfoResult)
def license_info(ctx: Context, params: Params) -> Answer:
    """Show the licences of the platform and how many are in use."""
