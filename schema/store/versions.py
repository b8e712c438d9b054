"""The ClickHouse versions that Eventide supports.

The tests of migrations and of the store run on the oldest and the newest of them (tests/engines). 25.8 refuses inserts
into a column with the codecs Delta and T64 (migration 0006, code 270), and 26.1 the statement that makes roll-ups
(code 10).
"""

from __future__ import annotations

import logging
import re
from functools import cache

from schema.errors import ConfigError

OLDEST, NEWEST = (26, 3), (26, 9)
logger = logging.getLogger("eventide.store")


@cache  # to warn once, not of every connection
def check_version(version: str) -> None:
    """Raise ConfigError for a ClickHouse that is too old; warn of one that is newer than any tested."""
    found = re.match(r"(\d+)\.(\d+)", version)
    number = (int(found[1]), int(found[2])) if found else (0, 0)
    if number < OLDEST:
        raise ConfigError(f"ClickHouse {version} is too old (EVENTIDE_CLICKHOUSE_URL): {supported()} are supported")
    if number > NEWEST:
        logger.warning("ClickHouse %s is newer than any that was tested: %s are supported", version, supported())


def supported() -> str:
    """Return the range as documentation and errors show it."""
    return f"versions {_shown(OLDEST)} to {_shown(NEWEST)}"


def _shown(version: tuple[int, int]) -> str:
    return "{}.{}".format(*version)
