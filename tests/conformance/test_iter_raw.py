"""API contract 3.23: ``scalar_metrics_iter_raw``."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness.api import Api, Data
from tests.harness.events import ABSENT, SINGLE_VALUE, model_events, plot, scalar

RAW = "events.scalar_metrics_iter_raw"
M = {"metric": {"metric": "m"}}


def raw(api: Api, task: str, **fields: Any) -> Data:
    answer = api.call(RAW, M, task=task, **fields)
    assert set(answer) == {"returned", "total", "scroll_id", "variants"}
    assert answer["returned"] == sum(len(points["y"]) for points in answer["variants"].values())
    return answer


def points(answers: list[Data], key: str = "iter") -> list[tuple[Any, Any]]:
    """All points of variant ``v``, page after page."""
    variants = [answer["variants"].get("v", {key: [], "y": []}) for answer in answers]
    return [point for variant in variants for point in zip(variant[key], variant["y"], strict=True)]


def pages(api: Api, task: str, first: Data, **following: Any) -> list[Data]:
    """Every answer with points."""
    answers = [raw(api, task, **first)]
    while answers[-1]["returned"]:
        assert len(answers) < 200, "the scroll does not end"
        answers.append(raw(api, task, scroll_id=answers[-1]["scroll_id"], **following))
    assert answers[-1]["variants"] == {}
    return answers[:-1]


def test_the_worked_example(api: Api, task: str) -> None:
    values = {"train": [0.9, 0.8, 0.7, 0.6], "val": [1.1, 1.0, 0.9, 0.8]}
    api.add(*(scalar(task, n, y[n], variant=variant) for variant, y in values.items() for n in range(4)))
    answer = raw(api, task, batch_size=4, count_total=True)
    assert answer.pop("scroll_id")
    assert answer == {
        "returned": 4,
        "total": 8,
        "variants": {"train": {"y": [0.9, 0.8], "iter": [0, 1]}, "val": {"y": [1.1, 1.0], "iter": [0, 1]}},
    }


def test_a_hundred_points_in_pages_of_fifteen(api: Api, task: str) -> None:
    """The upstream test, with a single value, which comes first."""
    api.add(*(scalar(task, n, n / 10) for n in range(99)), scalar(task, SINGLE_VALUE, 0.5))
    answers = pages(api, task, {"batch_size": 15, "count_total": True})
    assert [answer["returned"] for answer in answers] == [15] * 6 + [10]
    assert {answer["total"] for answer in answers} == {100}
    assert points(answers) == [(SINGLE_VALUE, 0.5), *((n, n / 10) for n in range(99))]


@pytest.mark.parametrize("batch_size", [1, 2, 3, 5])
def test_a_page_may_end_at_zero(api: Api, task: str, batch_size: int) -> None:
    """API contract 5, row 1."""
    api.add(*(scalar(task, n, float(n)) for n in range(-2, 4)))
    answers = pages(api, task, {"batch_size": batch_size})
    assert points(answers) == [(n, float(n)) for n in range(-2, 4)]
    assert len(answers) == -(-6 // batch_size)


@pytest.mark.parametrize("key", ["timestamp", "iso_time"])
def test_by_time(api: Api, task: str, key: str) -> None:
    """The list is named after the key; its values are raw timestamps for both."""
    api.add(*(scalar(task, -n, float(n), timestamp=1000 + n * 10) for n in range(5)))
    assert raw(api, task, key=key)["variants"] == {"v": {"y": [0, 1, 2, 3, 4], key: [1000, 1010, 1020, 1030, 1040]}}
    assert points(pages(api, task, {"key": key, "batch_size": 2}, key=key), key) == [
        (1000 + n * 10, float(n)) for n in range(5)
    ]


def test_variants_are_in_the_order_of_their_first_point(api: Api, task: str) -> None:
    api.add(*(scalar(task, n, variant=variant) for n, variant in ((2, "a"), (1, "c"), (1, "b"), (3, "c"))))
    assert list(raw(api, task)["variants"]) == ["c", "b", "a"]


@pytest.mark.parametrize(
    ("metric", "variants"),
    [
        ({"metric": "m"}, "abc"),
        ({"metric": "m", "variants": []}, "abc"),
        ({"metric": "m", "variants": None}, "abc"),
        ({"metric": "m", "variants": ["a", "c", "x"]}, "ac"),
        ({"metric": "n"}, "a"),
        ({"metric": "x"}, ""),
    ],
)
def test_the_metric_and_its_variants(api: Api, task: str, metric: Data, variants: str) -> None:
    api.add(*(scalar(task, 1, variant=name) for name in "abc"), scalar(task, 1, metric="n", variant="a"))
    answer = api.call(RAW, task=task, metric=metric, count_total=True)
    assert sorted(answer["variants"]) == list(variants)
    assert answer["total"] == len(variants)


def test_an_iteration_is_never_split_between_pages(api: Api, task: str) -> None:
    api.add(*(scalar(task, n, variant=str(place)) for n in (1, 2) for place in range(5)))
    answers = pages(api, task, {"batch_size": 2})
    assert [answer["returned"] for answer in answers] == [5, 5]


def test_the_total_is_counted_when_asked_and_then_carried_on(api: Api, task: str) -> None:
    api.add(*(scalar(task, n) for n in range(5)))
    assert raw(api, task)["total"] is None
    assert raw(api, task, count_total=False)["total"] is None
    counted = raw(api, task, batch_size=2, count_total=True)
    assert counted["total"] == 5
    assert raw(api, task, scroll_id=counted["scroll_id"])["total"] == 5


def test_the_batch_size_is_inherited_unless_given(api: Api, task: str) -> None:
    api.add(*(scalar(task, n) for n in range(10)))
    first = raw(api, task, batch_size=3)
    for none in ({}, {"batch_size": 0}, {"batch_size": None}):
        assert raw(api, task, scroll_id=first["scroll_id"], **none)["returned"] == 3
    assert raw(api, task, scroll_id=first["scroll_id"], batch_size=5)["returned"] == 5


def test_a_continuation_reads_the_metric_of_its_own_request(api: Api, task: str) -> None:
    api.add(*(scalar(task, n, float(n), metric) for n in range(4) for metric in "mn"))
    first = raw(api, task, batch_size=2)
    answer = api.call(RAW, task=task, metric={"metric": "n"}, scroll_id=first["scroll_id"], batch_size=10)
    assert answer["variants"]["v"]["iter"] == [2, 3]


def test_the_default_page_has_10_000_points(api: Api, task: str) -> None:
    api.add(*(scalar(task, n, float(n)) for n in range(10_001)))
    for default in ({}, {"batch_size": 0}, {"batch_size": None}):
        assert raw(api, task, **default)["returned"] == 10_000
    larger = raw(api, task, batch_size=200_000)
    assert points([larger]) == [(n, float(n)) for n in range(10_001)]


def test_more_than_200_000_points_are_refused_or_whole(api: Api, task: str) -> None:
    api.add(scalar(task, 1))
    response = api.raw(RAW, M | {"task": task, "batch_size": 200_001})
    assert response.status_code == 400 or response.json()["data"]["returned"] == 1


def test_points_without_value_or_position_are_skipped(api: Api, task: str) -> None:
    """API contract 3.23."""
    api.add(scalar(task, 1, ABSENT, note="x"), scalar(task, 2, None), scalar(task, ABSENT, 5.0), scalar(task, 3, 7.0))
    assert points(pages(api, task, {"batch_size": 1})) == [(3, 7.0)]
    assert points(pages(api, task, {})) == [(3, 7.0)]
    api.add(scalar(task, 4, 8.0, timestamp=None), scalar(task, ABSENT, 9.0, timestamp=5))
    assert raw(api, task, key="timestamp", batch_size=1)["variants"]["v"] == {"y": [9.0], "timestamp": [5]}


def test_values_are_full_doubles(api: Api, task: str) -> None:
    api.add(scalar(task, 1, 0.1), scalar(task, 2, 1e-310))
    assert points([raw(api, task)]) == [(1, 0.1), (2, 1e-310)]


def test_the_end_repeats_itself(api: Api, task: str) -> None:
    api.add(scalar(task, 1), plot(task, 1))
    answer = raw(api, task, count_total=True)
    for _ in range(3):
        answer = raw(api, task, scroll_id=answer["scroll_id"])
        assert (answer["returned"], answer["total"], answer["variants"]) == (0, 1, {})
        assert answer["scroll_id"]


def test_nothing_at_all(api: Api, task: str) -> None:
    answer = raw(api, task, count_total=True)
    assert (answer["returned"], answer["total"], answer["variants"]) == (0, 0, {})


def test_models(api: Api, model: str) -> None:
    api.add(*model_events([scalar(model, 3, 0.5)]))
    assert points([raw(api, model, model_events=True)]) == [(3, 0.5)]


@pytest.mark.parametrize(
    "fields",
    [
        {"metric": None},
        {"metric": "m"},
        {"metric": {}},
        {"metric": {"variants": ["a"]}},
        {"metric": {"metric": "m", "variants": "a"}},
        {"metric": {"metric": 5}},
        {"key": "step"},
        {"key": "ITER"},
        {"batch_size": -1},
        {"batch_size": "x"},
    ],
)
def test_malformed_requests(api: Api, task: str, fields: Data) -> None:
    assert api.fail(RAW, M | {"task": task} | fields) == (400, 12)


@pytest.mark.parametrize(("key", "first"), [("iter", 0), ("timestamp", 1000)])
def test_a_part_of_the_axis(api: Api, task: str, key: str, first: int) -> None:
    api.add(*(scalar(task, n, n / 10, timestamp=1000 + n) for n in range(30)))
    bounds = {"x_min": first + 7, "x_max": first + 20}
    answers = pages(api, task, {"batch_size": 5, "count_total": True, "key": key} | bounds, key=key, **bounds)
    assert [answer["returned"] for answer in answers] == [5, 5, 4]
    assert {answer["total"] for answer in answers} == {14}
    assert points(answers, key) == [(first + n, n / 10) for n in range(7, 21)]
    assert raw(api, task, key=key, x_min=first + 30)["returned"] == 0
    assert raw(api, task, key=key, x_min=-(2**70), x_max=2**70)["returned"] == 30
