"""Points as they are in a source -> points that can be stored, and counts of the others by reason."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ingest.importers.records import SINGLE_VALUE, Doubles, Integers, Points

# Values at and above it round to an infinite 32-bit float, and are refused (API contract 2.2).
FLOAT32_LIMIT = 3.4028235677973366e38
INT64_LIMIT = 2.0**63
STEP_DECIMALS = 6  # of a multiplied step: 0.29 * 100 is 28.999999999999996
NAN, INFINITE, TOO_LARGE, BAD_STEP = "NaN", "infinite", "value beyond 32-bit floats", "step beyond 64-bit integers"
REPEATED = "replaced by a later value of the same step"


@dataclass(frozen=True)
class StorablePoints:
    """Points of one curve. ``exact``: the steps of the source, NaN where they are whole numbers; None if all are."""

    metric: str
    variant: str
    iters: Integers
    values: Doubles
    times: Integers
    exact: Doubles | None = None

    def __len__(self) -> int:
        return len(self.iters)


def storable(points: Points, multiplier: float) -> tuple[StorablePoints, Counter[str]]:
    """Return the points that can be stored, with steps times ``multiplier`` as iterations, and counts of the others."""
    steps = points.steps
    scaled = _scaled(steps, multiplier)
    checks = {
        NAN: np.isnan(points.values),
        INFINITE: np.isinf(points.values),
        TOO_LARGE: np.abs(points.values) >= FLOAT32_LIMIT,
        BAD_STEP: ~(np.abs(scaled) < INT64_LIMIT),
    }
    bad = np.zeros(len(steps), np.bool_)
    skipped: Counter[str] = Counter()
    for reason, failed in checks.items():
        if count := int(np.count_nonzero(failed & ~bad)):
            skipped[reason] = count
        bad |= failed
    if skipped:
        points = Points(points.metric, points.variant, steps[~bad], points.values[~bad], points.times[~bad])
        scaled = scaled[~bad]
    iters = np.floor(scaled).astype(np.int64) if scaled.dtype.kind == "f" else scaled.astype(np.int64)
    exact = _exact(points.steps)
    return StorablePoints(points.metric, points.variant, iters, points.values, points.times, exact), skipped


def iteration(step: float, multiplier: float) -> int:
    """Return the iteration of one event."""
    return int(np.floor(np.round(step * multiplier, STEP_DECIMALS))) if step != SINGLE_VALUE else SINGLE_VALUE


def _scaled(steps: Integers | Doubles, multiplier: float) -> Integers | Doubles:
    if multiplier == 1 and steps.dtype.kind != "f":
        return steps  # beyond 2^53 floating-point numbers are not exact
    scaled = np.round(steps.astype(np.float64) * multiplier, STEP_DECIMALS)
    return np.where(steps == SINGLE_VALUE, np.float64(SINGLE_VALUE), scaled)


def _exact(steps: Integers | Doubles) -> Doubles | None:
    if steps.dtype.kind != "f":
        return None
    is_whole = steps == np.floor(steps)
    return None if is_whole.all() else np.where(is_whole, np.nan, steps)


class StepTracker:
    """Counts the points of curves whose step comes again: only the last of them is stored.

    Steps that rise evenly are kept as a range, others as they are: 8 bytes each.
    """

    def __init__(self) -> None:
        self._curves: dict[tuple[str, str], list[range | Integers]] = {}

    def add(self, points: StorablePoints) -> None:
        """Note the steps of some points."""
        if len(points):
            self._curves.setdefault((points.metric, points.variant), []).append(_compact(points.iters))

    def repeated(self) -> int:
        """Return how many points are replaced by a later one."""
        return sum(_repeated(parts) for parts in self._curves.values())


def _compact(iters: Integers) -> range | Integers:
    stride = int(iters[1] - iters[0]) if len(iters) > 1 else 1
    if stride > 0 and (len(iters) < 3 or bool((np.diff(iters) == stride).all())):
        return range(int(iters[0]), int(iters[-1]) + 1, stride)
    return iters


def _repeated(parts: list[range | Integers]) -> int:
    """Return how many steps are there again."""
    if all(isinstance(part, range) for part in parts) and _rise(parts):
        return 0
    steps = np.concatenate([np.asarray(part, np.int64) for part in parts])
    return len(steps) - len(np.unique(steps))


def _rise(parts: list[range | Integers]) -> bool:
    return all(int(left[-1]) < int(right[0]) for left, right in pairwise(parts))
