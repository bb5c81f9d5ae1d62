"""The second factor of users (X19; clause 5.7, 双因子)."""
from __future__ import annotations

from typing import Any

from hub import second_factor
from hub.call import Call
from hub.models import SecondFactor
from hub.services.employee import manageable
from plugins import codes
from plugins.errors import Conflict, InvalidInput, NotFound, Refused
from plugins.fields import Id, Record, Text
from plugins.operation import operation

CODE = r"\d{6}"


class MfaEnrolResult(Record):
    """The secret for the authenticator. It is shown this once."""

    secret = Text("动态验证码密钥（base32），仅本次返回", secret=True)
    address = Text("供验证器扫描的地址（otpauth）", longest=1024, secret=True)


@operation("X19", "/api/ext/mfa/enrol", clause="X19", title="登记双因子认证", response=MfaEnrolResult, hook=False)
def mfa_enrol(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Get a secret for an authenticator. Logins need its codes from the first verified one on; an active factor has to be removed first."""
    employee_id = _own(call)
    if second_factor.is_active(call.session, employee_id):
        raise Conflict("已启用双因子认证，请先解除")
    secret = second_factor.enrol(call.hub, call.session, employee_id)
    return {"secret": secret, "address": second_factor.address_of(secret, call.caller.name)}


def _own(call: Call) -> int:
    if call.caller.employee_id is None:
        raise Refused("仅用户可使用双因子认证")
    return call.caller.employee_id


class MfaCodeRequest(Record):
    """A code of the authenticator."""

    verificationCode = Text("动态验证码", pattern=CODE, longest=6, secret=True, required=True)


@operation("X19", "/api/ext/mfa/verify", clause="X19", title="启用双因子认证", request=MfaCodeRequest, hook=False)
def mfa_verify(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Show that the authenticator works: from now on every login of the user needs a code."""
    _require_code(call, params["verificationCode"])
    return {}


def _require_code(call: Call, code: str) -> None:
    if not second_factor.accept(call.hub, call.session, _own(call), code):
        raise InvalidInput("动态验证码不正确或已使用")


@operation("X19", "/api/ext/mfa/remove", clause="X19", title="解除本人的双因子认证", request=MfaCodeRequest, hook=False)
def mfa_remove(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Sign in without codes again; the last code proves who asks."""
    _require_code(call, params["verificationCode"])
    call.session.delete(call.session.get_one(SecondFactor, _own(call)))
    return {}


class MfaResetRequest(Record):
    """Whose factor."""

    employeeId = Id("员工 ID", kind="employee", required=True)


@operation("X19", "/api/ext/mfa/reset", clause="X19", title="重置用户的双因子认证", request=MfaResetRequest, hook=False)
def mfa_reset(call: Call, params: dict[str, Any]) -> dict[str, Any]:
    """Take the second factor from a user who has lost the phone. Raises NotFound for one without."""
    row = manageable(call, params["employeeId"])
    factor = call.session.get(SecondFactor, row.id)
    if factor is None:
        raise NotFound("用户未登记双因子认证", code=codes.NOT_FOUND)
    call.session.delete(factor)
    return {}
