"""Data queues (clause 6.2.8)."""
from __future__ import annotations

from plugins.context import Context
from plugins.fields import Flag, Id, Items, Record, Text, Whole
from plugins.operation import Answer, Params, operation
from plugins.paging import ListRequest, ListResult
from plugins.records import CreateRequest, QueryResult


class DataQueueCreateRequest(CreateRequest):
    """Table 51."""

    depId = Id("部门 ID", kind="department", required=True)
    queueName = Text("数据队列名称", longest=128, required=True)
    remark = Text("备注", longest=1024)


class DataQueueCreateResult(Record):
    """Table 52."""

    queueId = Id("数据队列 ID", kind="data_queue")


@operation(
    "P30", "/api/platform/data-queue/create", clause="6.2.8.1", title="创建数据队列",
    request=DataQueueCreateRequest, response=DataQueueCreateResult,
)
def data_queue_create(ctx: Context, params: Params) -> Answer:
    """Create a data queue."""


class DataQueueDeleteRequest(Record):
    """Table 53."""

    queueId = Id("数据队列 ID", kind="data_queue", required=True)


@operation("P31", "/api/platform/data-queue/delete", clause="6.2.8.2", title="删除数据队列", request=DataQueueDeleteRequest)
def data_queue_delete(ctx: Context, params: Params) -> Answer:
    """Delete a data queue."""


class DataQueueQueryRequest(Record):
    """Table 54."""

    queueId = Id("数据队列 ID", kind="data_queue", required=True)


class DataQueueQueryResult(QueryResult):
    """Table 55."""

    unconsumedMessageCount = Whole("未消费消息数")
    consumedMessageCount = Whole("消费消息数")
    unavailableMessageCount = Whole("未生效消息数")
    expiredMessageCount = Whole("过期消息数")
    consumedMessageSuccessCount = Whole("消费消息成功数")
    consumedMessageFailCount = Whole("消费消息失败数")
    totalCount = Whole("总数")
    isDeleted = Flag("是否删除")
    queueId = Id("数据队列 ID", kind="data_queue", additive=True)
    queueName = Text("数据队列名称", longest=128, additive=True)


@operation(
    "P32", "/api/platform/data-queue/query", clause="6.2.8.3", title="查询数据队列",
    request=DataQueueQueryRequest, response=DataQueueQueryResult,
)
def data_queue_query(ctx: Context, params: Params) -> Answer:
    """Count the messages of a data queue by state."""


class DataQueueListRequest(ListRequest):
    """Table 56."""

    depId = Id("部门 ID", kind="department")


class DataQueueRow(Record):
    """One element of ``queues`` (Table 57)."""

    queueId = Id("数据队列 ID", kind="data_queue")
    queueName = Text("数据队列名称", longest=128)
    remark = Text("备注", longest=1024)
    depId = Id("部门 ID", kind="department")
    isDeleted = Flag("是否删除")


class DataQueueListResult(ListResult):
    """Table 57."""

    queues = Items(DataQueueRow, "数据队列列表")


@operation(
    "P33", "/api/platform/data-queue/list", clause="6.2.8.4", title="查询数据队列列表",
    request=DataQueueListRequest, response=DataQueueListResult,
)
def data_queue_list(ctx: Context, params: Params) -> Answer:
    """List the data queues of a department and of those below it."""
