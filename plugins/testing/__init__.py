"""Tools for the author of an adapter, shipped with the seam; they need nothing but the standard library.

The whole contract test of an adapter is three lines in its own repository, and none at all inside this tree, where every adapter is
tested by existing::

    @pytest.mark.parametrize("case", ContractSuite(ADAPTER).cases(), ids=str)
    def test_contract(case):
        case()

What the suite has to know of the vendor stands in a module ``contract`` beside the adapter's other modules:

* ``EXAMPLES``: for each implemented operation or hook the parameters of one call, ids as the vendor's references;
* ``vendor(server)``: teaches a ``FakeVendor`` the vendor's healthy answers to those calls;
* ``OPTIONS``, where the connection form has fields that must be filled (secret ones are filled by the suite, with marked texts);
* ``MORE``, where a connection can be of several kinds: ``{"the other kind": (options, examples)}``, examined beside the usual one;
* ``FORGIVES``, where the adapter answers in spite of a fault: ``{("task_watch", "404"): "why that is right"}``.

The suite then lets the vendor misbehave in every way that it knows, at each call of each operation.
"""
from plugins.testing.contract import Case, ContractSuite
from plugins.testing.doubles import FakeRun, context_for
from plugins.testing.faults import FAULTS, Fault
from plugins.testing.openapi import mismatches
from plugins.testing.vendor import FakeVendor, Reply, Seen

__all__ = ["FAULTS", "Case", "ContractSuite", "FakeRun", "FakeVendor", "Fault", "Reply", "Seen", "context_for", "mismatches"]
