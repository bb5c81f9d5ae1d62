"""The seam between the hub and the vendors: all that an adapter may import, and nothing of the hub's.

Writing an adapter
------------------
An adapter is a folder ``adapters/<vendor>/`` (or a package of its own that offers the entry point ``rpa_hub.adapters``)::

    adapters/acme/
        __init__.py    ADAPTER = Adapter(name="acme", title="Acme RPA", form=Form, modules=(connection, task), cannot={...})
        connection.py  the connection form, connection_check, connection_import
        client.py      the vendor's HTTP interface, on plugins.http.HttpClient
        codes.py       tables: vendor state -> standard state, vendor error -> result code
        task.py        one module for each resource, with the operations as functions

Each function carries the name of an operation and has one signature::

    from plugins import Context, hookimpl

    @hookimpl
    def task_cancel(ctx: Context, params: dict) -> dict:
        client(ctx).post(f"/jobs/{params['taskId']}/stop")
        return {}

* ``params`` holds the operation's parameters as the standard names them, checked already. Ids are the *vendor's own references* (texts):
  an adapter never sees the hub's ids, and the hub's callers never see references.
* The answer is a dict in the words of the operation's response (never ``None``; ``{}`` when there is nothing to say), ids again as references.
* What goes wrong is raised as one of ``plugins.errors``; ``plugins.http`` does that for everything that can happen on the wire.
* An operation without a function is "not yet"; one that the vendor cannot do at all stands in ``cannot`` with the reason.

``plugins.testing`` proves an adapter against all this.
"""
from plugins.adapter import Adapter, Claim
from plugins.context import Connection, Context, Run
from plugins.errors import (
    ConfigurationError,
    Conflict,
    HubError,
    InvalidInput,
    NotFound,
    NotSupported,
    Refused,
    Unreachable,
    VendorError,
    VendorTimeout,
)
from plugins.files import FileContent
from plugins.markers import hookimpl
from plugins.operation import operation

__all__ = [
    "Adapter", "Claim", "ConfigurationError", "Conflict", "Connection", "Context", "FileContent", "HubError", "InvalidInput", "NotFound",
    "NotSupported", "Refused", "Run", "Unreachable", "VendorError", "VendorTimeout", "hookimpl", "operation",
]
