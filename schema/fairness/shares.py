"""The share of a process that each company may have, by its weight and by who else has asked for something lately."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextvars import ContextVar

from schema.fairness.thread_switching import switch_threads

ACTIVE_SECONDS = 10.0  # since its last call, a company counts among those that share the process
AVERAGED_CALLS = 16  # that the average of what a call takes follows
MAX_REMEMBERED = 10_000  # companies; then the one that was there longest ago is forgotten

Clock = Callable[[], float]


class Share:
    """The share of one company. ``weight``: relative to those of others, 1 unless it is set.

    ``call_seconds``: CPU time of threads that a call of the company's took lately, on average.
    """

    __slots__ = ("_shares", "_spent_seconds", "call_seconds", "company", "seen_at", "weight")

    def __init__(self, company: str, weight: float = 1.0, shares: Shares | None = None) -> None:
        self.company = company
        self.weight = weight
        self.seen_at = float("-inf")
        self.call_seconds = self._spent_seconds = 0.0
        self._shares = shares

    @property
    def is_alone(self) -> bool:
        """Whether no other company has made a call lately."""
        return self._shares is None or self._shares.active_weight <= self.weight

    def most(self, slots: int) -> int:
        """Return how many of some slots the company may have at once: all while it is alone, at least one."""
        if self._shares is None or self.is_alone:
            return slots
        return max(1, int(slots * self.weight / self._shares.active_weight))

    def spend(self, seconds: float) -> None:
        """Note CPU time of a thread that worked for a call."""
        self._spent_seconds += seconds

    def end_call(self) -> None:
        """Note that a call has ended, which took what was spent since the one before."""
        self.call_seconds += (self._spent_seconds - self.call_seconds) / AVERAGED_CALLS
        self._spent_seconds = 0.0


class Shares:
    """The shares of all companies, by name. ``weights``: of those that do not weigh 1. Used on the event loop only."""

    def __init__(self, weights: Mapping[str, float] | None = None, clock: Clock = time.monotonic) -> None:
        self._weights = dict(weights or {})
        self._clock = clock
        self._shares: OrderedDict[str, Share] = OrderedDict()  # the latest last
        self._active: dict[str, Share] = {}
        self._checked_at = float("-inf")
        self.active_weight = 0.0  # of the companies that were there within ACTIVE_SECONDS

    @property
    def active_count(self) -> int:
        """The number of companies that called within ACTIVE_SECONDS."""
        self._expire(self._clock())
        return len(self._active)

    def of(self, company: str) -> Share:
        """Return the share of a company that makes a call now."""
        now = self._clock()
        share = self._shares.get(company) or self._new(company)
        share.seen_at = now
        if company not in self._active:
            self._active[company] = share
            self._weigh()
        elif now - self._checked_at > 1:
            self._expire(now)
        return share

    def _new(self, company: str) -> Share:
        share = self._shares[company] = Share(company, self._weights.get(company, 1.0), self)
        if len(self._shares) > MAX_REMEMBERED:
            oldest = next(iter(self._shares))
            del self._shares[oldest]
            self._active.pop(oldest, None)
        return share

    def _expire(self, now: float) -> None:
        self._checked_at = now
        gone = [name for name, share in self._active.items() if now - share.seen_at > ACTIVE_SECONDS]
        for name in gone:
            del self._active[name]
        if gone:
            self._weigh()

    def _weigh(self) -> None:
        self.active_weight = sum(share.weight for share in self._active.values())
        switch_threads(are_shared=len(self._active) > 1)


UNKNOWN = Share("(unknown)")  # of callers until they are known
BACKGROUND = Share("(background)")  # of what a process does by itself
current_share: ContextVar[Share] = ContextVar("current_share", default=BACKGROUND)
