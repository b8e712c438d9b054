"""Scroll ids: signed, stateless, bound to endpoint, company and entities. Any replica continues any of them.

A cursor holds the position itself (and, where an endpoint keeps state between calls, that state), compressed. Its
lifetime counts from when it was handed out, and every answer hands out a fresh one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from itsdangerous import BadSignature, URLSafeTimedSerializer

from schema.errors import InvalidScroll
from schema.wire import Caller

LIFETIME_SECONDS = 3600
END = "FFFF"


class Cursors:
    """Makes and reads scroll ids. All replicas share ``secret``."""

    def __init__(self, secret: str) -> None:
        self._serializer = URLSafeTimedSerializer(secret, salt="scroll")

    def make(self, endpoint: str, caller: Caller, entities: Iterable[str], state: Any) -> str:
        """A scroll id that carries ``state`` (JSON)."""
        return str(self._serializer.dumps([_scope(endpoint, caller, entities), state]))

    def read(
        self,
        cursor: str,
        endpoint: str,
        caller: Caller,
        entities: Iterable[str],
        lifetime: int | None = LIFETIME_SECONDS,
    ) -> Any:
        """The state of a scroll id. Raises InvalidScroll if it is forged, expired, or of other data."""
        try:
            scope, state = self._serializer.loads(cursor, max_age=lifetime)
        except (BadSignature, ValueError, TypeError) as error:
            raise InvalidScroll(f"Invalid scroll id: {error}") from error
        if scope != _scope(endpoint, caller, entities):
            raise InvalidScroll("The scroll id belongs to other data")
        return state


def _scope(endpoint: str, caller: Caller, entities: Iterable[str]) -> str:
    text = "\0".join((endpoint, caller.company, *sorted(set(entities))))
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()
