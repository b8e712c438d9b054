"""The request that a record came with, so that whoever writes it can say whose it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

REQUEST_ID, TRACEPARENT = "request_id", "traceparent"


@dataclass(frozen=True)
class RequestContext:
    """Id and trace of a request. ``traceparent``: W3C's, of the span that sent the record; empty if not traced."""

    request_id: str = ""
    traceparent: str = ""

    @classmethod
    def read(cls, headers: Mapping[str, str]) -> RequestContext:
        """Return the context that a record's headers tell; nothing of a record from before they had any."""
        if REQUEST_ID not in headers and TRACEPARENT not in headers:
            return NO_REQUEST
        return cls(headers.get(REQUEST_ID, ""), headers.get(TRACEPARENT, ""))

    @property
    def headers(self) -> dict[str, bytes]:
        """The headers of a record that tell it."""
        told = {REQUEST_ID: self.request_id, TRACEPARENT: self.traceparent}
        return {name: text.encode() for name, text in told.items() if text}


NO_REQUEST = RequestContext()
