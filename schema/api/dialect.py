"""A dialect: the addresses, answers and errors by which another SDK calls endpoints of the common table.

Everything between is the endpoint's own: credentials, scopes, limits of bodies, admission, quotas and audit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from schema.errors import EventsError, RequestError, Unavailable, UnknownEndpoint


@dataclass(frozen=True)
class Address:
    """The endpoint that a path names, and the parameters that are part of the path."""

    endpoint: str
    parameters: Mapping[str, str] = field(default_factory=dict)


class Dialect(Protocol):
    """The protocol of one SDK."""

    name: str

    def owns(self, path: str) -> bool:
        """Tell whether a path is of this protocol, even if it names nothing."""

    def address(self, method: str, path: str) -> Address:
        """Return what a path of this protocol names. Raises UnknownEndpoint."""

    def authorization(self, headers: Mapping[str, str]) -> str | None:
        """Return credentials in a header of the SDK's own as an Authorization header; None: there are none."""

    def status(self, error: EventsError) -> int:
        """Return the HTTP status of an error."""

    def body(self, data: bytes, error: EventsError | None) -> bytes:
        """Return the JSON body of an answer, whose data object is ``data``, or of an error."""


def message_of(error: EventsError) -> str:
    """Return the text of an error that clients may know."""
    if isinstance(error, UnknownEndpoint):
        return f"Not supported by Eventide: {error}"
    return str(error) if isinstance(error, RequestError | Unavailable) else "Internal error"
