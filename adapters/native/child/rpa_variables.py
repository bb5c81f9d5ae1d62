"""Makes the input parameters variables of a Robot Framework run, above the suite's own ``*** Variables ***``."""
from __future__ import annotations

import rpa_task

FORBIDDEN = frozenset("{}[]$@&%=\\")


def get_variables() -> dict[str, str]:
    """The inputs as texts. A name that cannot be a variable's is left out, and the task log says so."""
    variables = {}
    for name, value in rpa_task.inputs().items():
        if FORBIDDEN & set(name) or not name.strip() or name.startswith(("LIST__", "DICT__")):
            rpa_task.log(f"参数 {name} 不能作为 Robot Framework 变量，请用 rpa_task 的 Inputs 关键字读取", "warn")
        else:
            variables[name] = value
    return variables
