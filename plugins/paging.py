"""What all list operations have in common: the paging as printed, and our additive filters (errata E18 to E22)."""
from __future__ import annotations

from plugins.fields import Flag, Record, Text, Whole


class ListRequest(Record):
    """Asks for one page. Pages count from 1; without pageNum and pageSize it is the first page, of 100."""

    pageNum = Whole("检索数据所在的页码【默认 1，即默认检索第一页的数据】", least=1)
    pageSize = Whole("每页显示的数据条目数【默认 100，即默认每页最多显示 100 条数据】", least=1)
    keyword = Text("模糊查询关键字", longest=128, additive=True)
    includeChildren = Flag("是否包含下属部门的数据【默认 true】", additive=True)
    includeDeleted = Flag("是否包含已删除的数据【默认 false】", additive=True)
    sort = Text("排序字段名，前缀 - 表示降序【默认按 ID 升序】", longest=64, additive=True)


class ListResult(Record):
    """One page; its array has a name of its own in each operation."""

    total = Whole("符合条件的数据总条数", additive=True)
    pageNum = Whole("本页页码", additive=True)
    pageSize = Whole("实际采用的每页条数", additive=True)
