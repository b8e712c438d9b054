"""Ids of new documents: 32 hexadecimal digits, random but for the first five. Nothing may read them.

The first five say when a document was made, so that documents of one time stand together wherever ids are sorted. A
part of an event table then has the tasks of some hours, and a read of a task skips most parts by their first and last
key alone; random ids make every part span all tasks. UUIDs of version 7 begin with time too, but with the first twelve
digits: people and web apps tell ids apart by the first seven or eight.
"""

from __future__ import annotations

import time
import uuid

SECONDS = 16  # for a step of the first digits, which wrap around after half a year
DIGITS = 5


def new_id() -> str:
    """Return an id that no other document has."""
    step = int(time.time()) // SECONDS % 16**DIGITS
    return f"{step:0{DIGITS}x}{uuid.uuid4().hex[DIGITS:]}"
