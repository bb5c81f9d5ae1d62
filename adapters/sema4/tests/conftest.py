"""Makes the real server known to the adapter's tests."""
from adapters.sema4.tests.real_server import sema4_python, sema4_server

__all__ = ["sema4_python", "sema4_server"]
