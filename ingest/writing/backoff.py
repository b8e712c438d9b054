"""How long a writer waits before it tries the same records again."""

from __future__ import annotations

import random
from collections.abc import Iterator

FIRST_SECONDS, LAST_SECONDS = 0.2, 5.0


def backoff_seconds() -> Iterator[float]:
    """Yield seconds without end: each twice the one before, up to a limit, less up to a half at random."""
    pause = FIRST_SECONDS
    while True:
        yield pause * random.uniform(0.5, 1.0)
        pause = min(pause * 2, LAST_SECONDS)
