"""Failures of ClickHouse, or on the way to it, as errors of ours."""

from __future__ import annotations

import re

import pyarrow as pa
from clickhouse_connect.driver.exceptions import ClickHouseError, OperationalError
from urllib3.exceptions import HTTPError

from schema.errors import EventsError, StoreRejected, Unavailable

# ClickHouse's numbers for "not now": unexpected end, no such table (not yet, or it is read anew), cannot open, read or
# write, timeouts, too many queries, sockets, no free connection, network, memory, read-only table, no space, too
# many parts, replicas, Keeper, cancelled, too many mutations, too many connections, no resources.
NOT_NOW = frozenset(
    (3, 60, 74, 75, 76, 96, 107, 159, 160, 164, 173, 198, 202, 203, 204, 209, 210, 236, 241, 242, 243, 252, 279)
) | frozenset(
    (285, 286, 294, 319, 394, 425, 439, 473, 499, 574, 677, 692, 722, 733, 735, 745, 749, 762, 776, 999, 1019, 1020)
)
NUMBER = re.compile(r"Code: (\d+)\.")
NO_SPACE = "No space left on device"  # comes with whatever number the code has that met it
# Without a number: the connection failed, or broke while the answer was read.
AWAY = (OperationalError, OSError, HTTPError)


def translate(error: Exception) -> EventsError:
    """Translate a driver's exception: by ClickHouse's number where there is one, else by class."""
    number = getattr(error, "code", None) or _number_in(str(error))
    if number in NOT_NOW or (not number and isinstance(error, AWAY)) or NO_SPACE in str(error):
        return Unavailable(f"ClickHouse is not available: {error}", number or 0)
    if number or isinstance(error, ClickHouseError | pa.ArrowException):
        return StoreRejected(str(error), number or 0)
    raise error


def _number_in(text: str) -> int | None:
    found = NUMBER.search(text)
    return int(found[1]) if found else None
