"""Which points of a source can be stored, and at which iterations."""

from __future__ import annotations

import math

import numpy as np
import pytest

from deploy.importing.storable_points import StepTracker, iteration, storable
from ingest.importers.records import SINGLE_VALUE, Points


def points(steps: list[float], values: list[float] | None = None) -> Points:
    """Points of one curve."""
    values = [0.0] * len(steps) if values is None else values
    return Points("m", "v", np.array(steps), np.array(values, np.float64), np.zeros(len(steps), np.int64))


def test_values_that_the_api_refuses_are_counted_by_reason() -> None:
    values = [1.0, math.nan, math.inf, -math.inf, 1e39, -1e39, 3.4028234e38, 0.1]
    kept, skipped = storable(points([*range(8)], values), 1)
    assert kept.values.tolist() == [1.0, 3.4028234e38, 0.1]
    assert kept.iters.tolist() == [0, 6, 7]
    assert skipped == {"NaN": 1, "infinite": 2, "value beyond 32-bit floats": 2}


def test_decimal_steps_are_multiplied_and_kept() -> None:
    kept, skipped = storable(points([0.0, 0.29, 0.5, 1.0, SINGLE_VALUE]), 100)
    assert kept.iters.tolist() == [0, 29, 50, 100, SINGLE_VALUE]
    assert kept.exact is not None
    assert [None if math.isnan(step) else step for step in kept.exact] == [None, 0.29, 0.5, None, None]
    assert not skipped
    assert [iteration(step, 100) for step in (0.29, 0.5, SINGLE_VALUE)] == [29, 50, SINGLE_VALUE]


def test_whole_steps_stay_exact() -> None:
    kept, _ = storable(points([2**62, -(2**62) + 1]), 1)
    assert kept.iters.tolist() == [2**62, -(2**62) + 1]
    assert kept.exact is None


def test_steps_that_cannot_be_stored_are_counted() -> None:
    kept, skipped = storable(points([1.5, math.nan, 1e30]), 1)
    assert (kept.iters.tolist(), skipped) == ([1], {"step beyond 64-bit integers": 2})


@pytest.mark.parametrize(
    ("parts", "repeated"),
    [
        ([[0, 1, 2], [3, 4]], 0),
        ([[0, 10, 20], [30]], 0),
        ([[0, 1, 2], [2, 3]], 1),
        ([[5, 4, 3], [2, 1]], 0),
        ([[0, 0, 0]], 2),
        ([[7], [7], [8]], 1),
        ([[0, 1, 2, 3], [1, 2]], 2),
    ],
)
def test_repeated_steps_are_counted(parts: list[list[float]], repeated: int) -> None:
    tracker = StepTracker()
    for part in parts:
        tracker.add(storable(points(part), 1)[0])
    assert tracker.repeated() == repeated
