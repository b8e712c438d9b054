"""API contract 3.17: ``vector_metrics_iter_histogram``; vectors are treated like scalars (API contract, appendix D)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness.api import Api
from tests.harness.events import ABSENT, model_events, scalar, vector

VECTORS = "events.vector_metrics_iter_histogram"
AT = {"metric": "m", "variant": "v"}


def vectors(api: Api, task: str, **fields: Any) -> tuple[list[Any], list[Any]]:
    answer = api.call(VECTORS, AT | fields, task=task)
    assert set(answer) == {"metric", "variant", "vectors", "iterations"}
    return answer["iterations"], answer["vectors"]


def test_the_worked_example(api: Api, task: str) -> None:
    api.add(vector(task, 2, [1, 2]), vector(task, 1, [3, 4.5]))
    assert api.call(VECTORS, AT, task=task) == AT | {"vectors": [[3, 4.5], [1, 2]], "iterations": [1, 2]}


def test_stored_vectors_come_back_verbatim(api: Api, task: str) -> None:
    values: list[Any] = [[0.1, 1e-310, -5], [], [[1, 2], [3]], 7.5, [2**60]]
    api.add(*(vector(task, n, value) for n, value in enumerate(values)))
    assert vectors(api, task) == (list(range(5)), values)


def test_events_without_iteration_or_value_are_skipped(api: Api, task: str) -> None:
    api.add(vector(task, ABSENT, [1]), vector(task, None, [2]), vector(task, 3, ABSENT), vector(task, 4, [4]))
    assert vectors(api, task) == ([4], [[4]])


def test_only_one_metric_and_variant(api: Api, task: str) -> None:
    api.add(*(vector(task, 1, [1], metric, variant) for metric in "mn" for variant in "vw"), scalar(task, 2))
    assert vectors(api, task) == ([1], [[1]])
    assert api.call(VECTORS, task=task, metric="Some Metric", variant="x") == {
        "metric": "Some Metric",
        "variant": "x",
        "vectors": [],
        "iterations": [],
    }


def test_names_of_several_words(api: Api, task: str) -> None:
    api.add(vector(task, 1, [1], "Some Metric-x", "A/b"))
    answer = api.call(VECTORS, task=task, metric="Some Metric-x", variant="A/b")
    assert (answer["iterations"], answer["vectors"]) == ([1], [[1]])


def test_negative_iterations_come_first(api: Api, task: str) -> None:
    api.add(*(vector(task, n, [n]) for n in (5, -5, 0)))
    assert vectors(api, task) == ([-5, 0, 5], [[-5], [0], [5]])


def test_the_first_10_000(api: Api, task: str) -> None:
    api.add(*(vector(task, n, [n]) for n in range(10_001)))
    iterations, found = vectors(api, task)
    assert iterations[:10_000] == list(range(10_000))
    assert len(found) == len(iterations)


def test_models(api: Api, model: str) -> None:
    api.add(*model_events([vector(model, 3, [1])]))
    assert vectors(api, model, model_events=True) == ([3], [[1]])


@pytest.mark.parametrize("fields", [{"metric": None}, {"variant": None}, {"task": None}, {"metric": 5}])
def test_malformed_requests(api: Api, task: str, fields: dict[str, Any]) -> None:
    assert api.fail(VECTORS, AT | {"task": task} | fields) == (400, 12)
