"""Logging in to a vendor: the ticket that goes with each request, and a keeper for tickets that run out."""
from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


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

    ``fetch`` logs in and gives the ticket with the seconds that it is good for.
    """

    def __init__(self, fetch: Callable[[], tuple[Ticket, float]]) -> None:
        self._fetch = fetch
        self._lock = threading.Lock()
        self._ticket: Ticket | None = None
        self._ends = 0.0

    def __call__(self, refused: Ticket | None = None) -> Ticket:
        with self._lock:
            if self._ticket is None or self._ticket == refused or time.monotonic() >= self._ends:
                self._ticket, lifetime = self._fetch()
                self._ends = time.monotonic() + lifetime - min(60.0, lifetime / 10)
            return self._ticket
