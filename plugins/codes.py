"""The result codes: the eighteen of Appendix A as printed, and the hub's own within the same families (erratum E11).

Each code knows its HTTP status (erratum E09) and its message in Chinese (sent to callers) and English (for logs and the console).
"""
from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Code:
    """One result code: ``value`` is the five printed digits, ``status`` the HTTP status sent with it."""

    value: str
    status: int
    zh: str
    en: str
    printed: bool = False

    def __str__(self) -> str:
        return self.value


OK = Code("00000", 200, "无业务异常。", "No error.", printed=True)

TOKEN_INVALID = Code("10001", 401, "token 无效", "The token is not valid.", printed=True)
VERSION_UNSUPPORTED = Code("10002", 400, "接口版本信息不支持", "The interface version is not supported.", printed=True)
USER_UNKNOWN = Code("10003", 401, "用户未注册", "The user is not registered.", printed=True)
PASSWORD_WRONG = Code("10004", 401, "用户密码错误", "The password is wrong.", printed=True)
PARAMETER_EMPTY = Code("10005", 400, "参数为空", "A parameter is empty.", printed=True)
PARAMETER_MISSING = Code("10006", 400, "参数不全", "A mandatory parameter is missing.", printed=True)
PARAMETER_TYPE = Code("10007", 400, "参数类型错误", "A parameter has the wrong type or value.", printed=True)
TASK_CANCELLED = Code("10101", 409, "任务已取消", "The task has been cancelled.", printed=True)
TASK_STOPPED = Code("10102", 409, "任务已停止", "The task has ended.", printed=True)
FILE_NAME_TAKEN = Code("10201", 409, "文件名称已存在", "The file name exists already.", printed=True)
FILE_NOT_SAVED = Code("10202", 500, "文件保存失败", "The file could not be saved.", printed=True)
FILE_MISSING = Code("10203", 404, "文件不存在或文件密码不正确", "The file does not exist, or its password is wrong.", printed=True)
TIME_FORMAT = Code("10301", 400, "时间格式不正确", "The time format is wrong.", printed=True)
LOG_LEVEL = Code("10401", 400, "日志等级不存在", "The log level does not exist.", printed=True)
ROBOT_STATE = Code("11001", 409, "机器人状态异常", "The robot is not in a usable state.", printed=True)
ROBOT_LICENCE = Code("11002", 403, "机器人许可过期", "The robot's licence has expired.", printed=True)
SERVER_STATE = Code("20001", 500, "服务器状态异常", "The server is in an abnormal state.", printed=True)
NO_PERMISSION = Code("30001", 403, "接口调用权限不足", "No permission to call this interface.", printed=True)

NOT_FOUND = Code("10501", 404, "对象不存在", "The object does not exist.")
DUPLICATE = Code("10502", 409, "对象已存在", "The object exists already.")
IN_USE = Code("10503", 409, "对象正在使用，不能执行该操作", "The object is in use.")
ILLEGAL_STATE = Code("10504", 409, "当前状态不允许该操作", "The present state does not allow this.")
TOO_LARGE = Code("10505", 400, "请求内容过大", "The request is too large.")
RATE_LIMITED = Code("10601", 429, "请求过于频繁，请稍后重试", "Too many requests; try again later.")
IDEMPOTENCY_REUSED = Code("10602", 409, "幂等键已用于不同的请求", "The idempotency key was used for another request.")
ADAPTER_UNREACHABLE = Code("20101", 500, "无法连接厂商平台", "The vendor platform cannot be reached.")
NOT_SUPPORTED = Code("20102", 400, "厂商平台不支持该操作", "The vendor platform does not support this operation.")
VENDOR_TIMEOUT = Code("20103", 500, "厂商平台响应超时", "The vendor platform did not answer in time.")
VENDOR_ERROR = Code("20104", 500, "厂商平台返回错误", "The vendor platform answered with an error.")
OUT_OF_SCOPE = Code("30002", 403, "超出数据权限范围", "Outside the caller's data scope.")
IP_REFUSED = Code("30003", 403, "来源 IP 不允许访问", "The source address is not allowed.")
SECOND_FACTOR = Code("30004", 401, "需要双因子认证", "A second factor is needed.")
APPROVAL_NEEDED = Code("30005", 403, "该操作需要审批", "The operation needs an approval.")
ACCOUNT_LOCKED = Code("30006", 403, "账户已锁定", "The account is locked.")

ALL: dict[str, Code] = {code.value: code for code in list(globals().values()) if isinstance(code, Code)}
