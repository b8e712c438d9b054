"""API contract 3.18 and 3.19: random curves, compared with a model written from the API contract alone.

An example is a task with many curves, all written by one batch and read several times.
"""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.harness.api import Api
from tests.harness.events import ABSENT, SINGLE_VALUE, Event, scalar
from tests.harness.reference import Key, Name, Point, float32, histogram

ALLOWED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
START_MS = 1671640000000
HISTOGRAM = "events.scalar_metrics_iter_histogram"
MULTI = "events.multi_task_scalar_metrics_iter_histogram"

# Sums of such values are exact in a double, in any order, as 32-bit floats have 24 bits and these exponents are close.
values = st.one_of(st.integers(-1024, 1024).map(float), st.integers(-999, 999).map(lambda n: n / 10), st.just(0.0))
names = st.sampled_from(["a", "b", "B", "loss", "é", "z:z", ""])
keys: st.SearchStrategy[Key] = st.sampled_from(["iter", "timestamp", "iso_time"])


@st.composite
def curves(draw: st.DrawFn, base: int) -> list[Point]:
    """One curve whose span is near ``base``, so that curves of one task fall into groups, or just beside them."""
    span = max(1, base * draw(st.integers(85, 125)) // 100)
    start = draw(st.one_of(st.just(0), st.integers(-3 * span, 3 * span), st.integers(-50, 50)))
    ends = [start, start + span - 1]
    inner = draw(st.lists(st.integers(start, start + span - 1), max_size=30))
    step = draw(st.integers(1, 5_000))
    points = [
        Point(iteration, START_MS + iteration * step, draw(values))
        for iteration in draw(st.permutations(list(dict.fromkeys([*ends, *inner]))))
    ]
    if draw(st.booleans()):
        points.append(Point(SINGLE_VALUE, START_MS, draw(values)))
    if draw(st.booleans()):
        points.append(Point(None, START_MS - 5, draw(values)))
    if draw(st.booleans()):
        places = {point.iteration for point in points}
        points += [Point(start + span + n, None, draw(values)) for n in (0, 2) if start + span + n not in places]
    if draw(st.booleans()):
        points = [Point(p.iteration, p.timestamp, None if n % 3 == 0 else p.value) for n, p in enumerate(points)]
    return points


@st.composite
def tasks(draw: st.DrawFn) -> dict[Name, list[Point]]:
    """Many curves."""
    base = draw(st.sampled_from([3, 20, 100, 1_000, 12_345]))
    chosen = draw(st.lists(st.tuples(names, names), min_size=1, max_size=12, unique=True))
    return {name: draw(curves(base)) for name in chosen}


def events_of(task: str, stored: dict[Name, list[Point]]) -> list[Event]:
    """The curves as lines, interleaved, each point written twice: the second time with its value."""
    lines = []
    for (metric, variant), points in stored.items():
        for point in points:
            iteration: Any = ABSENT if point.iteration is None else point.iteration
            value: Any = ABSENT if point.value is None else point.value
            lines.append(scalar(task, iteration, value, metric, variant, timestamp=point.timestamp))
    overwritten = [line | {"value": 77.0, "timestamp": 5} for line in lines[::3]]
    return [*overwritten, *lines]


def same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    """Equal, and with keys in the same order."""
    assert found == expected
    assert list(found) == list(expected)
    for metric, variants in expected.items():
        assert list(found[metric]) == list(variants)


def test_the_model_knows_the_worked_examples() -> None:
    points = [Point(n, None, n - 5.0) for n in range(5, 105)]
    curve = histogram({("m", "v"): points}, 10)["m"]["v"]
    assert curve["x"] == list(range(0, 101, 10))
    assert curve["y"] == [2.0, *(n + 0.5 for n in range(9, 90, 10)), 97.0]
    assert histogram({("m", "v"): points}, 99)["m"]["v"]["x"] == list(range(4, 105, 2))
    times = [Point(0, START_MS + n * 1000, 0.0) for n in range(100)]
    assert histogram({("m", "v"): times}, 3, "timestamp")["m"]["v"]["x"][0] == 1671639980222
    assert float32(0.1) == 0.10000000149011612


@settings(max_examples=35, suppress_health_check=ALLOWED)
@given(data=st.data(), stored=tasks())
def test_random_curves_are_those_of_the_model(api: Api, data: st.DataObject, stored: dict[Name, list[Point]]) -> None:
    task = api.create_task("random")
    api.add(*events_of(task, stored))
    for _ in range(3):
        samples = data.draw(st.one_of(st.integers(1, 12), st.integers(1, 100), st.just(6000)), "samples")
        key = data.draw(keys, "key")
        same(api.call(HISTOGRAM, task=task, samples=samples, key=key), histogram(dict(stored), samples, key))


@settings(max_examples=6, suppress_health_check=ALLOWED)
@given(data=st.data(), stored=st.lists(tasks(), min_size=2, max_size=4))
def test_random_tasks_are_each_computed_alone(
    api: Api, data: st.DataObject, stored: list[dict[Name, list[Point]]]
) -> None:
    by_task = {api.create_task(f"random {n}"): curves for n, curves in enumerate(stored)}
    api.add(*(event for task, curves in by_task.items() for event in events_of(task, curves)))
    samples = data.draw(st.integers(1, 50), "samples")
    key = data.draw(keys, "key")
    chosen = data.draw(st.lists(names, max_size=2, unique=True), "metrics")
    filters = {"metrics": [{"metric": metric} for metric in chosen]} if chosen else {}
    found = api.call(MULTI, filters, tasks=list(by_task), samples=samples, key=key)["metrics"]
    expected: dict[str, dict[str, dict[str, Any]]] = {}
    for n, (task, curves) in enumerate(by_task.items()):
        passing = {name: points for name, points in curves.items() if not chosen or name[0] in chosen}
        for metric, variants in histogram(dict(passing), samples, key).items():
            for variant, curve in variants.items():
                expected.setdefault(metric, {}).setdefault(variant, {})[task] = curve | {"name": f"random {n}"}
    assert found == expected
