"""Ids of new documents: 32 hexadecimal digits of which nothing is to be read; random but for the first five.

Those tell when a document was made, so that what was made at one time stands together wherever ids are in order.
A part of an event table then has the tasks of some hours, and a read of a task skips most parts by their first and last
key alone; ids that are random throughout make every part span all of them. Time comes first in UUIDs of version 7 too,
but with the first twelve digits: people and web apps tell ids apart by the first seven or eight.
"""

from __future__ import annotations

import time
import uuid

SECONDS = 16  # to a step of the first digits, which begin again after half a year
DIGITS = 5


def new_id() -> str:
    """An id that no other document has."""
    step = int(time.time()) // SECONDS % 16**DIGITS
    return f"{step:0{DIGITS}x}{uuid.uuid4().hex[DIGITS:]}"
