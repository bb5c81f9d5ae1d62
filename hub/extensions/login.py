"""The rules for signing in (X19; clause 5.7): timeout, password strength and validity, failed logins, addresses."""
from __future__ import annotations

from dataclasses import asdict
from typing import Any

from hub import auth, login_policy
from hub.call import Call
from hub.extensions.app import MOST_NETWORKS, networks
from plugins import codes
from plugins.errors import Conflict, Refused
from plugins.fields import Flag, Items, Record, Text, Whole
from plugins.operation import operation

FIELDS = {
    "tokenLifetime": "token_lifetime",
    "singleSession": "single_session",
    "loginFailures": "login_failures",
    "loginLock": "login_lock",
    "passwordLength": "password_length",
    "passwordKinds": "password_kinds",
    "passwordDays": "password_days",
    "hideUnknownUsers": "hide_unknown_users",
    "allowIps": "allow_ips",
    "denyIps": "deny_ips",
}
LONGEST_LIFETIME = 30 * 86400


class LoginSettings(Record):
    """The rules."""

    tokenLifetime = Whole("登录超时时间（秒）", least=60, most=LONGEST_LIFETIME)
    singleSession = Flag("新登录是否结束该用户之前的登录")
    loginFailures = Whole("连续登录失败多少次后锁定，0 表示不锁定", least=0, most=1000)
    loginLock = Whole("登录失败锁定时长（秒）", least=1, most=LONGEST_LIFETIME)
    passwordLength = Whole("密码最少字符数", least=8, most=128)
    passwordKinds = Whole("密码至少包含小写字母、大写字母、数字、其他字符中的几类", least=1, most=4)
    passwordDays = Whole("密码有效天数，0 表示长期有效", least=0, most=3650)
    hideUnknownUsers = Flag("用户未注册时是否按密码错误返回")
    allowIps = Items(Text(longest=64), "允许用户登录的 IP 或网段（CIDR），为空时不限制", most=MOST_NETWORKS)
    denyIps = Items(Text(longest=64), "禁止用户登录的 IP 或网段（CIDR），优先于允许", most=MOST_NETWORKS)


@operation("X19", "/api/ext/login/settings/query", clause="X19", title="查询登录设置", response=LoginSettings, hook=False)
def login_settings_query(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Show the rules for signing in that are in force."""
    policy = asdict(login_policy.in_force(call.hub.settings, call.session))
    return {name: policy[rule] for name, rule in FIELDS.items()}


class LoginSettingsUpdateRequest(LoginSettings):
    """What is to change; lists are replaced as a whole."""

    isReset = Flag("是否先恢复为配置文件中的设置【默认 false】")


@operation("X19", "/api/ext/login/settings/update", clause="X19", title="更新登录设置", request=LoginSettingsUpdateRequest, hook=False)
def login_settings_update(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Change the rules for signing in, for the whole platform: only who sees all of it may (30002). They hold from the next login on."""
    if call.caller.scope != "/":
        raise Refused("登录设置对整个平台生效", code=codes.OUT_OF_SCOPE)
    changes = {FIELDS[name]: value for name, value in params.items() if name in FIELDS and value is not None}
    for name, rule in (("allowIps", "allow_ips"), ("denyIps", "deny_ips")):
        if rule in changes:
            changes[rule] = networks(params, name)
    login_policy.change(call.session, changes, anew=bool(params.get("isReset")))
    _refuse_shutting_out(call)
    return {}


def _refuse_shutting_out(call: Call) -> None:
    """Raise Conflict where the caller could not sign in again from where it is."""
    if not call.source.client_ip:
        return
    call.session.flush()
    policy = login_policy.in_force(call.hub.settings, call.session)
    try:
        auth.check_address(call.source.client_ip, policy.allow_ips, policy.deny_ips)
    except Refused as error:
        raise Conflict("按此设置，调用者自己将无法登录") from error
