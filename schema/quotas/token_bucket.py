"""A token bucket that is paid from afterwards: what a batch costs is known only when it has been read."""

from __future__ import annotations

BURST_SECONDS = 10.0  # of the rate that an idle bucket holds: an SDK sends every 5 s what it has gathered
MAX_WAIT_SECONDS = 3600.0


class TokenBucket:
    """Tokens that come back at a rate, up to those of BURST_SECONDS.

    Whoever finds it not in debt may take any number, and so leave it in debt: batches larger than the bucket pass, and
    over time no more than the rate does. ``now`` is any clock's time in seconds.
    """

    def __init__(self, rate: float, now: float) -> None:
        self._rate = rate
        self._tokens = rate * BURST_SECONDS
        self._at = now

    def set_rate(self, rate: float, now: float) -> None:
        """Change the rate from now on; a burst that is held already shrinks with it."""
        self._fill(now)
        self._rate = rate
        self._tokens = min(self._tokens, rate * BURST_SECONDS)

    def wait_seconds(self, now: float) -> float:
        """Return in how many seconds something may be taken; 0: now."""
        self._fill(now)
        if self._rate <= 0:
            return MAX_WAIT_SECONDS
        return min(MAX_WAIT_SECONDS, max(0.0, -self._tokens / self._rate))

    def take(self, count: float, now: float) -> None:
        """Take tokens, whether or not there are enough; negative: return some."""
        self._fill(now)
        self._tokens -= count

    def is_full(self, now: float) -> bool:
        """Tell whether nothing was taken for so long that a new bucket would be the same."""
        self._fill(now)
        return self._tokens >= self._rate * BURST_SECONDS

    def _fill(self, now: float) -> None:
        self._tokens = min(self._rate * BURST_SECONDS, self._tokens + (now - self._at) * self._rate)
        self._at = now
