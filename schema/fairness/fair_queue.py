"""A queue of jobs of several companies, from which the job of whoever has had least comes next."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from schema.fairness.shares import Share

Job = TypeVar("Job")


@dataclass(eq=False)
class Line(Generic[Job]):
    """The waiting jobs of one company, how many of its jobs run, and what it has used: virtual seconds."""

    share: Share
    waiting: deque[Job] = field(default_factory=deque)
    running: int = 0
    used: float = 0.0

    @property
    def rank(self) -> tuple[float, float]:
        """The order of companies: the fewest running jobs first, then the least used time, each by its weight."""
        return self.running / self.share.weight, self.used


class FairQueue(Generic[Job]):
    """Jobs by company: start-time fair queueing over the time that jobs took, and a bound for what runs at once.

    A company that comes anew begins at the virtual time, so that it neither saves up time nor pays for others.
    Not thread-safe. ``limit``: returns how many jobs of a company may run at once.
    """

    def __init__(self, limit: Callable[[Share], int]) -> None:
        self._limit = limit
        self._lines: dict[str, Line[Job]] = {}
        self._now = 0.0  # the virtual time: what the company that was served last had used by then
        self._jobs = 0  # that wait or run
        self.waiting_count = 0

    @property
    def running_count(self) -> int:
        """The number of jobs that run, of all companies."""
        return self._jobs - self.waiting_count

    def running(self, share: Share) -> int:
        """Return how many jobs of a company run."""
        line = self._lines.get(share.company)
        return line.running if line else 0

    def waiting(self, share: Share) -> int:
        """Return how many jobs of a company wait."""
        line = self._lines.get(share.company)
        return len(line.waiting) if line else 0

    def push(self, share: Share, job: Job) -> None:
        """Add a job behind the others of its company."""
        self._line(share).waiting.append(job)
        self._jobs += 1
        self.waiting_count += 1

    def discard(self, share: Share, job: Job) -> None:
        """Remove a job that waits, if it still does."""
        line = self._lines.get(share.company)
        if line and job in line.waiting:
            line.waiting.remove(job)
            self.waiting_count -= 1
            self._leave()

    def pop(self) -> Job | None:
        """Start the next job and return it; None if none may start now."""
        ready = [line for line in self._lines.values() if line.waiting and self._may_start(line)]
        if not ready:
            return None
        line = min(ready, key=lambda one: one.rank)
        self._now = max(self._now, line.used)
        line.running += 1
        self.waiting_count -= 1
        return line.waiting.popleft()

    def start(self, share: Share) -> bool:
        """Start a job of a company at once, unless others of it wait or it has its share; tell whether it runs."""
        line = self._line(share)
        if line.waiting or not self._may_start(line):
            return False
        line.running += 1
        self._jobs += 1
        return True

    def finish(self, share: Share, seconds: float) -> None:
        """Note that a job has ended, and how long it ran."""
        line = self._lines[share.company]
        line.running -= 1
        line.used += seconds / share.weight
        self._leave()

    def _line(self, share: Share) -> Line[Job]:
        line = self._lines.get(share.company)
        if line is None:
            line = self._lines[share.company] = Line(share, used=self._now)
        elif not line.waiting and not line.running:
            line.used = max(line.used, self._now)
        return line

    def _may_start(self, line: Line[Job]) -> bool:
        return line.running < self._limit(line.share)

    def _leave(self) -> None:
        """Count a job that is gone; with the last one it is forgotten what anybody has used."""
        self._jobs -= 1
        if not self._jobs:
            self._lines.clear()
            self._now = 0.0
