"""How long to wait for a server that is away."""

from __future__ import annotations

import random

FIRST_SECONDS, MAX_SECONDS = 0.5, 60.0


class Backoff:
    """Pauses that double up to a minute, each shortened by up to a half, so that clients do not come all at once."""

    def __init__(self) -> None:
        self._seconds = FIRST_SECONDS

    def pause(self, retry_after_seconds: float | None) -> float:
        """Return the seconds until the next attempt; at least as many as the server has asked for."""
        seconds, self._seconds = self._seconds, min(MAX_SECONDS, self._seconds * 2)
        return max(retry_after_seconds or 0.0, seconds * random.uniform(0.5, 1.0))

    def reset(self) -> None:
        """Begin anew: the server has answered."""
        self._seconds = FIRST_SECONDS
