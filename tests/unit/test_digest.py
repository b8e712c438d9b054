"""``deploy/runs/digest.py``: faults are told from the digest alone, extremes are exact, and it is fast and short."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from deploy.runs.digest import Curve, curve_of, digest

POINTS = 500
Fault = Callable[[np.random.Generator], tuple[Any, Any]]


def healthy(random: np.random.Generator) -> tuple[Any, Any]:
    """A loss that falls as losses do."""
    steps = np.arange(POINTS) * int(random.integers(1, 50))
    rate, level, height = random.uniform(0.3, 0.7), random.uniform(0.05, 0.5), random.uniform(1, 5)
    values = level + height * (1 + np.arange(POINTS) / random.uniform(2, 20)) ** -rate
    return steps, values * (1 + random.uniform(0.002, 0.03) * random.standard_normal(POINTS))


def divergence(random: np.random.Generator) -> tuple[Any, Any]:
    steps, values = healthy(random)
    start = int(random.integers(150, 400))
    growth = np.exp(np.arange(POINTS - start) * random.uniform(0.05, 0.2))
    values[start:] = np.minimum(values[start:] + 0.05 * growth, 1e6)
    if random.random() < 0.3:
        values[-5:] = np.nan
    return steps, values


def plateau(random: np.random.Generator) -> tuple[Any, Any]:
    steps, values = healthy(random)
    start = int(random.integers(20, 200))
    values[start:] = values[start] * (1 + 0.01 * random.standard_normal(POINTS - start))
    return steps, values


def spike(random: np.random.Generator) -> tuple[Any, Any]:
    steps, values = healthy(random)
    for _ in range(int(random.integers(1, 4))):
        at = int(random.integers(20, POINTS - 10))
        values[at : at + int(random.integers(1, 3))] *= random.uniform(2, 20)
    return steps, values


def silence(random: np.random.Generator) -> tuple[Any, Any]:
    steps, values = healthy(random)
    start = int(random.integers(100, 400))
    if random.random() < 0.5:
        return steps[:start], values[:start]
    kept = np.r_[0:start, start + 80 : POINTS]
    return steps[kept], values[kept]


def wrong_sign(random: np.random.Generator) -> tuple[Any, Any]:
    """A loss that is negated, or that grows from the start on."""
    steps, values = healthy(random)
    if random.random() < 0.5:
        return steps, -values
    growth = random.uniform(1, 4) * np.arange(POINTS) / POINTS
    return steps, values[0] + growth + 0.02 * random.standard_normal(POINTS)


def overfit(random: np.random.Generator) -> tuple[Any, Any]:
    steps, values = healthy(random)
    start = int(random.integers(100, 350))
    way = float(values[0] - values[start])
    values[start:] += random.uniform(0.2, 0.8) * way * np.linspace(0, 1, POINTS - start)
    return steps, values


FAULTS: dict[str, Fault] = {
    "divergence": divergence,
    "plateau": plateau,
    "spike": spike,
    "silence": silence,
    "wrong sign": wrong_sign,
    "overfit": overfit,
}
END_OF_RUN = POINTS - 1  # in intervals of the curve


def told(of_loss: dict[str, Any]) -> str:
    """What somebody who knows the digest of a loss, and nothing else, says."""
    words = " ".join(of_loss["findings"])
    if "NaN" in words or "diverged up" in words:
        return "divergence"
    if "negative" in words or "rises" in words:
        return "wrong sign"
    for word, fault in (("silent", "silence"), ("gap", "silence"), ("spikes", "spike"), ("turned up", "overfit")):
        if word in words:
            return fault
    return "plateau" if "plateau" in words else "none"


def digest_of(fault: Fault, seed: int) -> dict[str, Any]:
    steps, values = fault(np.random.default_rng(seed))
    return digest(curve_of(steps, values, run_end=float(END_OF_RUN * (steps[1] - steps[0]))))


def test_planted_faults_are_told_from_the_digest_alone() -> None:
    planted = [(name, seed) for seed in range(17) for name in FAULTS][:100]
    said = [(name, seed, told(digest_of(FAULTS[name], seed))) for name, seed in planted]
    missed = [one for one in said if one[0] != one[2]]
    assert len(planted) - len(missed) >= 95, missed


def test_sound_curves_are_not_accused() -> None:
    said = Counter(told(digest_of(healthy, seed)) for seed in range(1000, 1100))
    assert said["none"] >= 97, said


@pytest.mark.parametrize("n", [1, 2, 5, 11, 12, 13, 60, 5000])
def test_ends_and_extremes_are_exact_whatever_the_length(n: int) -> None:
    random = np.random.default_rng(n)
    values = random.standard_normal(n) * 10.0 ** random.integers(-300, 300)
    found = digest(curve_of(np.arange(n), values))
    assert [found[name]["value"] for name in ("first", "last", "min", "max")] == [
        values[0],
        values[-1],
        values.min(),
        values.max(),
    ]
    assert found["min"]["step"] == values.argmin()
    assert found["max"]["step"] == values.argmax()


def test_points_that_are_not_finite_are_counted() -> None:
    found = digest(curve_of(range(4), [1.0, np.nan, np.inf, 2.0]))
    assert (found["not_finite"], found["last"], found["findings"][0]) == (2, {"step": 3, "value": 2.0}, "2 NaN/Inf")
    assert digest(curve_of([], []))["findings"] == ["no finite points"]
    assert digest(curve_of([1], [np.nan]))["not_finite"] == 1


def test_a_spike_within_a_bucket_is_told_with_the_exact_extreme() -> None:
    mean = np.linspace(2, 1, 100)
    high = mean + 0.01
    high[60] = 9.0
    exact = {"max": {"step": 6_037.0, "value": 9.25}}
    found = digest(Curve(np.arange(100) * 100.0, mean, mean - 0.01, high, exact))
    assert found["max"] == exact["max"]
    assert found["spikes"] == {"count": 1, "largest": [{"step": 6000, "value": 9.0}]}


def test_a_constant_curve_is_flat() -> None:
    found = digest(curve_of(range(100), np.full(100, 0.1)))
    assert (found["trend"], found["plateau"], found["findings"]) == (
        "flat",
        {"since": 0, "part": 1.0},
        ["plateau@0", "flat"],
    )


def test_a_change_of_slope_is_found_where_it_is() -> None:
    values = np.r_[np.linspace(5, 2, 200), np.linspace(2, 1.9, 300)] + 0.005 * np.random.default_rng(1).normal(size=500)
    (at,) = digest(curve_of(range(500), values))["changes"]
    assert abs(at - 200) < 10


def test_a_digest_is_bounded() -> None:
    random = np.random.default_rng(3)
    longest = max(len(json.dumps(digest(curve_of(range(n), random.standard_cauchy(n))))) for n in (10**3, 10**5))
    assert longest < 1000
