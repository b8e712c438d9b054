"""API contract 3.22: ``get_scalar_metric_data``."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness.api import Api, Data
from tests.harness.events import ABSENT, SINGLE_VALUE, column, model_events, plot, scalar

DATA = "events.get_scalar_metric_data"
NO_MORE = (None, "FFFF")


def data(api: Api, task: str, **fields: Any) -> Data:
    answer = api.call(DATA, {"metric": "m"} | fields, task=task)
    assert set(answer) == {"events", "returned", "total", "scroll_id"}
    assert answer["returned"] == len(answer["events"])
    return answer


def test_whole_events_of_one_metric_by_iteration_descending(api: Api, task: str) -> None:
    api.add(*(scalar(task, n, n / 10, variant="ab"[n % 2], other=n) for n in (2, 0, 3, 1)))
    api.add(scalar(task, 9, metric="n"), plot(task, 9), scalar(task, SINGLE_VALUE, 7.0))
    answer = data(api, task)
    expected = [(3, 0.3, "b"), (2, 0.2, "a"), (1, 0.1, "b"), (0, 0.0, "a"), (SINGLE_VALUE, 7.0, "v")]
    assert column(answer["events"], "iter", "value", "variant") == expected
    assert answer["events"][0]["other"] == 3
    assert answer["total"] == 5


def test_ties_are_in_write_order_and_events_without_iteration_last(api: Api, task: str) -> None:
    api.add(scalar(task, ABSENT, variant="none"), *(scalar(task, 1, variant=name) for name in "cab"))
    assert column(data(api, task)["events"], "variant") == ["c", "a", "b", "none"]


def test_pages_of_500(api: Api, task: str) -> None:
    """The worked example: 1206 events."""
    api.add(*(scalar(task, n // 3, variant=str(n % 3)) for n in range(1206)))
    answers = [data(api, task)]
    while answers[-1]["events"]:
        answers.append(data(api, task, scroll_id=answers[-1]["scroll_id"]))
    assert [answer["returned"] for answer in answers] == [500, 500, 206, 0]
    assert {answer["total"] for answer in answers[:-1]} == {1206}
    assert answers[-1]["scroll_id"] in NO_MORE
    found = [point for answer in answers for point in column(answer["events"], "iter", "variant")]
    assert found == [(n, variant) for n in reversed(range(402)) for variant in "012"]


def test_without_a_scroll_only_the_first_page(api: Api, task: str) -> None:
    api.add(*(scalar(task, n) for n in range(501)))
    answer = data(api, task, no_scroll=True)
    assert (answer["returned"], answer["total"], answer["scroll_id"]) == (500, 501, None)


def test_nothing(api: Api, task: str) -> None:
    answer = data(api, task)
    assert (answer["events"], answer["total"], answer["scroll_id"] in NO_MORE) == ([], 0, True)


def test_models(api: Api, model: str) -> None:
    api.add(*model_events([scalar(model, 3)]))
    assert column(data(api, model, model_events=True)["events"], "iter", "model_event") == [(3, True)]


@pytest.mark.parametrize("fields", [{"metric": None}, {"metric": 5}, {"metric": ["m"]}, {"scroll_id": 5}, {"task": 5}])
def test_malformed_requests(api: Api, task: str, fields: Data) -> None:
    assert api.fail(DATA, {"task": task, "metric": "m"} | fields) == (400, 12)
