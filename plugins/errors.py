"""The errors that adapters and services raise, classed by what the caller can do next.

Whatever raises one of these gets an answer in the standard's envelope; anything else that escapes is answered as 20001 with a trace id.
The ``reason`` is written for the person who reads the answer and must never hold a secret.
"""
from __future__ import annotations

from typing import Any

from plugins import codes
from plugins.codes import Code


class HubError(Exception):
    """An answer other than 00000. ``raw`` is the vendor's own answer: it goes to the call log, never to the caller.

    ``maybe_done``: the vendor may have carried the request out all the same, so whoever started something must look before starting again.
    """

    code: Code = codes.SERVER_STATE
    maybe_done: bool = False

    def __init__(self, reason: str = "", *, code: Code | None = None, raw: Any = None, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code or self.code
        self.raw = raw
        self.retry_after = retry_after

    @property
    def message(self) -> str:
        """The Chinese message of the code, followed by the reason where there is one."""
        return f"{self.code.zh}：{self.reason}" if self.reason else self.code.zh


class InvalidInput(HubError):
    """The caller must correct the request."""

    code = codes.PARAMETER_TYPE


class NotFound(HubError):
    """The thing named does not exist, or not for this caller."""

    code = codes.NOT_FOUND


class Conflict(HubError):
    """The present state of things forbids the call (duplicate, in use, wrong state)."""

    code = codes.ILLEGAL_STATE


class Refused(HubError):
    """The caller is known but not allowed, or not known at all."""

    code = codes.NO_PERMISSION


class NotSupported(HubError):
    """The vendor platform cannot do this; the reason says why. Trying again will not help."""

    code = codes.NOT_SUPPORTED


class VendorError(HubError):
    """The vendor platform answered with an error."""

    code = codes.VENDOR_ERROR


class Unreachable(VendorError):
    """The vendor platform could not be reached; nothing was sent or nothing came back. Trying later may help."""

    code = codes.ADAPTER_UNREACHABLE


class VendorTimeout(VendorError):
    """The vendor platform did not answer in time. The request may have been carried out."""

    code = codes.VENDOR_TIMEOUT
    maybe_done = True


class ConfigurationError(Exception):
    """A connection, a setting or an adapter is set up wrongly. Not an answer to a call: it stops the start, or the saving of a connection."""
