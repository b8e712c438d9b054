"""API contract 3.18 and 3.19: worked examples of both histograms. Their rules in general: test_histogram_reference."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness.api import Api, Data
from tests.harness.events import ABSENT, SINGLE_VALUE, image, model_events, plot, scalar, vector

HISTOGRAM = "events.scalar_metrics_iter_histogram"
MULTI = "events.multi_task_scalar_metrics_iter_histogram"


def curve(api: Api, task: str, **fields: Any) -> tuple[list[Any], list[Any]]:
    """x and y of the one curve."""
    found = api.call(HISTOGRAM, fields, task=task)
    assert list(found) == ["m"]
    assert list(found["m"]) == ["v"]
    assert found["m"]["v"]["name"] == "v"
    return found["m"]["v"]["x"], found["m"]["v"]["y"]


@pytest.fixture(scope="module")
def from_five(api: Api) -> str:
    """Iterations 5 … 104, value = iteration − 5."""
    task = api.create_task()
    api.add(*(scalar(task, n, float(n - 5)) for n in range(5, 105)))
    return task


@pytest.fixture(scope="module")
def hundred(api: Api) -> str:
    """Iterations 0 … 99, value = iteration; seconds apart."""
    task = api.create_task()
    api.add(*(scalar(task, n, float(n), timestamp=1671640000000 + n * 1000) for n in range(100)))
    api.add(scalar(task, SINGLE_VALUE, 5.0), plot(task, 500), image(task, 500), vector(task, 500))
    return task


# --- worked examples --------------------------------------------------------------------------------------------------


def test_buckets_are_aligned_to_zero(api: Api, from_five: str) -> None:
    x, y = curve(api, from_five, samples=10)
    assert x == list(range(0, 101, 10))
    assert y == [2.0, *(n + 0.5 for n in range(9, 90, 10)), 97.0]


def test_an_interval_of_two(api: Api, from_five: str) -> None:
    assert curve(api, from_five, samples=99)[0] == list(range(4, 105, 2))


@pytest.mark.parametrize("samples", [100, 101, 6000, None])
def test_as_many_samples_as_points_are_all_points(api: Api, from_five: str, samples: int | None) -> None:
    assert curve(api, from_five, samples=samples) == (list(range(5, 105)), [float(n) for n in range(100)])


def test_negative_iterations_fall_toward_minus_infinity(api: Api, task: str) -> None:
    api.add(scalar(task, -7, 1.0), scalar(task, -3, 3.0), scalar(task, 12, 5.0))
    assert curve(api, task, samples=2) == ([-10, 10], [2.0, 5.0])


def test_a_group_shares_its_largest_interval(api: Api, task: str) -> None:
    api.add(*(scalar(task, n * 10, metric="b") for n in range(100)))
    api.add(*(scalar(task, n * 10, metric="a") for n in range(105)))
    found = api.call(HISTOGRAM, task=task, samples=50)
    assert list(found) == ["a", "b"]
    assert found["b"]["v"]["x"] == list(range(0, 991, 21))
    assert found["a"]["v"]["x"] == list(range(0, 1041, 21))


def test_beyond_ten_percent_there_are_two_groups(api: Api, task: str) -> None:
    """Intervals 20 and 23; the smaller comes first, whatever its name."""
    api.add(*(scalar(task, n * 10, metric="b") for n in range(100)))
    api.add(*(scalar(task, n * 10, metric="a") for n in range(115)))
    found = api.call(HISTOGRAM, task=task, samples=50)
    assert list(found) == ["b", "a"]
    assert found["b"]["v"]["x"] == list(range(0, 991, 20))
    assert found["a"]["v"]["x"] == list(range(0, 1141, 23))


def test_a_metric_keeps_the_place_of_its_first_group(api: Api, task: str) -> None:
    """The example of API contract 3.18."""
    api.add(scalar(task, 0, 1.0, "acc", "train"))
    api.add(*(scalar(task, n, float(n), "loss", "train") for n in range(30)))
    api.add(scalar(task, 0, 0.3, "loss", "val"), scalar(task, 7, 0.25, "loss", "val"))
    assert api.call(HISTOGRAM, task=task, samples=3) == {
        "acc": {"train": {"name": "train", "x": [0], "y": [1.0]}},
        "loss": {
            "val": {"name": "val", "x": [0, 7], "y": [0.30000001192092896, 0.25]},
            "train": {"name": "train", "x": [0, 10, 20], "y": [4.5, 14.5, 24.5]},
        },
    }
    found = api.call(HISTOGRAM, task=task, samples=3)
    assert (list(found), list(found["loss"])) == (["acc", "loss"], ["val", "train"])


def test_times_are_bucketed_alike(api: Api, hundred: str) -> None:
    x, y = curve(api, hundred, samples=3, key="timestamp", metrics=[{"metric": "m"}])
    assert x == [1671639980222 + n * 33001 for n in range(4)]
    seconds = [[n for n in range(100) if 1671640000000 + n * 1000 in range(start, start + 33001)] for start in x]
    assert y == [sum(bucket) / len(bucket) for bucket in seconds]


def test_iso_times_are_the_starts_of_buckets(api: Api, hundred: str) -> None:
    assert curve(api, hundred, samples=3, key="iso_time")[0] == [
        "2022-12-21T16:26:20.222Z",
        "2022-12-21T16:26:53.223Z",
        "2022-12-21T16:27:26.224Z",
        "2022-12-21T16:27:59.225Z",
    ]


@pytest.mark.parametrize("key", [None, "iter"])
def test_a_hundred_iterations(api: Api, hundred: str, key: str | None) -> None:
    """The upstream test; single values never appear."""
    whole = (list(range(100)), [float(n) for n in range(100)])
    assert curve(api, hundred, key=key) == whole
    assert curve(api, hundred, key=key, samples=100) == whole
    assert curve(api, hundred, key=key, samples=10) == (list(range(0, 100, 10)), [n + 4.5 for n in range(0, 100, 10)])
    assert curve(api, hundred, key=key, samples=1) == ([0], [49.5])


# --- rules ------------------------------------------------------------------------------------------------------------


def test_equal_times_are_averaged(api: Api, task: str) -> None:
    api.add(*(scalar(task, n, float(n), timestamp=500) for n in (1, 2, 6)))
    assert curve(api, task, key="timestamp") == ([500], [3.0])
    assert curve(api, task, key="iso_time") == (["1970-01-01T00:00:00.500Z"], [3.0])


def test_equal_iterations_of_different_keys_are_averaged(api: Api, task: str) -> None:
    api.add(*(scalar(task, 1, float(n), key=str(n)) for n in (1, 2, 6)))
    assert curve(api, task) == ([1], [3.0])


def test_an_overwritten_point_counts_once(api: Api, task: str) -> None:
    api.add(scalar(task, 2, 100.0))
    api.add(scalar(task, 2, 2.0), scalar(task, 3, 4.0))
    assert curve(api, task) == ([2, 3], [2.0, 4.0])
    assert curve(api, task, samples=1) == ([2], [3.0])


def test_the_mean_is_of_32_bit_floats(api: Api, task: str) -> None:
    api.add(scalar(task, 0, 0.1), scalar(task, 1, 0.2), scalar(task, 2, 0.7))
    assert curve(api, task, samples=1)[1] == [(0.10000000149011612 + 0.20000000298023224 + 0.699999988079071) / 3]


def test_a_bucket_without_any_value_is_null(api: Api, task: str) -> None:
    api.add(scalar(task, 1, ABSENT), scalar(task, 2, None), scalar(task, 3, 7.0))
    assert curve(api, task) == ([1, 2, 3], [None, None, 7.0])
    assert curve(api, task, samples=2) == ([0, 2], [None, 7.0])


def test_points_without_iteration_or_time_are_left_out(api: Api, task: str) -> None:
    api.add(scalar(task, ABSENT, 1.0), scalar(task, None, 2.0, timestamp=5), scalar(task, 7, 3.0, timestamp=None))
    assert curve(api, task) == ([7], [3.0])
    assert api.call(HISTOGRAM, task=task, key="timestamp") == {}


def test_iterations_at_the_ends_of_their_range(api: Api, task: str) -> None:
    api.add(scalar(task, -(2**31) + 1, 1.0), scalar(task, 2**40, 3.0), scalar(task, -(2**31) - 1, 9.0))
    assert curve(api, task) == ([-(2**31) + 1, 2**40], [1.0, 3.0])
    assert curve(api, task, samples=1) == ([-(2**40) - 2**31, 0], [1.0, 3.0])


def test_the_widest_curves_there_are(api: Api, task: str) -> None:
    """Their span is beyond 64 bits, their buckets may be; their points are there."""
    ends = [(-5, -(2**63)), (2**63 - 1, 2**63 - 2)]
    api.add(*(scalar(task, iteration, 1.0, timestamp=time) for iteration, time in ends))
    for key in ("iter", "timestamp", "iso_time"):
        for samples in (1, 2, 3):
            _, y = curve(api, task, samples=samples, key=key)
            assert set(y) == {1.0}, (key, samples)
            assert samples < 3 or len(y) == 2


def test_the_metric_filter(api: Api, task: str) -> None:
    api.add(*(scalar(task, 1, metric=metric, variant=variant) for metric in "abc" for variant in "xy"))
    found = api.call(HISTOGRAM, task=task, metrics=[{"metric": "a", "variants": ["y"]}, {"metric": "c"}])
    assert {metric: list(variants) for metric, variants in found.items()} == {"a": ["y"], "c": ["x", "y"]}
    assert api.call(HISTOGRAM, task=task, metrics=[{"metric": "zz"}]) == {}


def test_the_filter_changes_the_groups(api: Api, task: str) -> None:
    """Grouping is of what passes: alone, the smaller interval stays."""
    api.add(*(scalar(task, n * 10, metric="b") for n in range(100)))
    api.add(*(scalar(task, n * 10, metric="a") for n in range(105)))
    found = api.call(HISTOGRAM, task=task, samples=50, metrics=[{"metric": "b"}])
    assert found["b"]["v"]["x"] == list(range(0, 991, 20))


def test_nothing_found(api: Api, task: str) -> None:
    assert api.call(HISTOGRAM, task=task) == {}
    assert api.call(MULTI, tasks=[task]) == {"metrics": {}}


def test_ten_percent_are_counted_from_the_first_of_a_group(api: Api, task: str) -> None:
    spans = {"a": 100, "b": 110, "c": 111, "d": 121}
    api.add(*(scalar(task, n, metric=name) for name, span in spans.items() for n in (1000, 999 + span)))
    found = api.call(HISTOGRAM, task=task, samples=1)
    starts = {name: curves["v"]["x"] for name, curves in found.items()}
    assert starts == {"a": [990], "b": [990, 1100], "c": [968, 1089], "d": [968, 1089]}


@pytest.mark.parametrize(("count", "alone"), [(49, 0), (50, 50), (51, 50)])
def test_a_group_has_at_most_fifty_curves(api: Api, task: str, count: int, alone: int) -> None:
    """``count`` curves of interval 100, and one of 110 that drags along those of its group."""
    names = [f"m{n:02}" for n in range(count)]
    api.add(*(scalar(task, n, metric=name) for name in names for n in (1000, 1099)))
    api.add(scalar(task, 1000, metric="z"), scalar(task, 1109, metric="z"))
    found = api.call(HISTOGRAM, task=task, samples=1)
    assert [found[name]["v"]["x"] for name in names] == [[1000]] * alone + [[990]] * (count - alone)
    assert found["z"]["v"]["x"] == [990, 1100]


@pytest.mark.parametrize("together", [True, False])
def test_a_group_has_at_most_6000_buckets(api: Api, task: str, together: bool) -> None:
    """Curves a, b, c of 2 500 or more points at intervals 10, 10, 11: two of them fill a group, three do not fit."""
    count, samples = (2_000, 2_000) if together else (2_500, 2_500)
    spans = {"a": 10 * samples, "b": 10 * samples, "c": 11 * samples}
    for name, span in spans.items():
        step = span // count
        api.add(*(scalar(task, n * step, metric=name) for n in range(count)), scalar(task, span - 1, metric=name))
    found = api.call(HISTOGRAM, task=task, samples=samples)
    widths = {name: min(b - a for a, b in zip(c["v"]["x"], c["v"]["x"][1:], strict=False)) for name, c in found.items()}
    assert widths == ({"a": 11, "b": 11, "c": 11} if together else {"a": 10, "b": 10, "c": 11})


# --- several tasks ----------------------------------------------------------------------------------------------------


def test_the_cross_product_of_tasks_metrics_and_variants(api: Api) -> None:
    """The upstream test."""
    tasks = {name: api.create_task(name) for name in ("task one", "task two")}
    numbers = range(10)
    for task in tasks.values():
        api.add(*(scalar(task, n, float(n), f"m{m}", f"v{v}") for m in numbers for v in numbers for n in numbers))
    names = {task: name for name, task in tasks.items()}
    points = {"x": list(numbers), "y": [float(n) for n in numbers]}
    by_task = {task: {"name": name, **points} for task, name in names.items()}
    expected = {f"m{m}": {f"v{v}": by_task for v in numbers} for m in numbers}
    assert api.call(MULTI, tasks=list(names)) == {"metrics": expected}


def test_each_task_is_computed_by_itself(api: Api, from_five: str, hundred: str, task: str) -> None:
    fields = {"samples": 10, "key": "iter"}
    found = api.call(MULTI, fields, tasks=[from_five, task, hundred, from_five])["metrics"]
    assert set(found["m"]["v"]) == {from_five, hundred}
    for one in (from_five, hundred):
        alone = api.call(HISTOGRAM, fields, task=one)["m"]["v"]
        assert found["m"]["v"][one] == alone | {"name": "a task"}


def test_the_filter_of_several_tasks(api: Api, task: str) -> None:
    api.add(*(scalar(task, 1, metric=metric) for metric in "ab"))
    assert list(api.call(MULTI, tasks=[task], metrics=[{"metric": "b"}])["metrics"]) == ["b"]


def test_models(api: Api, model: str) -> None:
    api.add(*model_events([scalar(model, n, float(n)) for n in range(3)]))
    assert curve(api, model, model_events=True) == ([0, 1, 2], [0.0, 1.0, 2.0])
    found = api.call(MULTI, tasks=[model], model_events=True)["metrics"]["m"]["v"]
    assert found == {model: {"name": "a model", "x": [0, 1, 2], "y": [0.0, 1.0, 2.0]}}


# --- refusals ---------------------------------------------------------------------------------------------------------

MALFORMED: list[Data] = [
    {"samples": 0},
    {"samples": -1},
    {"samples": 6001},
    {"samples": "x"},
    {"key": "step"},
    {"key": "ISO_TIME"},
    {"key": ""},
    {"metrics": [{}]},
]


@pytest.mark.parametrize("fields", MALFORMED)
def test_malformed_requests(api: Api, task: str, fields: Data) -> None:
    assert api.fail(HISTOGRAM, fields, task=task) == (400, 12)
    assert api.fail(MULTI, fields, tasks=[task]) == (400, 12)


@pytest.mark.parametrize("tasks", [None, [], "a,b", [5], {"a": "b"}])
def test_malformed_lists_of_tasks(api: Api, tasks: object) -> None:
    assert api.fail(MULTI, tasks=tasks) == (400, 12)


def test_a_hundred_tasks_and_no_more(api: Api, task: str) -> None:
    assert api.call(MULTI, tasks=[task] * 100) == {"metrics": {}}
    assert api.fail(MULTI, tasks=[task] * 101) == (400, 12)
