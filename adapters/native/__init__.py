"""The built-in robot runtime: runs process packages as operating-system processes on this machine (docs/packages.md)."""
from adapters.native import claims, connection, left, machine, package, task, unlocking
from plugins import Adapter

ADAPTER = Adapter(
    name="native",
    title="内置机器人",
    modules=(connection, left, machine, package, task, unlocking),
    form=connection.Form,
    claims=claims.CLAIMS,
    needs_address=False,
)
