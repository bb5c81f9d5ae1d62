"""Every adapter that can be found keeps the contract. Being found is enough to be tested."""
from __future__ import annotations

import pytest

from plugins.manager import discover
from plugins.testing import Case, ContractSuite


def _cases() -> list[object]:
    return [
        pytest.param(case, id=f"{name}: {case}") for name, loaded in sorted(discover().items()) for case in ContractSuite(loaded).cases()
    ]


@pytest.mark.parametrize("case", _cases())
def test_adapter_keeps_the_contract(case: Case) -> None:
    case()
