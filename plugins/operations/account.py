"""Signing in to the platform (clause 6.2.1)."""
from __future__ import annotations

from plugins.context import Context
from plugins.fields import Moment, Record, Text
from plugins.operation import Answer, Params, operation


class AccountAuthenticateRequest(Record):
    """Table 5."""

    username = Text("用户账号", longest=128, required=True)
    password = Text("密码（密文）", longest=4096, secret=True, required=True)
    verificationCode = Text("动态验证码，启用双因子认证的用户必填", longest=6, secret=True, additive=True)


class AccountAuthenticateResult(Record):
    """Table 6."""

    token = Text("字符令牌", longest=512, secret=True)
    expirationTime = Moment("token 过期时间，格式为 yyyy-MM-dd HH:mm:ss")


@operation(
    "P01", "/api/platform/account/authenticate", clause="6.2.1", title="获取管理平台认证凭证",
    request=AccountAuthenticateRequest, response=AccountAuthenticateResult, public=True,
)
def account_authenticate(ctx: Context, params: Params) -> Answer:
    """Exchange a user name and a password for a token."""
