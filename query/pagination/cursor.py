"""Scroll ids: signed, stateless, bound to endpoint, company and entities. Any replica continues any of them.

A cursor holds the position itself (and, where an endpoint keeps state between calls, that state), compressed. Its
lifetime counts from when it was handed out, and every answer hands out a fresh one. It never holds its predecessor, so
it does not grow from page to page; MAX_CHARACTERS bounds what a request may make it hold.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from itsdangerous import BadSignature, URLSafeTimedSerializer

from schema.api.wire import Caller
from schema.errors import InvalidField, InvalidScroll

LIFETIME_SECONDS = 3600
END = "FFFF"
MAX_CHARACTERS = 1 << 16


class Cursors:
    """The maker and reader of scroll ids.

    All replicas share ``secret``. ``other_secrets``: keys whose scroll ids are accepted too.
    """

    def __init__(self, secret: str, other_secrets: Sequence[str] = ()) -> None:
        self._serializer = URLSafeTimedSerializer([*other_secrets, secret], salt="scroll")  # the last one signs

    def make(self, endpoint: str, caller: Caller, entities: Iterable[str], state: Any) -> str:
        """Make a scroll id that carries ``state`` (JSON).

        Raises InvalidField if that takes more than MAX_CHARACTERS.
        """
        cursor = str(self._serializer.dumps([_scope(endpoint, caller, entities), state]))
        if len(cursor) > MAX_CHARACTERS:
            raise InvalidField("Too much to remember between two calls: ask for fewer tasks, metrics or variants")
        return cursor

    def read(
        self,
        cursor: str,
        endpoint: str,
        caller: Caller,
        entities: Iterable[str],
        lifetime: int | None = LIFETIME_SECONDS,
    ) -> Any:
        """Return the state of a scroll id. Raises InvalidScroll if it is forged, expired, or of other data."""
        try:
            scope, state = self._serializer.loads(cursor, max_age=lifetime)
        except (BadSignature, ValueError, TypeError) as error:
            raise InvalidScroll(f"Invalid scroll id: {error}") from error
        if scope != _scope(endpoint, caller, entities):
            raise InvalidScroll("The scroll id belongs to other data")
        return state

    def knows(self, cursor: str) -> bool:
        """Tell whether it was made here, or by another replica, and has not expired."""
        try:
            self._serializer.loads(cursor, max_age=LIFETIME_SECONDS)
        except (BadSignature, ValueError, TypeError):
            return False
        return True


def _scope(endpoint: str, caller: Caller, entities: Iterable[str]) -> str:
    text = "\0".join((endpoint, caller.company, *sorted(set(entities))))
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()
