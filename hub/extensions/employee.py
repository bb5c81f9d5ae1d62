"""What the standard has no operation for with users (X18): lock, unlock, move, and passwords (erratum E74)."""
from __future__ import annotations

from typing import Any

from hub import auth, login_policy, passwords
from hub.call import Call, Caller
from hub.models import Department, Employee
from hub.resource import move
from hub.services.account import check_password, check_second_factor, employee_named, is_locked, refuse_unknown
from hub.services.employee import manageable, refuse_own
from hub.wire import open_password
from plugins import codes
from plugins.errors import Conflict, InvalidInput, Refused
from plugins.fields import Id, Record, Text
from plugins.operation import operation


class EmployeeRequest(Record):
    """Names one user."""

    employeeId = Id("员工 ID", kind="employee", required=True)


@operation("X18", "/api/ext/employee/lock", clause="X18", title="锁定用户", request=EmployeeRequest, hook=False)
def employee_lock(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Lock a user until somebody unlocks the account; the user's tokens end at once."""
    row = manageable(call, params["employeeId"])
    refuse_own(call, row, "不能锁定自己的账号")
    row.is_locked = True
    auth.revoke_tokens(call.session, employee_id=row.id)
    return {}


@operation("X18", "/api/ext/employee/unlock", clause="X18", title="解锁用户", request=EmployeeRequest, hook=False)
def employee_unlock(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """End a lock, whether set by hand or by failed logins. A user of a deleted department has to be moved first."""
    row = manageable(call, params["employeeId"])
    if call.session.get_one(Department, row.department_id).is_deleted:
        raise Conflict("用户所在部门已删除，请先将用户移动到其他部门")
    row.is_locked, row.locked_until, row.failed_logins = False, None, 0
    return {}


class EmployeeMoveRequest(EmployeeRequest):
    """A user and where to."""

    depId = Id("目标部门 ID", kind="department", required=True)


@operation("X18", "/api/ext/employee/move", clause="X18", title="移动用户到其他部门", request=EmployeeMoveRequest, hook=False)
def employee_move(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Move a user to another department, and with it what the user may see."""
    move(call, manageable(call, params["employeeId"]), params)
    return {}


class EmployeeResetPasswordRequest(EmployeeRequest):
    """A user and the new password."""

    password = Text("新密码（密文）", longest=4096, secret=True, required=True)


@operation(
    "X18", "/api/ext/employee/reset-password", clause="X18", title="重置用户密码",
    request=EmployeeResetPasswordRequest, hook=False,
)
def employee_reset_password(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Give a user a new password. The user's tokens end, and so does a lock by failed logins."""
    password_hash = passwords.hashed(call.hub, open_password(call, params["password"], "password"))
    passwords.change(call, manageable(call, params["employeeId"]), password_hash)
    return {}


class EmployeeChangePasswordRequest(Record):
    """A user's own name, old and new password."""

    username = Text("用户账号", longest=128, required=True)
    oldPassword = Text("原密码（密文）", longest=4096, secret=True, required=True)
    newPassword = Text("新密码（密文）", longest=4096, secret=True, required=True)
    verificationCode = Text("动态验证码，启用双因子认证的用户必填", longest=6, secret=True)


@operation(
    "X18", "/api/ext/employee/change-password", clause="X18", title="修改本人密码",
    request=EmployeeChangePasswordRequest, public=True, hook=False,
)
def employee_change_password(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Change the own password, also an expired one, without a token: who could sign in with the old one may. All tokens of the user end."""
    old, new = (open_password(call, params[name], name) for name in ("oldPassword", "newPassword"))
    with call.hub.db.read() as session:
        policy = login_policy.in_force(call.hub.settings, session)
        known = employee_named(session, params["username"])
    auth.check_address(call.source.client_ip, policy.allow_ips, policy.deny_ips)
    if known is None:
        refuse_unknown(call, old)
    check_password(call, known, old)
    check_second_factor(call, known, params.get("verificationCode") or "")
    if new == old:
        raise InvalidInput("新密码不能与原密码相同")
    password_hash = passwords.hashed(call.hub, new)
    call.caller = Caller(known.username, department_id=known.department_id, employee_id=known.id)
    row = call.session.get_one(Employee, known.id, with_for_update=True)
    if row.is_deleted or is_locked(row) or row.password_hash != known.password_hash:
        raise Refused(code=codes.ACCOUNT_LOCKED)  # while the password was being checked, which takes long
    passwords.change(call, row, password_hash)
    return {}
