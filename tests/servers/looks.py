"""Looking again and again for something to come true, without being what it has to wait for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")
REST, MOST_SECONDS = 3, 0.5  # times as long as the look took, and never longer


def look(at: Callable[[], Found], least_seconds: float) -> Found:
    """What ``at`` gives; unless that is true, after a pause that leaves most of a processor to others."""
    since = time.monotonic()
    if not (found := at()):
        took = time.monotonic() - since
        time.sleep(min(MOST_SECONDS, max(least_seconds, REST * took)))
    return found
