"""Operations that need nothing but to be passed on: most of them, since the peer speaks the same standard."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adapters.standard.client import ask_all, supported
from adapters.standard.declared import declared
from adapters.standard.form import is_robot
from plugins import Context, hookimpl

Function = Callable[..., Any]


def forwarded(platform: Function | None = None, robot: Function | None = None) -> Function:
    """The implementation of an operation: at a platform by its call ``platform``, at a robot by its call ``robot``, where they have one.

    The first of the two is the operation that is implemented: the answer is given in its words.
    """
    ours = declared(platform or robot or forwarded)
    at_platform, at_robot = (declared(each) if each else None for each in (platform, robot))

    def carry_out(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
        operation = supported(ctx, at_robot if is_robot(ctx.connection) else at_platform)
        return ask_all(ctx, operation, params, shown=ours.response)

    carry_out.__name__, carry_out.__doc__ = ours.name, ours.summary
    return hookimpl(carry_out)
