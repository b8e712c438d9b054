"""What a process has open of the kinds of quotas that are gauges, such as streams."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from schema.quotas.kinds import Kind, Scope, Subject
from schema.quotas.limits import Limits
from schema.quotas.usage import gauge_change
from schema.registry import UsageChange, UsageKey


class Gauges:
    """Counts by kind and subject. They are kept without limits, too, so that a new limit knows of what is open."""

    def __init__(self) -> None:
        self._open: Counter[UsageKey] = Counter()
        self._told: set[UsageKey] = set()

    def add(self, key: UsageKey, amount: int) -> None:
        """Count what was opened; negative: what was closed."""
        self._open[key] += amount
        if not self._open[key]:
            del self._open[key]

    def total(self, key: UsageKey, used: Mapping[UsageKey, int]) -> int:
        """Return how much is open here, and elsewhere. ``used``: by all processes, as the registry said last."""
        elsewhere = (count for other, count in used.items() if other[:3] == key[:3] and other.part != key.part)
        return self._open[key] + sum(elsewhere)

    def changes(self, limits: Limits) -> Iterator[UsageChange]:
        """Yield what is to be told to other processes: of subjects that have a limit, and once what came to an end."""
        limited = {key for key in self._open if limits.of(Kind(key.kind), Subject(Scope(key.scope), key.scope_id))}
        for key in limited | self._told:
            yield gauge_change(key, self._open[key])
        self._told = limited
