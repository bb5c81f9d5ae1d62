"""Logging in to a vendor: the ticket that goes with each request, and a keeper for tickets that run out."""
from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from plugins.context import Keeper


@dataclass(frozen=True)
class Ticket:
    """What proves to the vendor who is calling: headers and query parameters that are added to each request. All values count as secret."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    params: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def bearer(cls, token: str) -> Ticket:
        """The usual ``Authorization: Bearer`` header."""
        return cls(headers={"Authorization": f"Bearer {token}"})

    def secrets(self) -> set[str]:
        """Every text that must not be seen elsewhere."""
        values = {*self.headers.values(), *self.params.values()}
        return values | {value.split(" ", 1)[1] for value in values if " " in value}


# Gives the ticket for the next request; called with the ticket that the vendor has just refused, or None.
Auth = Callable[[Ticket | None], Ticket]


class Login:
    """An ``Auth`` for vendors that want a login: keeps the ticket until shortly before it ends, and logs in once for all threads.

    ``fetch`` logs in and gives the ticket with the seconds that it is good for. With a ``keeper`` (``ctx.keeper``) all processes of the hub
    share the ticket: the workers' jobs are short-lived processes, each of which would log in for itself otherwise.
    """

    NAME = "ticket"

    def __init__(self, fetch: Callable[[], tuple[Ticket, float]], keeper: Keeper | None = None) -> None:
        self._fetch = fetch
        self._keeper = keeper
        self._lock = threading.Lock()
        self._ticket: Ticket | None = None
        self._ends = 0.0

    def __call__(self, refused: Ticket | None = None) -> Ticket:
        with self._lock:
            if self._ticket is None or self._ticket == refused or time.monotonic() >= self._ends:
                self._ticket, left = self._kept(refused) or self._fresh()
                self._ends = time.monotonic() + left
            return self._ticket

    def _fresh(self) -> tuple[Ticket, float]:
        ticket, lifetime = self._fetch()
        left = lifetime - min(60.0, lifetime / 10)
        if self._keeper is not None and left >= 1:
            kept = {"headers": dict(ticket.headers), "params": dict(ticket.params), "ends": time.time() + left}
            self._keeper.put(self.NAME, json.dumps(kept), left)
        return ticket, left

    def _kept(self, refused: Ticket | None) -> tuple[Ticket, float] | None:
        """The ticket that another process fetched, with the seconds that are left of it."""
        text = self._keeper.get(self.NAME) if self._keeper is not None else None
        if text is None:
            return None
        kept = json.loads(text)
        ticket, left = Ticket(kept["headers"], kept["params"]), kept["ends"] - time.time()
        return (ticket, left) if left > 0 and ticket != refused else None
