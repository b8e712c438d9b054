"""Curves, and the widths of their buckets (API contract 3.18, steps 1 and 2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

MAX_SAMPLES = 6000  # also of a group of curves
GROUP_CURVES = 50
MANY_CURVES = 100  # take more than 0.5 ms of Python at each step, and do so beside the event loop
GROUP_SPREAD_PERCENT = 10


@dataclass(eq=False)
class Curve:
    """A metric and variant of an entity: ``count`` events from ``low`` to ``high``, and its bucket width."""

    metric: str
    variant: str
    count: int
    low: int
    high: int
    interval: int = 1
    size: int = 0
    task: str = ""
    label: str = ""  # of the x axis

    def learn(self, row: dict[str, Any]) -> None:
        """Take ``count``, ``low`` and ``high`` out of a row."""
        self.count, self.low, self.high = (row.pop(name) for name in ("count", "low", "high"))

    def sample(self, samples: int) -> None:
        """Set width and size from the number of samples (API contract 3.18, step 1)."""
        self.interval, self.size = 1, self.count
        if self.count >= samples:
            span = self.high - self.low + 1
            self.interval = max(1, -(-span // samples))
            self.size = -(-span // self.interval)


def sampled(curves: Iterable[Curve], tasks: Iterable[str], samples: int) -> list[Curve]:
    """Return the curves with their bucket widths, each of ``tasks`` by itself, in the answer's order."""
    by_task: dict[str, list[Curve]] = {task: [] for task in tasks}
    for curve in sorted(curves, key=lambda curve: (curve.metric, curve.variant)):
        curve.sample(samples)
        by_task[curve.task].append(curve)
    return [curve for curves in by_task.values() for group in group_curves(curves) for curve in group]


def group_curves(curves: Iterable[Curve]) -> list[list[Curve]]:
    """Group curves of similar widths, and give each group its largest width (API contract 3.18, step 2).

    Curves of a group are sorted by name.
    """
    groups: list[list[Curve]] = []
    size = 0  # of the last group
    for curve in sorted(curves, key=lambda curve: curve.interval):
        if not groups or size + curve.size > MAX_SAMPLES or not _fits(groups[-1], curve):
            groups.append([])
            size = 0
        groups[-1].append(curve)
        size += curve.size
    for group in groups:
        widest = max(curve.interval for curve in group)
        for curve in group:
            curve.interval = widest
    return [sorted(group, key=lambda curve: (curve.metric, curve.variant)) for group in groups]


def _fits(group: Sequence[Curve], curve: Curve) -> bool:
    first = group[0].interval
    return len(group) < GROUP_CURVES and curve.interval <= first + first * GROUP_SPREAD_PERCENT // 100
